"""What a browser test stands on: pages that remember what went wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from scripts.browser import Server

__all__ = ["PATIENCE", "Pages", "Server", "open_page", "wait_until_idle"]

PATIENCE = 60  # seconds: the machine may be busy with something else

expect.set_options(timeout=PATIENCE * 1000)


@dataclass
class Pages:
    """Opens pages in contexts of their own, and holds what went wrong in any of them."""

    browser: Browser
    troubles: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def new(self, **options: Any) -> Page:
        """A page in a fresh profile. Options are Playwright's new_context(): viewport, color_scheme, has_touch, ..."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(PATIENCE * 1000)
        context.route("**/*", self._stay_at_home)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.troubles.append(f"page error: {error.error}"))
        self.contexts.append(context)
        return context.new_page()

    def _stay_at_home(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            self.troubles.append(f"request that leaves this machine: {route.request.url}")
            route.abort()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console error: {message.text} ({message.location.get('url', '')})")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def wait_until_idle(page: Page) -> None:
    """Wait until Streamlit is connected and runs no script."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def open_page(page: Page, url: str) -> Page:
    """Go to a page of the app and wait until it stands; its first run must not have failed."""
    page.goto(url)
    wait_until_idle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return page
