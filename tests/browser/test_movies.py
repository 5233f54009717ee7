"""Movies in a real browser: a title typed, a neighbour clicked, stars given, links opened cold."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.running_app import Pages, Server, open_page, wait_until_idle

TOY_STORY, MATRIX = 1, 2571  # at MovieLens
RATED = "1307-5_2671-5_597-4_4973-5_1214-1"


@pytest.fixture(autouse=True)
def streamlit_probes(pages: Pages) -> Iterator[None]:
    """Opened by its own link, a page makes Streamlit ask for its service addresses below the page's path first."""
    yield
    pages.troubles[:] = [trouble for trouble in pages.troubles if "/Movies/_stcore/" not in trouble]


def neighbours(page: Page) -> Locator:
    return page.get_by_role("region", name="Autoencoder").get_by_role("button")


def names(page: Page) -> list[str]:
    """The titles of the list."""
    wait_until_idle(page)
    expect(neighbours(page)).to_have_count(10)
    return neighbours(page).locator(".title").all_inner_texts()


def query(page: Page) -> Locator:
    return page.locator(".ae-query b")


def recommended(page: Page) -> Locator:
    return page.locator(".recommended > li")


def stars(page: Page, title: str) -> Locator:
    return page.get_by_role("radiogroup", name=f"Stars for {title}", exact=True)


