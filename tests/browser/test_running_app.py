"""What the browser tests stand on notices trouble, and says why it skips."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import running_app
from tests.browser.running_app import Pages, find_chromium, start_server


def test_troubles_of_a_page_are_noticed(pages: Pages) -> None:
    page = pages.new()
    page.evaluate("console.error('something broke'); console.log('all is well')")
    page.evaluate("setTimeout(() => { throw new Error('nobody caught me') })")
    page.evaluate("fetch('http://elsewhere.example/picture.png').catch(() => null)")
    page.wait_for_function("() => true")
    console, error, request = sorted(trouble for trouble in pages.troubles if "ERR_FAILED" not in trouble)
    assert console.startswith("console error: something broke")
    assert error.startswith("page error: ")
    assert "nobody caught me" in error
    assert request == "request that leaves this machine: http://elsewhere.example/picture.png"
    pages.troubles.clear()


def test_without_chromium_tests_are_skipped_or_fail_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium on PATH"):
        find_chromium()
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(pytest.skip.Exception, match="CHROMIUM=/nowhere/chromium is no program"):
        find_chromium()
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="REQUIRE_BROWSER=1 demands one"):
        find_chromium()


def test_a_server_that_dies_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_app.sys, "executable", "false")
    with pytest.raises(pytest.fail.Exception, match="Streamlit ended with code 1"):
        start_server(tmp_path / "none.py", tmp_path / "log.txt")
