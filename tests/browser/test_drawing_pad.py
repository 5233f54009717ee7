"""The drawing pad, driven as people drive it: by mouse, by finger, by keyboard; Python receives what the pad shows."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from aecore.datasets.pictures import digit_from_ink
from tests.browser.running_app import Pages, Server, open_page, wait_until_idle
from ui.components.drawing_pad import script

SCRIPT = "tests/browser/pad_page.py"
SEVEN = [[(0.25, 0.25), (0.72, 0.22), (0.45, 0.82)], [(0.38, 0.52), (0.68, 0.5)]]
PREVIEW_GREYS = """preview => {
  const pixels = preview.getContext("2d").getImageData(0, 0, 28, 28).data;
  return Array.from({length: 784}, (_, i) => Math.round(pixels[4 * i] / 17).toString(16)).join("");
}"""


@pytest.fixture
def url(serve: Callable[[str], Server]) -> str:
    return serve(SCRIPT).url


def field(page: Page) -> Locator:
    return page.get_by_role("application", name="Draw a digit")


def preview(page: Page) -> Locator:
    return page.get_by_role("img", name="The 28 by 28 picture it becomes")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def received(page: Page) -> str:
    """What Python has, once it has what the pad shows."""
    shown = "none"
    greys = preview(page).evaluate(PREVIEW_GREYS)
    if greys.strip("0"):
        shown = greys
    expect(page.get_by_text("Received:")).to_have_text(f"Received: {shown}")
    return shown


def runs(page: Page) -> int:
    return int(page.get_by_text("Runs:").inner_text().removeprefix("Runs: "))


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    box = field(page).bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def stroke(page: Page, points: list[tuple[float, float]]) -> None:
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(page, *point), steps=8)
    page.mouse.up()


def test_mouse_undo_redo_clear(page: Page, url: str) -> None:
    open_page(page, url)
    assert received(page) == "none"
    height = field(page).evaluate("canvas => canvas.getRootNode().host.offsetHeight")
    stroke(page, SEVEN[0])
    says(page, "1 stroke.")
    one = received(page)
    stroke(page, SEVEN[1])
    says(page, "2 strokes.")
    two = received(page)
    assert len({"none", one, two}) == 3

    button(page, "Undo").click()
    says(page, "Undone. 1 stroke.")
    assert received(page) == one
    button(page, "Redo").click()
    says(page, "Redone. 2 strokes.")
    assert received(page) == two
    button(page, "Clear").click()
    says(page, "Cleared. Undo brings it back.")
    assert received(page) == "none"
    button(page, "Undo").click()
    assert received(page) == two
    assert field(page).evaluate("canvas => canvas.getRootNode().host.offsetHeight") == height


def test_the_preview_follows_within_a_stroke_and_python_does_not(page: Page, url: str) -> None:
    open_page(page, url)
    stroke(page, SEVEN[0])
    first = received(page)
    told = runs(page)
    page.mouse.move(*at(page, 0.38, 0.52))
    page.mouse.down()
    page.mouse.move(*at(page, 0.68, 0.5), steps=8)
    page.wait_for_function(
        f"([preview, before]) => ({PREVIEW_GREYS})(preview) !== before", arg=[preview(page).element_handle(), first]
    )
    expect(page.get_by_text("Received:")).to_have_text(f"Received: {first}")
    assert runs(page) == told
    page.mouse.up()
    assert received(page) != first
    expect(page.get_by_text("Runs:")).to_have_text(f"Runs: {told + 1}")


def test_a_rerun_in_the_middle_of_a_stroke_leaves_the_pad_alone(page: Page, url: str) -> None:
    open_page(page, url)
    stroke(page, SEVEN[0])
    field(page).evaluate("canvas => { canvas.mark = 'the same element'; }")
    page.mouse.move(*at(page, 0.38, 0.52))
    page.mouse.down()
    page.mouse.move(*at(page, 0.5, 0.51), steps=4)
    told = runs(page)
    page.get_by_role("button", name="Run again").dispatch_event("click")
    expect(page.get_by_text("Runs:")).not_to_have_text(f"Runs: {told}")
    wait_until_idle(page)
    page.mouse.move(*at(page, 0.68, 0.5), steps=4)
    page.mouse.up()
    says(page, "2 strokes.")
    received(page)
    assert field(page).evaluate("canvas => canvas.mark") == "the same element"


def test_the_drawing_outlives_its_absence(page: Page, url: str) -> None:
    """As on a visit to another page: Streamlit forgets the widget, the session does not."""
    open_page(page, url)
    for points in SEVEN:
        stroke(page, points)
    says(page, "2 strokes.")
    drawn = received(page)
    page.get_by_text("Show the pad").click()
    expect(field(page)).to_have_count(0)
    page.get_by_text("Show the pad").click()
    expect(page.get_by_text("Received:")).to_have_text(f"Received: {drawn}")
    expect(button(page, "Undo")).to_have_attribute("aria-disabled", "false")
    assert received(page) == drawn
    button(page, "Undo").click()
    says(page, "Undone. 1 stroke.")
    assert received(page) not in ("none", drawn)


def test_keyboard(page: Page, url: str) -> None:
    open_page(page, url)
    field(page).focus()
    for key in ["ArrowUp"] * 6 + ["Space"] + ["ArrowDown"] * 12 + ["Space"]:
        page.keyboard.press(key)
    says(page, "Pen up. 1 stroke.")
    one = received(page)
    rows = [one[28 * row : 28 * row + 28] for row in range(28)]
    inked = [row for row in rows if row.strip("0")]
    assert len(inked) == 20, "a vertical line fills the height of MNIST's box"
    assert len(set(inked[4:-4])) == 1, "and is straight"
    page.keyboard.press("ArrowLeft")
    says(page, "Pen up at row 21, column 14 of 28.")
    page.keyboard.press("Delete")
    says(page, "Cleared.")
    assert received(page) == "none"
    page.keyboard.press("Control+z")
    assert received(page) == one
    page.keyboard.press("Control+z")
    assert received(page) == "none"
    page.keyboard.press("Control+Shift+Z")
    assert received(page) == one
    page.keyboard.press("Tab")
    expect(button(page, "Undo")).to_be_focused()
    page.keyboard.press("Enter")
    assert received(page) == "none"


def test_a_linked_digit_gives_way_to_a_stroke_and_comes_back(page: Page, url: str) -> None:
    open_page(page, f"{url}/?digit=cross")
    says(page, "This digit comes from the link.")
    linked = received(page)
    assert linked.count("f") == 60
    stroke(page, SEVEN[0])
    says(page, "1 stroke.")
    drawn = received(page)
    assert drawn != linked
    button(page, "Undo").click()
    says(page, "The digit from the link is back.")
    assert received(page) == linked
    button(page, "Clear").click()
    assert received(page) == "none"


def test_touch_draws_on_the_pad_and_scrolls_beside_it(pages: Pages, url: str) -> None:
    page = pages.new(viewport={"width": 375, "height": 667}, has_touch=True, is_mobile=True)
    open_page(page, url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    box = field(page).bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= 375
    for name in ("Undo", "Redo", "Clear"):
        size = button(page, name).bounding_box()
        assert size is not None
        assert size["height"] >= 44

    fingers = page.context.new_cdp_session(page)

    def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
        def touch(kind: str, points: list[tuple[float, float]]) -> None:
            fingers.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
            )

        touch("touchStart", [start])
        for step in range(1, 9):
            touch("touchMove", [tuple(a + (b - a) * step / 8 for a, b in zip(start, end, strict=True))])
        touch("touchEnd", [])

    main = page.get_by_role("main")
    swipe(at(page, 0.5, 0.8), at(page, 0.5, 0.2))
    says(page, "1 stroke.")
    assert received(page) != "none"
    assert main.evaluate("main => main.scrollTop") == 0
    assert field(page).evaluate("canvas => canvas.matches('.by-pointer')"), "no focus ring for a finger"
    swipe((370, 600), (370, 200))
    page.wait_for_function("main => main.scrollTop > 100", arg=main.element_handle())


def test_a_pen_pressed_harder_draws_a_wider_line(page: Page, url: str) -> None:
    open_page(page, url)
    tip = page.context.new_cdp_session(page)
    ink = []
    for force in (0.2, 1.0):
        for kind, y in [
            ("mousePressed", 0.2),
            *[("mouseMoved", 0.2 + 0.06 * n) for n in range(1, 11)],
            ("mouseReleased", 0.8),
        ]:
            x, top = at(page, 0.5, y)
            pen = {"pointerType": "pen", "force": 0 if kind == "mouseReleased" else force}
            tip.send(
                "Input.dispatchMouseEvent", {"type": kind, "x": x, "y": top, "button": "left", "buttons": 1, **pen}
            )
        says(page, "1 stroke.")
        ink.append(sum(int(grey, 16) for grey in received(page)))
        button(page, "Clear").click()
        says(page, "Cleared.")
    assert ink[1] > 1.25 * ink[0]


def inks() -> list[np.ndarray]:
    """Blots of many sizes and places, values 0 to 255, none of them so even that rounding is a matter of luck."""
    random = np.random.default_rng(5)
    made = []
    for height, width in [(224, 224), (280, 280), (97, 211), (20, 20), (7, 60), (28, 28)] * 4:
        y, x = np.mgrid[:height, :width]
        ink = np.zeros((height, width))
        for _ in range(random.integers(1, 6)):
            cy, cx = random.uniform(0, height), random.uniform(0, width)
            radius = random.uniform(0.5, 0.2 * max(height, width))
            ink = np.maximum(ink, np.clip(radius - np.hypot(y - cy, x - cx) + 0.5, 0, 1) * random.uniform(0.3, 1))
        if ink.max() >= 1 / 32:
            made.append(np.round(255 * ink).astype(np.uint8))
    return made


def in_the_pads_code(page: Page, expression: str, argument: object) -> object:
    """The value of a JavaScript function of the pad's own code, outside of any Streamlit."""
    code = script().replace("export default", "export const glue =")
    return page.evaluate(
        f"""async ([code, argument]) => {{
          code += "; export {{ Drawing, digitFromInk, digitToGreys, greysToDigit }};";
          const pad = await import(URL.createObjectURL(new Blob([code], {{ type: "text/javascript" }})));
          return ({expression})(pad, argument);
        }}""",
        [code, argument],
    )