def test_type_a_few_letters_pick_a_movie_see_its_neighbours(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies")
    expect(query(page)).to_contain_text("Spirited Away")
    before = names(page)
    field = page.get_by_role("combobox", name="A movie")
    field.click()
    page.keyboard.type("matrx", delay=30)  # a slip
    first = page.get_by_role("option").first
    expect(first).to_contain_text("The Matrix")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(query(page)).to_contain_text("The Matrix")
    page.wait_for_url(f"**movie={MATRIX}**")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("The Matrix (1999)")
    after = names(page)
    assert after != before
    assert "The Matrix" not in after

    # By pointer, and away again without a choice.
    field.click()
    page.keyboard.type("amelie", delay=30)
    page.get_by_role("option", name="Amelie").first.click()
    expect(query(page)).to_contain_text("Amelie")
    field.click()
    page.keyboard.type("qqqqqq", delay=30)
    expect(page.get_by_text("No title is like that")).to_be_visible()
    page.keyboard.press("Escape")
    expect(field).to_have_value("Amelie (2001)")


def test_a_click_makes_a_neighbour_the_query_and_the_way_back_is_there(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies?movie={TOY_STORY}")
    listed = names(page)
    neighbours(page).nth(2).click()
    expect(query(page)).to_contain_text(listed[2])
    assert listed[2] not in names(page)
    neighbours(page).first.focus()
    page.keyboard.press("Enter")
    expect(query(page)).not_to_contain_text(listed[2])
    page.get_by_role("link", name="Compress").first.click()
    expect(page.get_by_role("heading", name="Compress")).to_be_visible()
    wait_until_idle(page)
    page.get_by_role("link", name="Movies").first.click()
    expect(query(page)).to_be_visible()
    assert "movie=" in page.url


def test_filters_and_rivals_stand_in_the_address(pages: Pages, server: Server) -> None:
    page = open_page(pages.new(), f"{server.url}/Movies?movie={MATRIX}")
    plain = names(page)
    page.get_by_role("slider", name="More alike").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_url("**popularity=0.4**")
    page = open_page(page, f"{page.url}&genres=Comedy")
    page.get_by_text("Filters", exact=True).click()
    expect(page.get_by_text("Comedy", exact=True).first).to_be_visible()
    page.get_by_text("Ask the others too").click()
    expect(page.get_by_role("region", name="EASE")).to_be_visible()
    expect(page.get_by_role("region", name="Raw cosine").get_by_role("button")).to_have_count(10)
    filtered = names(page)
    assert filtered != plain
    for note in neighbours(page).locator(".note").all_inner_texts():
        assert "Comedy" in note
    other = open_page(pages.new(), page.url)
    assert names(other) == filtered
    expect(other.get_by_role("region", name="SVD")).to_be_visible()


def test_the_map_shows_names_and_a_click_asks(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies?movie={TOY_STORY}")
    first = names(page)[0]
    canvas = page.get_by_role("application", name="A map of all movies")
    tip = page.locator(".tip")
    neighbours(page).first.hover()  # the list points at the map
    expect(tip).to_contain_text(first)

    canvas.focus()  # by keyboard: the query, then its neighbours
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("Toy Story")
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text(first)
    page.keyboard.press("Enter")
    expect(query(page)).to_contain_text(first)

    whole = canvas.evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="Go to the movie").click()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(200)
    assert canvas.evaluate("canvas => canvas.toDataURL()") != whole
    page.get_by_role("button", name="Show the whole map").click()
    box = canvas.bounding_box()
    assert box is not None
    found = None
    for across, down in [(0.3, 0.4), (0.6, 0.3), (0.4, 0.7), (0.7, 0.6), (0.5, 0.62), (0.42, 0.5), (0.55, 0.44)]:
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(120)
        if tip.is_visible() and first not in tip.inner_text():
            found = tip.locator("b").inner_text()
            page.mouse.down()
            page.mouse.up()
            break
    assert found, "no movie lies under any of the places"
    expect(page.get_by_role("combobox", name="A movie")).to_have_value(found)

    seen = canvas.evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="Horror").click()
    expect(page.get_by_role("button", name="Horror")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(200)
    assert canvas.evaluate("canvas => canvas.toDataURL()") != seen


def test_stars_make_a_list_and_every_star_changes_it(pages: Pages, server: Server) -> None:
    page = pages.new()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, f"{server.url}/Movies?show=recommend")
    expect(page.get_by_text("Give stars to a few movies")).to_be_visible()
    stars(page, "The Matrix").get_by_role("radio", name="5 stars").click()
    expect(recommended(page)).to_have_count(10)
    page.wait_for_url(f"**ratings={MATRIX}-5**")
    expect(page.get_by_text("1 of 5 ratings")).to_be_visible()
    wait_until_idle(page)
    before = recommended(page).locator(".title").all_inner_texts()
    assert "The Matrix" not in before

    stars(page, "Titanic").get_by_role("radio", name="1 star", exact=True).focus()  # by keyboard
    page.keyboard.press("4")
    page.wait_for_url("**1721-4**")
    expect(stars(page, "Titanic").get_by_role("radio", name="4 stars")).to_have_attribute("aria-checked", "true")
    wait_until_idle(page)
    assert recommended(page).locator(".title").all_inner_texts() != before
    expect(recommended(page).first.locator("summary")).to_contain_text("★ for")

    first = recommended(page).first  # a reason unfolds, one row a rating
    first.locator("summary").click()
    expect(first.locator("dt")).to_have_count(2)
    expect(first.locator("dd.without").first).to_contain_text("without it")

    page.get_by_role("combobox", name="Another movie").click()  # one more, by search
    page.keyboard.type("godfather part ii", delay=20)
    page.get_by_role("option").first.click()
    expect(stars(page, "The Godfather: Part II").get_by_role("radio", name="4 stars")).to_have_attribute(
        "aria-checked", "true"
    )
    page.wait_for_url("**1221-4**")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    wait_until_idle(page)
    other = open_page(pages.new(), link)
    expect(recommended(other)).to_have_count(10)
    assert (
        recommended(other).locator(".title").all_inner_texts() == recommended(page).locator(".title").all_inner_texts()
    )
    expect(stars(other, "Titanic").get_by_role("radio", name="4 stars")).to_have_attribute("aria-checked", "true")

    stars(page, "The Matrix").get_by_role("radio", name="5 stars").click()  # the last filled star takes it back
    expect(page).not_to_have_url(f"**{MATRIX}-5**")
    expect(page.get_by_text("2 of 5 ratings")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Give stars to a few movies")).to_be_visible()
    assert "ratings=" not in page.url


def test_a_taste_to_start_from_and_from_a_recommendation_to_what_is_like_it(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies?show=recommend")
    page.get_by_role("button", name="Bent realities").click()
    expect(recommended(page)).to_have_count(10)
    bent = recommended(page).locator(".title").all_inner_texts()
    page.get_by_role("button", name="Hearts and laughter").click()
    expect(recommended(page).locator(".title").first).not_to_have_text(bent[0])
    wait_until_idle(page)
    hearts = recommended(page).locator(".title").all_inner_texts()
    assert len(set(bent) & set(hearts)) < 5
    ratings = page.url.partition("ratings=")[2]
    recommended(page).first.locator(".title").click()
    expect(query(page)).to_contain_text(hearts[0])
    page.get_by_role("radio", name="recommend").click()  # and back: the ratings are still there
    expect(recommended(page)).to_have_count(10)
    assert ratings.partition("&")[0] in page.url


def test_stars_given_faster_than_the_answers_come_are_all_kept(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies?show=recommend")
    titles = ["The Matrix", "Titanic", "Pulp Fiction", "Toy Story", "Alien", "Shrek"]
    buttons = [stars(page, title).get_by_role("radio", name="5 stars").element_handle() for title in titles]
    page.evaluate("buttons => buttons.forEach(button => button.click())", buttons)
    expect(page.get_by_text("From The Matrix", exact=False)).to_contain_text("Shrek 5")
    wait_until_idle(page)
    for title in titles:
        expect(stars(page, title).get_by_role("radio", name="5 stars")).to_have_attribute("aria-checked", "true")
    assert page.url.count("-5") == len(titles)


def test_a_recommended_movie_is_rated_on_the_spot(page: Page, server: Server) -> None:
    open_page(page, f"{server.url}/Movies?show=recommend&ratings={RATED}")
    first = recommended(page).first.locator(".title").inner_text()
    recommended(page).first.get_by_role("radio", name="2 stars").click()
    expect(recommended(page).first.locator(".title")).not_to_have_text(first)
    expect(page.locator(".shelf")).to_contain_text(first)
    expect(page).not_to_have_url(f"{server.url}/Movies?show=recommend&ratings={RATED}")


def test_lists_are_kept_as_csv(page: Page, server: Server, tmp_path: Path) -> None:
    open_page(page, f"{server.url}/Movies?movie={MATRIX}")
    shown = names(page)
    with page.expect_download() as similar:
        page.get_by_role("button", name="Download list").click()
    similar.value.save_as(tmp_path / "similar.csv")
    rows = list(csv.DictReader((tmp_path / "similar.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["title"] for row in rows] == shown
    page.get_by_role("radio", name="recommend").click()
    page.get_by_role("button", name="Bent realities").click()
    expect(recommended(page)).to_have_count(10)
    wait_until_idle(page)
    with page.expect_download() as liked:
        page.get_by_role("button", name="Download list").click()
    liked.value.save_as(tmp_path / "recommended.csv")
    rows = list(csv.DictReader((tmp_path / "recommended.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["title"] for row in rows] == recommended(page).locator(".title").all_inner_texts()


def test_a_bad_address_gets_a_page_all_the_same(page: Page, server: Server) -> None:
    for address in ("movie=999999999&genres=Cooking", "movie=<b>&popularity=7&years=3&ratings=%25%25"):
        open_page(page, f"{server.url}/Movies?{address}")
        expect(query(page)).to_contain_text("Spirited Away")
    open_page(page, f"{server.url}/Movies?show=recommend&ratings=1-9_x_{MATRIX}-5")
    expect(page.get_by_text("2 ratings in this link could not be read")).to_be_visible()
    expect(recommended(page)).to_have_count(10)
    page.wait_for_url(f"**ratings={MATRIX}-5")


def test_a_phone_needs_no_sideways_scrolling(pages: Pages, server: Server) -> None:
    page = pages.new(viewport={"width": 375, "height": 700}, color_scheme="dark", has_touch=True)
    for address in ("?compare=true", f"?show=recommend&ratings={RATED}", "?show=the+mask"):
        open_page(page, f"{server.url}/Movies{address}")
        expect(page.get_by_text("The MovieLens Datasets")).to_be_attached()
        wide = page.evaluate(
            """() => [...document.querySelectorAll('[data-testid="stMain"], [data-testid="stMainBlockContainer"]')]
                .map(block => block.scrollWidth - block.clientWidth)"""
        )
        assert max(wide) <= 0, address


def test_a_finger_looks_first_and_asks_then(pages: Pages, server: Server) -> None:
    options = {"viewport": {"width": 375, "height": 700}, "has_touch": True}
    page = open_page(pages.new(**options), f"{server.url}/Movies?movie={TOY_STORY}")
    names(page)
    canvas = page.get_by_role("application", name="A map of all movies")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    tip = page.locator(".tip")
    for across, down in [(0.5, 0.5), (0.4, 0.5), (0.5, 0.4), (0.6, 0.6)]:
        at = box["x"] + across * box["width"], box["y"] + down * box["height"]
        page.touchscreen.tap(*at)
        page.wait_for_timeout(150)
        if tip.is_visible() and "Toy Story (1995)" not in tip.inner_text():
            break
    found = tip.locator("b").inner_text()
    expect(query(page)).to_contain_text("Toy Story")
    page.touchscreen.tap(*at)
    expect(page.get_by_role("combobox", name="A movie")).to_have_value(found)
