"""Denoise in a real browser: links opened cold, noise by dial and seed, damage by brush, all of it in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.running_app import Pages, Server, open_page, wait_until_idle


@pytest.fixture(autouse=True)
def streamlit_probes(pages: Pages) -> Iterator[None]:
    """Opened by its own link, a page makes Streamlit ask for its service addresses below the page's path first."""
    yield
    pages.troubles[:] = [trouble for trouble in pages.troubles if "/Denoise/_stcore/" not in trouble]


def verdict(page: Page) -> Locator:
    return page.locator(".ae-verdict")


def field(page: Page) -> Locator:
    return page.get_by_role("application", name="Paint over the digit")


def view(page: Page) -> dict[str, object]:
    """What is seen: every picture, every figure, every sentence."""
    wait_until_idle(page)
    expect(page.locator(".ae-pictures figure")).to_have_count(6)
    expect(page.locator(".ae-identity figure")).to_have_count(4)
    return {
        "pictures": page.locator(".ae-pictures img").evaluate_all("images => images.map(image => image.src)"),
        "captions": page.locator(".ae-pictures figcaption").all_inner_texts(),
        "verdict": verdict(page).inner_text(),
        "identity": page.locator(".ae-identity").inner_text(),
    }


def paint(page: Page, points: list[tuple[float, float]]) -> None:
    field(page).scroll_into_view_if_needed()
    box = field(page).bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for point in at[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


def test_a_link_opened_cold_shows_the_same_view_again(pages: Pages, server: Server) -> None:
    address = f"{server.url}/Denoise?noise=salt+and+pepper&strength=0.3&seed=7&digit=115"
    first, second = (open_page(pages.new(), address) for _ in range(2))
    seen = view(first)
    assert "salt and pepper 0.3" in str(seen["captions"])
    assert view(second) == seen
    assert set(second.url.partition("?")[2].split("&")) == {
        "noise=salt+and+pepper",
        "strength=0.3",
        "seed=7",
        "digit=115",
    }


def test_noise_strength_and_seed_are_turned_and_stand_in_the_address(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Denoise")
    first = view(page)
    page.get_by_role("button", name="Redraw").click()
    page.wait_for_url("**seed=1**")
    second = view(page)
    assert second["pictures"] != first["pictures"]

    page.get_by_role("combobox", name="Noise").click()
    page.get_by_role("option", name="black square").click()
    expect(page.locator(".ae-pictures figcaption").nth(1)).to_contain_text("black square 0.5")
    page.get_by_role("slider", name="Strength").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".ae-pictures figcaption").nth(1)).to_contain_text("black square 0.45")
    assert "noise=black+square" in page.url
    assert "strength=0.45" in page.url
    expect(page.get_by_text("a square of 13 × 13 pixels is covered", exact=False)).to_be_visible()


def test_paint_damage_copy_the_link_open_it_elsewhere(pages: Pages, server: Server) -> None:
    page = pages.new()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, f"{server.url}/Denoise?digit=115")
    page.get_by_role("radio", name="paint it yourself").click()
    expect(page.get_by_text("Paint over the digit, and see")).to_be_visible()
    paint(page, [(0.2, 0.5), (0.8, 0.5)])
    page.wait_for_url("**paint=**")
    expect(page.locator(".ae-pictures figcaption").nth(1)).to_contain_text("painted by hand")
    white = view(page)

    page.get_by_role("button", name="Black").click()
    paint(page, [(0.5, 0.2), (0.5, 0.8)])
    expect(page.get_by_role("status").filter(has_text="pixels are painted")).to_contain_text("Painted.")
    wait_until_idle(page)
    both = view(page)
    assert both["pictures"] != white["pictures"]

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    other = open_page(pages.new(), link)
    assert view(other) == both
    assert field(other).evaluate("canvas => canvas.toDataURL()") == field(page).evaluate("canvas => canvas.toDataURL()")

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="pixels are painted")).to_contain_text("Undone.")
    wait_until_idle(page)
    assert view(page) == white
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Paint over the digit, and see")).to_be_visible()
    assert "paint=" not in page.url


def test_the_brush_by_keyboard_alone(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Denoise?damage=paint+it+yourself&digit=115")
    field(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    status = page.get_by_role("status").filter(has_text="pixels are painted")
    expect(status).to_contain_text("Painted.")
    page.wait_for_url("**paint=**")
    wait_until_idle(page)
    expect(field(page)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+z")
    expect(status).to_contain_text("Undone. 0 of 784")
    expect(page.get_by_text("Paint over the digit, and see")).to_be_visible()


def test_away_and_back_the_damage_is_still_there(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Denoise?damage=paint+it+yourself&digit=115")
    paint(page, [(0.3, 0.3), (0.7, 0.7)])
    page.wait_for_url("**paint=**")
    before = view(page)
    page.get_by_role("link", name="Compress").first.click()
    expect(page.get_by_role("heading", name="Compress")).to_be_visible()
    wait_until_idle(page)
    page.get_by_role("link", name="Denoise").first.click()
    expect(page.get_by_role("heading", name="Denoise")).to_be_visible()
    assert view(page) == before


def test_downloads(page: Page, server: Server, tmp_path: Path) -> None:
    open_page(page, f"{server.url}/Denoise?digit=115")
    with page.expect_download() as picture:
        page.get_by_role("button", name="Download picture").click()
    picture.value.save_as(tmp_path / "denoised.png")
    assert (tmp_path / "denoised.png").read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as figures:
        page.get_by_role("button", name="Download figures").click()
    figures.value.save_as(tmp_path / "figures.csv")
    assert (tmp_path / "figures.csv").read_text().startswith("method,psnr_db,ssim,noise_left\nNoisy picture,")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_nothing_sticks_out_sideways(pages: Pages, server: Server, width: int, scheme: str) -> None:
    page = pages.new(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for address in ("Denoise", "Denoise?damage=paint+it+yourself"):
        open_page(page, f"{server.url}/{address}")
        expect(page.locator(".ae-identity figure")).to_have_count(4)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        outside = page.locator(".ae-pictures, .ae-identity, .ae-verdict").evaluate_all(
            "all => all.filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
        )
        assert outside == 0
