"""The PCA page without a browser: what is trained, watched, shown, and what happens when it is not."""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import aecore
from aecore.equivalence import LinearVariant
from tests.conftest import draw_digits
from ui import linear_charts, linear_training, resources
from ui.linear_training import Progress, Settings

ROOT = Path(__file__).resolve().parents[2]
PLAIN = Settings(32, "linear", bias=False, centred=True, tied=False, orthogonal=False, ordered=False)


@pytest.fixture(autouse=True)
def few_digits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Digits drawn by rule, 300 of them, and few steps: the page does not mind, and the test is quick."""
    drawn = draw_digits(300)
    digits = aecore.Digits(images=drawn.images, labels=drawn.labels, source="sample", split="sample")

    def load(split: str, *_: Any, **__: Any) -> aecore.Digits:
        if split == "train":
            raise aecore.DataError("no training digits here")
        return digits

    monkeypatch.setattr(aecore, "load_digits", load)
    monkeypatch.setattr(LinearVariant, "training", aecore.LinearConfig(steps=300, reports=10))
    monkeypatch.setattr(linear_training, "EPOCHS", 1)
    monkeypatch.setattr(linear_training, "DIGITS", 480)
    monkeypatch.setattr(linear_training, "SAMPLE", 240)
    monkeypatch.setattr(resources, "warm_up", lambda: None)
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def page(**address: str) -> AppTest:
    """The page opened cold at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/3_PCA.py")
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def job_of(app: AppTest) -> Any:
    return app.session_state["linear training"]


def finish(app: AppTest, timeout: float = 120) -> AppTest:
    """Wait for the training, then let the page look."""
    deadline = time.monotonic() + timeout
    while job_of(app).active:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return app.run()


def everything(app: AppTest) -> str:
    """All text that the page shows as Markdown or HTML."""
    return " ".join([*(block.value for block in app.markdown), *(block.proto.body for block in app.get("html"))])


def buttons(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def test_cold_it_says_what_it_would_train() -> None:
    app = page()
    assert not app.exception
    assert "784 → 32 → 784" in everything(app)
    assert buttons(app) >= {"start"}
    assert "linear training" not in app.session_state


def test_a_training_runs_to_its_end_and_shows_everything() -> None:
    app = page(code="4")
    app.button(key="start").click().run()
    assert app.query_params["train"] in ("1", ["1"])
    finish(app)
    assert not app.exception
    assert job_of(app).state == "done"
    assert len(job_of(app).reports) == 11
    text = everything(app)
    assert "Eigendigits" in text
    assert "Largest angle" in text
    assert "start" not in buttons(app)
    trained = job_of(app).result
    assert trained.judged == 60  # a fifth, the others were trained on
    assert trained.digits == 240
    assert min(trained.cosines) > 0.99
    app.select_slider(key="code").set_value(2).run()
    assert "train" not in app.query_params
    assert "784 → 2 → 784" in everything(app)


def test_a_link_trains_at_once_and_the_same_comes_out() -> None:
    first = finish(page(code="2", train="1", nested="true"))
    second = finish(page(code="2", train="1", nested="true"))
    for ours, theirs in zip(job_of(first).reports, job_of(second).reports, strict=True):
        assert ours.loss == theirs.loss
    assert job_of(first).about.ordered


@pytest.mark.parametrize(
    "address", [{"code": "5"}, {"code": "many", "activation": "cubic"}, {"part": "1e9", "tied": "?"}]
)
def test_absurd_addresses_fall_back(address: dict[str, str]) -> None:
    app = page(**address)
    assert not app.exception
    assert app.select_slider(key="code").value == 32
    assert app.selectbox(key="activation").value == "linear"
    assert app.slider(key="part").value == 75


def test_it_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(settings: Settings) -> Iterator[Progress]:
        step = 0
        while True:
            step += 1
            time.sleep(0.02)
            yield Progress(min(step, 10**6), 10**6, 0.02 * step, 1.0, 0.5, 1.0, 90.0)

    monkeypatch.setattr(linear_training, "train", endless)
    app = page(code="2", train="1")
    assert job_of(app).active
    app.run()
    app.button(key="stop").click().run()
    finish(app)
    assert job_of(app).state == "cancelled"
    assert "train" not in app.query_params
    assert "start" in buttons(app)
    assert "Stopped." in everything(app)


def test_a_training_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings) -> Iterator[Progress]:
        raise aecore.DivergedError("the loss became nan in step 3")
        yield

    monkeypatch.setattr(linear_training, "train", broken)
    app = finish(page(code="2", train="1"))
    assert "the loss became nan" in app.error[0].value
    assert "start" in buttons(app)


