"""The PCA page in Chromium: a training seen to run, to finish and to be stopped; links, files, a phone."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.running_app import Pages, Server, open_page, wait_until_idle

LONG = 180_000  # milliseconds: a training of seconds, on a machine that may be busy with others


@pytest.fixture(autouse=True)
def streamlit_probes(pages: Pages) -> Iterator[None]:
    """Opened by its own link, a page makes Streamlit ask for its service addresses below the page's path first."""
    yield
    pages.troubles[:] = [trouble for trouble in pages.troubles if "/PCA/_stcore/" not in trouble]


def opened(page: Page, server: Server, **address: object) -> Page:
    query = "&".join(f"{name}={value}" for name, value in address.items())
    return open_page(page, f"{server.url}/PCA?{query}")


def reading(page: Page, name: str) -> str:
    row = page.locator(".ae-readings div").filter(has=page.locator("dt", has_text=name))
    return row.locator("dd").inner_text()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_training_is_seen_to_run_and_to_finish(page: Page, server: Server, tmp_path: Path) -> None:
    opened(page, server, code=4)
    expect(page.get_by_text("784 → 4 → 784")).to_be_visible()
    button(page, "Train").click()
    expect(button(page, "Stop")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("Show the code")).to_be_visible(timeout=LONG)
    expect(button(page, "Stop")).to_have_count(0)
    assert reading(page, "Largest angle").startswith(("under", "0.0"))
    assert reading(page, "Network's error") == reading(page, "PCA's error")
    expect(page.locator(".ae-rows img")).to_have_count(7)
    for picture in page.locator(".ae-rows img").all():
        assert len(picture.get_attribute("alt") or "") > 5
    expect(page.get_by_text("Gradient descent alone")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"code": ["4"], "train": ["1"]}
    with page.expect_download() as download:
        button(page, "Training as CSV").click()
    with download.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["angle_degrees"]) < 0.05
    assert abs(float(rows[-1]["excess"])) < 1e-6


def test_the_same_link_shows_the_same_in_a_fresh_browser(pages: Pages, server: Server) -> None:
    shown = []
    for _ in range(2):
        page = opened(pages.new(), server, code=2, tied="true", train=1)
        expect(page.get_by_text("Show the code")).to_be_visible(timeout=LONG)
        wait_until_idle(page)
        shown.append(
            [picture.get_attribute("src") for picture in page.locator(".ae-rows img").all()]
            + [reading(page, name) for name in ("Network's error", "PCA's error", "Largest angle")]
        )
    assert shown[0] == shown[1]


def test_it_can_be_stopped_and_begun_again(page: Page, server: Server) -> None:
    opened(page, server, code=64, nested="true", train=1)
    button(page, "Stop").click(timeout=LONG)
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=LONG)
    assert "train" not in parse_qs(urlsplit(page.url).query)
    button(page, "Train").focus()
    page.keyboard.press("Enter")
    expect(button(page, "Stop")).to_be_visible(timeout=LONG)
    button(page, "Stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=LONG)


def test_the_second_visitor_waits_and_an_abandoned_training_ends(pages: Pages, server: Server) -> None:
    first = opened(pages.new(), server, code=64, nested="true", train=1)
    expect(button(first, "Stop")).to_be_visible(timeout=LONG)
    second = opened(pages.new(), server, code=1, train=1)
    expect(second.get_by_text("yours begins after")).to_be_visible(timeout=LONG)
    first.context.close()
    expect(second.get_by_text("Show the code")).to_be_visible(timeout=LONG)


def test_it_polls_while_training_only(page: Page, server: Server) -> None:
    opened(page, server, code=1, train=1)
    expect(page.get_by_text("Show the code")).to_be_visible(timeout=LONG)
    wait_until_idle(page)
    runs = page.evaluate(
        """() => new Promise(done => {
            let runs = 0
            const app = document.querySelector('[data-testid=stApp]')
            new MutationObserver(() => runs += app.dataset.testScriptState == 'running')
                .observe(app, {attributes: true, attributeFilter: ['data-test-script-state']})
            setTimeout(() => done(runs), 2500)
        })"""
    )
    assert runs == 0


def test_the_marker_follows_the_slider(page: Page, server: Server) -> None:
    opened(page, server, part=90)
    before = page.get_by_text(re.compile(r"numbers hold 90 % of the variance"))
    expect(before).to_be_visible()
    page.get_by_role("slider", name="Part of the information").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile(r"numbers hold 91 % of the variance"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"part=91"))


def test_on_a_phone_nothing_sticks_out(pages: Pages, server: Server) -> None:
    page = opened(pages.new(viewport={"width": 375, "height": 800}), server, code=1, train=1)
    expect(page.get_by_text("Show the code")).to_be_visible(timeout=LONG)
    time.sleep(0.5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    sticking = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMain] :is(img, table, h1, h2, p, button)')]
            .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))"""
    )
    assert sticking == []
