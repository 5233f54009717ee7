"""Home, run without a browser: what it says and where it leads, with models and without."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ui import frame, resources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "warm_up", lambda: None)


def home() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def html(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def test_home_draws_an_autoencoder_and_asks_its_question() -> None:
    app = home()
    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Autoencoder Playground"
    assert [heading.value for heading in app.header] == ["Can a network give back what it gets?", "Try it"]
    drawing = next(text.value for text in app.markdown if text.value.startswith("<svg"))
    assert "<title" in drawing
    assert "<desc" in drawing
    for word in ("Input", "encoder", "Bottleneck", "decoder", "Output"):
        assert f">{word}</text>" in drawing


def test_the_strip_is_one_picture_with_an_alt_text() -> None:
    shown = html(home())
    assert shown.count("<img") == 1
    assert 'alt="The digits 0 to 9 in handwriting, and below each what came back through 16 numbers"' in shown


def test_home_leads_to_every_page_that_exists() -> None:
    files = {"app.py", *(str(file.relative_to(ROOT)) for file in (ROOT / "pages").glob("*.py"))}
    assert {entry.path for entry in frame.PAGES} == files
    links = [link.proto for link in home().get("page_link")]
    for entry in frame.PAGES:
        assert sum(link.label.strip("*") == entry.title for link in links) == (2 if entry.question else 1)
    assert any(link.query_string == "source=draw" for link in links if link.label.startswith("Draw a digit"))


def test_without_models_home_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    st.cache_data.clear()
    st.cache_resource.clear()
    app = home()
    assert not app.exception
    assert "`make models`" in app.error[0].value
    assert [heading.value for heading in app.header] == ["Can a network give back what it gets?", "Try it"]
