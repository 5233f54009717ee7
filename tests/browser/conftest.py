"""A real Chromium in front of a real Streamlit server, for the tests in this folder.

Without Chromium they are skipped with the reason; REQUIRE_BROWSER=1 makes that a failure (tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import ROOT, launch_chromium, start_server
from tests.browser.running_app import PATIENCE, Pages, Server

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder, so that `-m "not browser"` leaves it out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test has a context, so a profile, of its own."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[str], Server]]:
    """serve("app.py") is the running server of that script: one a session, started when first asked for."""
    servers: dict[str, Server] = {}

    def started(script: str) -> Server:
        if script not in servers:
            servers[script] = start_server(ROOT / script, timeout=PATIENCE)
        return servers[script]

    yield started
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="session")
def server(serve: Callable[[str], Server]) -> Server:
    """The dashboard itself."""
    return serve("app.py")


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """pages.new(...) opens a page in a fresh profile. The test fails on console errors, page errors and requests that
    leave this machine: pages.troubles holds them, and a test that expects one takes it out."""
    opened = Pages(browser)
    yield opened
    opened.close()
    assert not opened.troubles, "\n".join(opened.troubles)


@pytest.fixture
def page(pages: Pages) -> Page:
    """A page of a desktop's size in a fresh profile, watched as `pages` says."""
    return pages.new()
