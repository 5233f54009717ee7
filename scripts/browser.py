"""Runs the app on a port of its own and finds a Chromium to look at it with.

Browser tests, benchmarks and screenshots share it. It knows nothing of what the pages show.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_chromium() -> str | None:
    """Path of the Chromium to use: the one CHROMIUM names, else the first installed one, else None."""
    for name in (os.environ.get("CHROMIUM"), *NAMES, MAC):
        if name and (path := shutil.which(name)):
            return path
    return None


def launch_chromium(playwright: Playwright) -> Browser:
    """Start the installed Chromium, headless.

    Raises
    ------
    FileNotFoundError
        If no Chromium is installed.
    """
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(f"No Chromium found ({', '.join(NAMES)}): install one, or name it with CHROMIUM=")
    # Its sandbox refuses to run as root, which is who runs things in a container; and /dev/shm is small there.
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])


def free_port() -> int:
    """A port of this machine that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(script: Path = ROOT / "app.py", *, port: int | None = None, timeout: float = 60.0) -> Iterator[str]:
    """Run a Streamlit script in a server of its own, as `make app` does; gives its address once it answers.

    Parameters
    ----------
    script
        The page to serve; the app unless told otherwise. It runs with its folder as the working directory.
    port
        Port to listen on; a free one unless told otherwise.
    timeout
        Seconds that the server may take until it answers.

    Raises
    ------
    RuntimeError
        If the server stops, or does not answer in time; the message carries what it printed.
    """
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", script.name, "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1", "--browser.serverAddress", "127.0.0.1"]
    with tempfile.TemporaryFile() as log:  # not a pipe, which fills up when nobody reads it
        server = subprocess.Popen(
            command, cwd=script.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            if not _answers(server, address, time.monotonic() + timeout):
                log.seek(0)
                printed = log.read().decode(errors="replace").strip()
                raise RuntimeError(f"The server at {address} did not answer. It printed:\n{printed}")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _answers(server: subprocess.Popen[bytes], address: str, deadline: float) -> bool:
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return True
        except OSError:  # urllib's URLError is one: refused while the server starts
            time.sleep(0.05)
    return False


def wait_until_idle(page: Page, timeout: float = 60.0) -> None:
    """Wait until Streamlit has run the page's script and the picture has stopped changing.

    Raises
    ------
    playwright.sync_api.TimeoutError
        If the script never ends.
    TimeoutError
        If the picture never comes to rest.
    """
    page.wait_for_selector("[data-test-script-state=notRunning]", timeout=timeout * 1000)
    deadline = time.monotonic() + timeout
    before, steady = b"", 0
    # Charts and components paint after the script has ended: three equal pictures in a row, half a second in all.
    while steady < 2:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{page.url} was still changing after {timeout:.0f} s")
        page.wait_for_timeout(250)
        running = page.locator("[data-test-script-state=running]").count() > 0
        picture = page.screenshot(animations="disabled", caret="hide")
        steady = steady + 1 if picture == before and not running else 0
        before = picture
