"""Compress in a real browser: links opened cold, picking, drawing, uploading, copying, downloading."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.browser.running_app import Pages, Server, open_page, wait_until_idle


@pytest.fixture(autouse=True)
def streamlit_probes(pages: Pages) -> Iterator[None]:
    """Opened by its own link, a page makes Streamlit ask for its service addresses below the page's path first."""
    yield
    pages.troubles[:] = [trouble for trouble in pages.troubles if "/Compress/_stcore/" not in trouble]


def dial(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=name)


def buttons(page: Page) -> Locator:
    return page.get_by_role("group", name="Choose a digit").get_by_role("button")


def verdict(page: Page) -> Locator:
    return page.locator(".ae-verdict")


def view(page: Page) -> dict[str, object]:
    """What is seen: every picture of the comparison, the sentence, the figures, the code."""
    wait_until_idle(page)
    expect(page.locator(".ae-pictures figure")).to_have_count(6)
    return {
        "pictures": page.locator(".ae-pictures img").evaluate_all("images => images.map(image => image.src)"),
        "code": page.get_by_role("img", name="The code as bars").get_attribute("aria-label"),
        "captions": page.locator(".ae-pictures figcaption").all_inner_texts(),
        "verdict": verdict(page).inner_text(),
        "figures": page.locator(".ae-figures").inner_text(),
        "strangers": page.locator(".ae-strangers").inner_text(),
    }


def test_a_link_opened_cold_shows_the_same_view_again(pages: Pages, server: Server) -> None:
    address = f"{server.url}/Compress?ordered=true&k=13&bits=3&class=4&digit=115"
    first, second = (open_page(pages.new(), address) for _ in range(2))
    seen = view(first)
    assert "13 numbers at 3 bits are 5 bytes" in str(seen["verdict"])
    assert view(second) == seen
    assert set(second.url.partition("?")[2].split("&")) == {"ordered=true", "k=13", "bits=3", "class=4", "digit=115"}


def test_picking_from_the_gallery_by_pointer_and_by_keyboard(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Compress")
    expect(buttons(page)).to_have_count(24)
    first = view(page)
    buttons(page).nth(5).click()
    expect(buttons(page).nth(5)).to_have_attribute("aria-pressed", "true")
    page.wait_for_url("**digit=**")
    wait_until_idle(page)
    second = view(page)
    assert second["pictures"] != first["pictures"]
    name = buttons(page).nth(5).get_attribute("aria-label") or ""
    assert name.split(", ")[1] in str(second["captions"])

    page.keyboard.press("ArrowDown")
    expect(buttons(page).nth(11)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(buttons(page).nth(10)).to_have_attribute("aria-pressed", "true")
    name = buttons(page).nth(10).get_attribute("aria-label") or ""
    expect(page.locator(".ae-pictures figcaption").first).to_contain_text(name.split(", ")[1])
    expect(buttons(page).nth(10)).to_be_focused()


def test_the_dial_goes_down_to_two_and_with_every_size_to_one(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Compress")
    size = dial(page, "Bottleneck")
    size.focus()
    for numbers in (16, 8, 4, 2):
        page.keyboard.press("ArrowLeft")
        expect(verdict(page)).to_contain_text(f"{numbers} numbers at 8 bits")
    page.get_by_text("Every size").click()
    expect(size).to_have_attribute("max", "63")  # 64 sizes, counted from 0
    expect(verdict(page)).to_contain_text("2 numbers at 8 bits")
    size.focus()
    page.keyboard.press("ArrowLeft")
    expect(verdict(page)).to_contain_text("1 number at 8 bits is 1 byte: 784 times fewer")
    assert "k=1" in page.url
    page.get_by_text("Every size").click()
    expect(verdict(page)).to_contain_text("2 numbers at 8 bits")


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.get_by_role("application", name="Draw a digit").bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def test_draw_turn_the_dial_copy_the_link_open_it_elsewhere(pages: Pages, server: Server) -> None:
    page = pages.new()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, f"{server.url}/Compress")
    page.get_by_role("radio", name="draw").click()
    expect(page.get_by_text("Draw or upload a digit, and see")).to_be_visible()
    draw(page, [(0.25, 0.25), (0.72, 0.22), (0.45, 0.82)])
    page.wait_for_url("**pixels=**")
    expect(verdict(page)).to_contain_text("32 numbers")
    one_stroke = page.url
    draw(page, [(0.38, 0.52), (0.68, 0.5)])
    page.wait_for_url(lambda url: "pixels=" in url and url != one_stroke)
    dial(page, "Bottleneck").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(verdict(page)).to_contain_text("8 numbers at 8 bits")
    seen = view(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url

    other = open_page(pages.new(), link)
    assert view(other) == seen
    expect(other.get_by_role("application", name="Draw a digit")).to_be_visible()


def test_without_a_clipboard_the_link_is_shown(pages: Pages, server: Server) -> None:
    page = pages.new()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    open_page(page, f"{server.url}/Compress?k=4")
    page.get_by_role("button", name="Copy link").press("Enter")
    field = page.get_by_role("textbox", name="Link to this view")
    expect(field).to_have_value(page.url)
    expect(field).to_be_focused()


def seven() -> bytes:
    canvas = Image.new("RGB", (150, 200), (235, 230, 220))
    ImageDraw.Draw(canvas).line([(40, 40), (110, 40), (65, 165)], fill=(20, 30, 90), width=16)
    file = io.BytesIO()
    canvas.save(file, "JPEG")
    return file.getvalue()


def test_a_good_upload_then_a_bad_one(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Compress?source=upload")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "seven.jpg", "mimeType": "image/jpeg", "buffer": seven()})
    expect(page.locator(".ae-pictures figcaption").first).to_contain_text("your picture")
    expect(page.locator(".ae-strangers figcaption").first).to_contain_text("Your picture")
    page.wait_for_url("**pixels=**")
    seen = view(page)
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": seven()[:400]})
    expect(page.get_by_role("alert")).to_contain_text("broken or cut off")
    assert view(page) == seen


def test_downloads_and_the_code(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Compress?k=4&digit=5")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download code (CSV)").click()
    rows = Path(waiting.value.path()).read_text().splitlines()
    assert rows[0] == "number,autoencoder,pca"
    assert len(rows) == 5
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download picture").click()
    with Image.open(waiting.value.path()) as kept:
        assert kept.width > 5 * 28 * 4
    page.get_by_text("Show the code").click()
    expect(page.get_by_test_id("stCode")).to_contain_text('aecore.load("digits-4")')


def test_compress_fits_a_phone(pages: Pages, server: Server) -> None:
    page = pages.new(viewport={"width": 375, "height": 740}, is_mobile=True, has_touch=True)
    open_page(page, f"{server.url}/Compress")
    expect(page.locator(".ae-strangers figure").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    # The code block scrolls in a box of its own; nothing else may.
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
    seen = page.locator("img:visible, button:visible, table:visible, [role=img]:visible")
    assert seen.evaluate_all("all => Math.max(...all.map(e => e.getBoundingClientRect().right))") <= 375
    columns = page.locator(".ae-pictures").evaluate(
        "grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length"
    )
    assert columns == 2


def test_an_absurd_link_shows_the_default(page: Page, server: Server) -> None:
    address = "k=13&bits=99&class=x&digit=-4&shuffle=%00&pixels=%3Cscript%3E&source=moon&ordered=perhaps"
    open_page(page, f"{server.url}/Compress?{address}")
    expect(verdict(page)).to_contain_text("32 numbers at 8 bits are 32 bytes")
    expect(page.get_by_test_id("stException")).to_have_count(0)
