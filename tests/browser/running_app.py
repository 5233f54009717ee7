"""What a browser test stands on: a running Streamlit server, and pages that remember what went wrong in them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60  # seconds: the machine may be busy with something else

expect.set_options(timeout=PATIENCE * 1000)


def find_chromium() -> str:
    """Path of the Chromium to test with. Without one: skips the test, or fails it where REQUIRE_BROWSER=1."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, (named,) if named else NAMES)), None)
    if found is not None:
        return found
    reason = f"CHROMIUM={named} is no program" if named else f"no Chromium on PATH (looked for {', '.join(NAMES)})"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason}, and REQUIRE_BROWSER=1 demands one: install it or set CHROMIUM to its path")
    pytest.skip(f"{reason}: install it or set CHROMIUM to its path")


@dataclass
class Server:
    """A running Streamlit server."""

    url: str  # without a slash at the end
    log_file: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """What the server has written so far, tracebacks included."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"Streamlit ended with code {self.process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)  # asks again: there is no event to wait for
        pytest.fail(f"Streamlit did not answer within {PATIENCE} seconds:\n{self.log()}")

    def stop(self) -> None:
        """End the server and whatever it started."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, kind)
                try:
                    self.process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    continue


def start_server(script: Path, log_file: Path) -> Server:
    """Start Streamlit on a free port of this machine and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in options.items()]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group of its own, to be ended as one
        )
    server = Server(f"http://127.0.0.1:{port}", log_file, process)
    try:
        server.wait_until_healthy()
    except BaseException:
        server.stop()
        raise
    return server


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