def test_browser_and_python_make_the_same_digit_of_an_ink(page: Page) -> None:
    drawn = inks()
    assert len(drawn) > 20
    found = in_the_pads_code(
        page,
        """(pad, inks) => inks.map(([text, height, width]) => {
          const ink = Float64Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);
          return Array.from(pad.digitFromInk(ink, width, height));
        })""",
        [[base64.b64encode(ink.tobytes()).decode(), *ink.shape] for ink in drawn],
    )
    expected = np.stack([digit_from_ink(ink / 255) for ink in drawn])
    np.testing.assert_allclose(np.array(found).reshape(-1, 28, 28), expected, atol=1e-6)


def test_drawing_bit_by_bit_leaves_the_ink_of_the_whole(page: Page) -> None:
    """The ink grows with each move; restored from its strokes, as after a visit to another page, it is the same."""
    difference, points, empty = in_the_pads_code(
        page,
        """(pad, strokes) => {
          const drawn = new pad.Drawing();
          const nothing = drawn.digit();
          for (const [first, ...rest] of strokes) {
            drawn.begin(...first);
            for (const point of rest) { drawn.extend(...point); drawn.ink(); }
            drawn.end();
          }
          const restored = new pad.Drawing();
          restored.restore({ strokes: JSON.parse(JSON.stringify(drawn.strokes)) });
          const [one, other] = [drawn.ink(), restored.ink()];
          return [Math.max(...one.map((value, i) => Math.abs(value - other[i]))), drawn.strokes[0].length / 3, nothing];
        }""",
        [[[0.2 + 0.1 * i, 0.5 + 0.3 * (-1) ** i, 0.5 + 0.1 * i] for i in range(7)], [[0.8, 0.8, 1.0]]],
    )
    assert (difference, points, empty) == (0, 7, None)
