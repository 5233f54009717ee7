"""A real Chromium in front of a real Streamlit server, for the tests in this folder.

Chromium is the one that CHROMIUM names, else the first on PATH. Without one the tests are skipped with the reason;
REQUIRE_BROWSER=1 makes that a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.running_app import PATIENCE, REPOSITORY, Pages, Server, start_server

HERE = Path(__file__).resolve().parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder, so that `-m "not browser"` leaves it out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium to test with."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, (named,) if named else NAMES)), None)
    if found is None:
        reason = f"CHROMIUM={named} is no program" if named else f"no Chromium on PATH (looked for {', '.join(NAMES)})"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"{reason}, and REQUIRE_BROWSER=1 demands one: install it or set CHROMIUM to its path")
        pytest.skip(f"{reason}: install it or set CHROMIUM to its path")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests; each test has a context, so a profile, of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """serve("app.py") is the running server of that script: one a session, started when first asked for."""
    servers: dict[str, Server] = {}

    def started(script: str) -> Server:
        if script not in servers:
            log_file = tmp_path_factory.mktemp("server") / "log.txt"
            servers[script] = start_server(REPOSITORY / script, log_file)
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
    leave this machine, unless pages.allowed names them."""
    opened = Pages(browser)
    yield opened
    troubles = opened.close()
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def page(pages: Pages) -> Page:
    """A page of a desktop's size in a fresh profile, watched as `pages` says."""
    return pages.new()