def test_a_non_linear_network_is_set_beside_pca() -> None:
    app = finish(page(code="2", activation="relu", train="1", orthogonal="true"))
    assert not app.exception
    settings, trained = job_of(app).about, job_of(app).result
    assert not settings.orthogonal  # does not apply
    assert trained.columns is None
    assert "non-linear network's error" in everything(app)
    assert app.toggle(key="orthogonal").disabled


def test_without_a_model_the_training_still_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    app = finish(page(code="1", train="1"))
    assert "`make models`" in app.error[0].value
    assert job_of(app).state == "done"


@pytest.mark.parametrize(
    "address",
    [
        {"code": "2"},
        {"code": "2", "bias": "true", "centre": "false", "tied": "true"},
        {"code": "2", "activation": "tanh"},
    ],
)
def test_the_code_shown_runs_and_ends_where_the_page_does(
    address: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = finish(page(train="1", **address))
    text = app.code[0].value
    assert "aecore.load_digits" in text
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "shown code", "exec"), {})
    last = job_of(app).reports[-1]
    line = re.findall(rf"^{last.step} (\S+)", printed.getvalue(), re.M)[-1]
    assert float(line) == pytest.approx(last.loss, rel=0.02)


# --- words and figures


def test_a_curve_keeps_its_frame_and_says_what_it_shows() -> None:
    points = [(0, 2.7), (50, 1e-3), (100, 0.0)]
    whole, begun = (linear_charts.curve_svg(linear_charts.EXCESS, points[:end], 100, (1e-6, "goal")) for end in (3, 2))
    places = re.findall(r"(\S+),(\S+)", re.search(r'points="([^"]*)"', whole)[1])
    assert places[0][0] == "72.0"
    assert places[2] == ("508.0", "212.0")  # zero has no logarithm: it lies on the ground
    assert float(places[1][1]) == pytest.approx(12 + 200 * 4 / 11, abs=0.1)  # 10 to 1e-10 is 11 decades
    assert re.search(r'points="([^"]*)"', begun)[1] in whole
    assert "2.7 at the start, 0 after 100 of 100 steps" in whole


def test_parts_and_angles_are_written_with_what_matters() -> None:
    shares = {3e-7: "3 × 10⁻⁵ %", 0.0: "0 %", 0.0131: "1.31 %", 2.7: "270 %", 1e-6: "0.0001 %", -7e-11: "−7 × 10⁻⁹ %"}
    assert {part: linear_training.share(part) for part in shares} == shares
    angles = {90.0: "90.0°", 0.05: "0.05°", 0.0001: "under 0.001°"}
    assert {angle: linear_training.degrees(angle) for angle in angles} == angles


def test_the_layer_that_holds_a_part() -> None:
    parts = [0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
    needed, text = linear_charts.layer_in_words(parts, 0.75)
    assert needed == 3
    assert "layer of 4 is the last one that can: it holds up to 90.0 %" in text
    assert "of 2, only 70.0 %" in text
    assert linear_charts.layer_in_words(parts, 0.5)[0] == 1
    assert linear_charts.layer_in_words(parts, 0.99)[0] == 6


def test_a_difference_is_magnified_until_it_is_seen() -> None:
    assert [linear_charts.magnification(largest) for largest in (0.4, 0.004, 0.0)] == [1, 100, 1_000_000]


def test_signed_pictures_in_a_row_have_their_own_scales() -> None:
    pictures = np.zeros((2, 4, 4), np.float32)
    pictures[0, 0, 0], pictures[1, 0, 0] = 5, -0.001
    row = linear_charts.signed_row(pictures, gap=1)
    assert row.shape == (4, 9, 3)
    assert row[0, 0].tolist() == [255, 210, 154]
    assert row[0, 5].tolist() == [166, 211, 255]
    assert row[3, 3].tolist() == [10, 10, 10]


def test_the_verdict_is_honest() -> None:
    trained = linear_training.Trained(
        1, 9, 9, 0.02, 0.01, *[np.zeros((1, 28, 28))] * 3, None, None, np.zeros((1, 28, 28)), (), ()
    )
    near = Progress(1500, 1500, 2.0, 0.1, 0.1, 3e-7, 0.0001)
    assert "PCA's to within 3 × 10⁻⁵ %" in linear_training.verdict(PLAIN, near, trained)
    far = Progress(1500, 1500, 2.0, 0.1, 0.1, 0.001, 6.0)
    assert "off by 6.0°" in linear_training.verdict(PLAIN, far, trained)
    curved = Settings(2, "relu", False, False, False, False, False)
    assert "more than PCA's 0.0100" in linear_training.verdict(curved, far, trained)
