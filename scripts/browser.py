"""Runs the app on a port of its own and finds a Chromium to look at it with.

Browser tests, benchmarks and screenshots share it. It knows nothing of what the pages show.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium's sandbox refuses to run as root, which is who runs things in a container; /dev/shm is small there; and
# nothing here may ask the network for anything.
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-sync",
)
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
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))


def free_port() -> int:
    """A port of this machine that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running Streamlit server."""

    url: str  # without a slash at the end
    process: subprocess.Popen[bytes]
    log_file: IO[bytes]  # not a pipe, which fills up when nobody reads it

    def log(self) -> str:
        """What the server has written so far, tracebacks included."""
        self.log_file.seek(0)
        return self.log_file.read().decode(errors="replace").strip()

    def wait_until_healthy(self, timeout: float) -> None:
        """Return once the server answers.

        Raises
        ------
        RuntimeError
            If it ends, or does not answer in time; the message carries what it wrote.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"Streamlit ended with code {self.process.returncode}. It wrote:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:  # urllib's URLError is one: refused while the server starts
                time.sleep(0.05)
        raise RuntimeError(f"Streamlit did not answer within {timeout:.0f} seconds. It wrote:\n{self.log()}")

    def stop(self) -> None:
        """End the server and whatever it started."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, kind)
                try:
                    self.process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    continue
        self.log_file.close()


def start_server(script: Path = ROOT / "app.py", *, port: int | None = None, timeout: float = 60.0) -> Server:
    """Run a Streamlit script in a server of its own and wait until it answers; the caller stops it.

    Parameters
    ----------
    script
        The page to serve; the app unless told otherwise. It runs in the repository's folder, with its settings.
    port
        Port to listen on; a free one unless told otherwise.
    timeout
        Seconds that the server may take until it answers.

    Raises
    ------
    RuntimeError
        If the server ends, or does not answer in time; the message carries what it wrote.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1", "--browser.serverAddress", "127.0.0.1"]
    log_file = tempfile.TemporaryFile()  # noqa: SIM115 - the server writes to it for as long as it lives
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=log_file,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, to be ended as one
    )
    server = Server(f"http://127.0.0.1:{port}", process, log_file)
    try:
        server.wait_until_healthy(timeout)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def serve(script: Path = ROOT / "app.py", *, port: int | None = None, timeout: float = 60.0) -> Iterator[str]:
    """`start_server` for a `with` block: gives the address, and stops the server at the end."""
    server = start_server(script, port=port, timeout=timeout)
    try:
        yield server.url
    finally:
        server.stop()


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
