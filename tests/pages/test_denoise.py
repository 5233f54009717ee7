"""Denoise, run without a browser: every noise, paint, absurd addresses, missing models, and the code shown."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import aecore
from aecore.checkpoints import models_folder
from aecore.filters import METHODS
from tests.conftest import draw_digits
from ui import denoising, resources
from ui.denoising import BLACK, UNTOUCHED, WHITE, Damage

ROOT = Path(__file__).resolve().parents[2]
FIVE = aecore.pack_digit(draw_digits(10).images[5])


def paint_map() -> np.ndarray:
    """A white bar across, and a black one down."""
    paint = np.full((28, 28), UNTOUCHED, np.float32)
    paint[12:15] = WHITE
    paint[:, 6:8] = BLACK
    return paint


PAINT = aecore.pack_digit(paint_map())


@pytest.fixture(autouse=True)
def no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "warm_up", lambda: None)


def denoise(**address: str) -> AppTest:
    """The page opened cold at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/2_Denoise.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def block(app: AppTest, mark: str) -> str:
    """The block of HTML that has a mark in it; empty where there is none."""
    return "\n".join(
        part.proto.body for part in app.get("html") if mark in part.proto.body and "<style" not in part.proto.body
    )


def pictures(app: AppTest) -> list[str]:
    return re.findall(r'src="(data:[^"]+)"', block(app, "ae-verdict"))


def test_it_opens_on_gaussian_noise_of_half_strength() -> None:
    app = denoise()
    assert not app.error
    assert app.title[0].value == "Denoise"
    captions = re.findall(r"<b[^>]*>([^<]*)</b>", block(app, "ae-verdict"))
    assert captions[:4] == ["Clean", "Noisy picture", "Denoiser", "Plain autoencoder"]
    assert set(captions[4:]) <= {method.title for method in METHODS.values()}
    assert len(pictures(app)) == 6
    assert any("deviation 0.5" in caption.value for caption in app.caption)
    assert [heading.value for heading in app.header] == ["Giving back what one gets is useless", "Who wins where?"]
    assert app.get("plotly_chart")


def test_every_picture_has_an_alt_text_and_every_widget_a_label() -> None:
    app = denoise()
    found = re.findall(r"<img[^>]*>", html(app))
    assert len(found) == 6 + 4
    assert all(re.search(r'alt="[^"]{5,}"', picture) for picture in found)
    widgets = [*app.slider, *app.selectbox, *app.button, *app.button_group]
    assert len(widgets) >= 5
    assert all(widget.label for widget in widgets)


@pytest.mark.parametrize("noise", denoising.NAMES)
def test_every_noise_changes_the_picture_and_names_itself_in_the_code(noise: str) -> None:
    app = denoise(noise=noise, strength="0.3", digit="3")
    assert not app.error
    assert app.selectbox(key="noise").value == noise
    assert f'"{denoising.NAMES[noise]}", 0.3, seed=0' in app.code[0].value
    clean, noisy, *_ = pictures(app)
    assert clean != noisy
    told = any("was not trained on this one" in caption.value for caption in app.caption)
    assert told == (noise in ("stripes", "scratches"))


def test_the_strength_makes_it_harder_and_the_table_has_every_method() -> None:
    rows = {}
    for strength in ("0.1", "0.9"):
        app = denoise(strength=strength, digit="3")
        cells = re.findall(r'<th scope="row"[^>]*>([^<]*)</th><td[^>]*>([\d.]+) dB', block(app, "This digit"))
        rows[strength] = {title: float(value) for title, value in cells}
        assert len(rows[strength]) == 3 + len(METHODS)
    assert rows["0.1"]["Noisy picture"] > rows["0.9"]["Noisy picture"] + 10
    assert rows["0.1"]["Denoiser"] > rows["0.9"]["Denoiser"]


def test_redraw_draws_the_same_noise_anew() -> None:
    app = denoise(digit="3", seed="41")
    before = pictures(app)
    app.button(key="redraw").click().run()
    assert app.query_params["seed"] in ("42", ["42"])
    after = pictures(app)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_paint_in_the_address_is_the_damage() -> None:
    app = denoise(damage="paint it yourself", paint=PAINT, digit="3")
    assert not app.error
    assert f'aecore.unpack_digit("{PAINT}")' in app.code[0].value
    assert "painted by hand" in block(app, "ae-verdict")
    digit = resources.digits().images[3]
    damaged = denoising.painted(paint_map(), PAINT).apply(digit)
    assert (damaged[12:15, 8:] == 1).all()
    assert (damaged[:12, 6:8] == 0).all()
    np.testing.assert_array_equal(damaged[16:, 9:], digit[16:, 9:])


