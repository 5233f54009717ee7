"""What the browser tests stand on notices trouble, and says why it skips."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.browser import find_chromium, start_server
from tests.browser.running_app import Pages
from tests.conftest import pytest_runtest_setup


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


def test_without_chromium_tests_are_skipped_or_fail_as_asked(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr("tests.conftest.find_chromium", lambda: None)
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs Chromium: none is installed"):
        pytest_runtest_setup(request.node)
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="REQUIRE_BROWSER=1, and the test needs Chromium"):
        pytest_runtest_setup(request.node)


def test_a_named_chromium_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert find_chromium() == sys.executable


def test_a_server_that_dies_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Streamlit ended with code .* It wrote:"):
        start_server(tmp_path / "none.py")
