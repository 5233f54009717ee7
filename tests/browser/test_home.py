"""Home in a real browser: it paints, leads on, and fits a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running_app import Pages, Server, open_page, wait_until_idle


@pytest.fixture(autouse=True)
def streamlit_probes(pages: Pages) -> Iterator[None]:
    """Opened by its own link, a page makes Streamlit ask for its service addresses below the page's path first."""
    yield
    pages.troubles[:] = [trouble for trouble in pages.troubles if "/Compress/_stcore/" not in trouble]


def test_home_shows_the_drawing_and_the_strip_and_leads_to_the_pad(page: Page, server: Server) -> None:
    open_page(page, server.url)
    expect(page).to_have_title("Autoencoder Playground")
    expect(page.get_by_role("heading", level=1)).to_have_text("Autoencoder Playground")
    expect(page.get_by_role("img", name="An autoencoder")).to_be_visible()
    expect(page.get_by_role("img", name="The digits 0 to 9 in handwriting")).to_be_visible()
    page.get_by_role("link", name="Draw a digit and squeeze it").click()
    expect(page.get_by_role("application", name="Draw a digit")).to_be_visible()
    expect(page).to_have_url(f"{server.url}/Compress?source=draw")
    expect(page).to_have_title("Compress · Autoencoder Playground")


def test_there_and_back_keeps_what_was_set(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Compress?k=8&digit=17&shuffle=3")
    expect(page.get_by_text("8 numbers at 8 bits are 8 bytes")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Autoencoder Playground")
    expect(page).to_have_url(f"{server.url}/")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Compress").click()
    expect(page.get_by_text("8 numbers at 8 bits are 8 bytes")).to_be_visible()
    expect(page.locator(".ae-pictures figcaption").first).to_contain_text(" 17")
    wait_until_idle(page)
    assert {"k=8", "digit=17", "shuffle=3"} <= set(page.url.partition("?")[2].split("&"))


def test_home_fits_a_dark_phone(pages: Pages, server: Server) -> None:
    page = pages.new(viewport={"width": 375, "height": 740}, color_scheme="dark", is_mobile=True, has_touch=True)
    open_page(page, server.url)
    expect(page.get_by_role("img", name="The digits 0 to 9 in handwriting")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")