def test_nothing_painted_yet_asks_for_it() -> None:
    app = denoise(damage="paint it yourself")
    assert app.info[0].value.startswith("Paint over the digit")
    assert not block(app, "ae-verdict")
    assert block(app, "ae-identity")


@pytest.mark.parametrize("paint", ["%%%", "1abc", PAINT[:-7]])
def test_damaged_paint_gets_a_sentence(paint: str) -> None:
    app = denoise(damage="paint it yourself", paint=paint)
    assert "paint" not in app.query_params
    assert "could not be read" in app.warning[0].value


@pytest.mark.parametrize(
    "address",
    [
        {"noise": "rain"},
        {"noise": ""},
        {"strength": "7"},
        {"strength": "nan"},
        {"strength": "-0.1"},
        {"strength": "<b>"},
        {"seed": "-1"},
        {"seed": "9" * 40},
        {"seed": "²"},
        {"damage": "hammer"},
        {"digit": "10000"},
        {"source": "moon"},
        {"paint": "!!"},
    ],
)
def test_an_absurd_address_falls_back_to_the_default(address: dict[str, str]) -> None:
    app = denoise(**address)
    assert not app.error
    assert app.code[0].value == denoise().code[0].value


def test_a_drawn_digit_can_be_damaged_too_and_without_one_it_asks() -> None:
    app = denoise(source="draw", pixels=FIVE)
    assert f'aecore.unpack_digit("{FIVE}")' in app.code[0].value
    assert "your drawing" in block(app, "ae-verdict")
    assert "Draw or upload" in denoise(source="draw").info[0].value


@pytest.mark.parametrize(
    "address",
    [
        {"digit": "3", "noise": "salt and pepper", "strength": "0.3", "seed": "5"},
        {"digit": "3", "noise": "black square", "strength": "0.55"},
        {"source": "draw", "pixels": FIVE, "damage": "paint it yourself", "paint": PAINT},
    ],
)
def test_the_code_shown_runs_and_prints_what_is_shown(address: dict[str, str]) -> None:
    app = denoise(**address)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(app.code[0].value, "shown code", "exec"), {})
    figures = {line.split()[0]: [float(part) for part in line.split()[1:]] for line in printed.getvalue().splitlines()}
    cells = re.findall(
        r'<th scope="row"[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>', block(app, "This digit")
    )
    shown = {title: (psnr, ssim) for title, psnr, ssim in cells}
    assert len(figures) == len(shown) == 3 + len(METHODS)
    for name, (psnr, ssim) in figures.items():
        assert shown[denoising.TITLES[name]] == (f"{psnr:.1f} dB", f"{ssim:.2f}")


def test_the_figures_to_keep_are_those_shown() -> None:
    result = denoising.compare(draw_digits(10).images[4], Damage("salt_and_pepper", 0.3, 2))
    rows = list(csv.DictReader(io.StringIO(denoising.figures_csv(result))))
    assert [row["method"] for row in rows] == [made.title for made in result.rows]
    assert float(rows[2]["psnr_db"]) == pytest.approx(result.denoiser.psnr, rel=1e-5)
    assert float(rows[0]["noise_left"]) == 1.0


def test_damage_that_changes_nothing_is_no_division_by_nought() -> None:
    """A black square on an all but black corner can leave the digit as it was."""
    blank = np.zeros((28, 28), np.float32)
    result = denoising.compare(blank, Damage("masking", 0.5, 0))
    assert result.noisy.left is None
    assert denoising.share(result.noisy.left) == "–"
    assert result.noisy.psnr == 60.0
    assert "no error to speak of" in denoising.verdict(result)


@pytest.mark.parametrize(
    ("left", "shown"), [(None, "–"), (0.0, "0 %"), (-0.003, "0 %"), (0.994, "99 %"), (-0.2, "−20 %")]
)
def test_shares_are_written_in_percent(left: float | None, shown: str) -> None:
    assert denoising.share(left) == shown


def models_without(folder: Path, *missing: str) -> Path:
    for model in models_folder().iterdir():
        if model.is_dir() and model.name not in missing:
            shutil.copytree(model, folder / model.name)
    return folder


@pytest.mark.parametrize("missing", ["denoiser", "filters", "digits-32"])
def test_a_missing_model_gets_a_sentence(missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("AECORE_MODELS", str(models_without(tmp_path, missing)))
    app = denoise()
    assert f"'{missing}'" in app.error[0].value
    assert "`make models`" in app.error[0].value
    st.cache_data.clear()
    st.cache_resource.clear()


def test_without_the_overcomplete_network_the_rest_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("AECORE_MODELS", str(models_without(tmp_path, "overcomplete")))
    app = denoise()
    assert "'overcomplete'" in app.error[0].value
    assert len(pictures(app)) == 6
    assert app.get("plotly_chart")
    st.cache_data.clear()
    st.cache_resource.clear()
