"""Compress, run without a browser: every source, every dial, absurd addresses, missing models, and the code shown."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

import aecore
from aecore.checkpoints import models_folder
from tests.conftest import draw_digits
from ui import compression, resources

ROOT = Path(__file__).resolve().parents[2]
FIVE = aecore.pack_digit(draw_digits(10).images[5])


@pytest.fixture(autouse=True)
def no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "warm_up", lambda: None)


def compress(**address: str) -> AppTest:
    """The page opened cold at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/1_Compress.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def in_address(app: AppTest, name: str) -> str:
    """A parameter; AppTest gives back a list where the test itself has set it."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[-1]


def result(app: AppTest) -> str:
    """The block of the comparison; empty where there is none."""
    return "\n".join(block.proto.body for block in app.get("html") if '<p class="ae-verdict"' in block.proto.body)


def cells(app: AppTest) -> list[str]:
    """The figures of the table: the autoencoder's four, then PCA's."""
    return re.findall(r"<td[^>]*>([^<]*)</td>", result(app))


def test_it_opens_on_a_gallery_digit_at_32_numbers_of_8_bits() -> None:
    app = compress()
    assert not app.error
    assert app.title[0].value == "Compress"
    assert "32 numbers at 8 bits are 32 bytes: 24 times fewer than the 784 raw bytes." in result(app)
    assert len(cells(app)) == 8
    assert [heading.value for heading in app.header] == ["How few numbers are enough?", "What it was not trained on"]
    assert app.get("plotly_chart")


def test_every_picture_has_an_alt_text_and_every_widget_a_label() -> None:
    app = compress()
    pictures = re.findall(r"<img[^>]*>", "".join(block.proto.body for block in app.get("html")))
    assert len(pictures) == 5 + len(aecore.outsiders())
    assert all(re.search(r'alt="[^"]{5,}"', picture) for picture in pictures)
    widgets = [*app.select_slider, *app.slider, *app.toggle, *app.selectbox, *app.button, *app.button_group]
    assert len(widgets) >= 6
    assert all(widget.label for widget in widgets)


def test_the_dials_change_the_code_and_stand_in_the_address() -> None:
    app = compress()
    before = cells(app)
    app.select_slider(key="k").set_value(2)
    app.slider(key="bits").set_value(3)
    app.run()
    assert "2 numbers at 3 bits are 1 byte: 784 times fewer" in result(app)
    assert cells(app) != before


def test_the_ordered_code_has_every_size_and_going_back_keeps_the_nearest() -> None:
    app = compress(ordered="true", k="1", bits="8")
    assert "1 number at 8 bits is 1 byte" in result(app)
    assert 'aecore.load("ordered")' in app.code[0].value
    app.select_slider(key="k").set_value(13).run()
    assert "13 numbers at 8 bits are 13 bytes" in result(app)
    app.toggle(key="ordered").set_value(False).run()
    assert app.select_slider(key="k").value == 16
    assert 'aecore.load("digits-16")' in app.code[0].value


def test_class_and_shuffle_choose_what_the_gallery_shows() -> None:
    digits = resources.digits()
    app = compress(**{"class": "7", "shuffle": "41"})
    first = int(re.search(r"images\[\[(\d+)\]\]", app.code[0].value)[1])
    assert digits.labels[first] == 7
    next(button for button in app.button if button.label == "Shuffle").click().run()
    assert in_address(app, "shuffle") == "42"
    second = int(re.search(r"images\[\[(\d+)\]\]", app.code[0].value)[1])
    assert digits.labels[second] == 7
    assert second != first


def test_a_digit_in_the_address_is_the_one_shown() -> None:
    app = compress(digit="17")
    assert "images[[17]]" in app.code[0].value
    assert f"a {resources.digits().labels[17]}, " in result(app)


@pytest.mark.parametrize(
    "address",
    [
        {"k": "13"},
        {"k": "-1"},
        {"k": "1e400"},
        {"k": ""},
        {"bits": "99"},
        {"bits": "nan"},
        {"bits": "<script>"},
        {"ordered": "maybe"},
        {"source": "moon"},
        {"source": ""},
        {"class": "11"},
        {"class": "any digit"},
        {"shuffle": "-3"},
        {"shuffle": "1" * 400},
        {"digit": "10000"},
        {"digit": "²"},
        {"digit": "1.5"},
        {"pixels": "!!"},
        {"unknown": "x"},
    ],
)
def test_an_absurd_address_falls_back_to_the_default(address: dict[str, str]) -> None:
    app = compress(**address)
    assert not app.error
    assert app.code[0].value == compress().code[0].value


def test_a_drawn_digit_in_the_address_is_shown_to_the_last_grey() -> None:
    app = compress(source="draw", pixels=FIVE, k="8")
    assert f'aecore.unpack_digit("{FIVE}")' in app.code[0].value
    assert "your drawing" in result(app)
    assert in_address(app, "pixels") == FIVE
    strangers = next(block.proto.body for block in app.get("html") if '<div class="ae-strangers"' in block.proto.body)
    assert "Your drawing" in strangers


@pytest.mark.parametrize("pixels", ["%%%", "2abcdef", FIVE[:-9], "1" + "A" * 590])
@pytest.mark.parametrize("source", ["draw", "upload"])
def test_a_damaged_drawing_gets_a_sentence(source: str, pixels: str) -> None:
    app = compress(source=source, pixels=pixels)
    assert "pixels" not in app.query_params
    assert not result(app)
    assert "could not be read" in app.warning[0].value
    assert app.info[0].value.startswith("Draw or upload")


def test_an_empty_drawing_is_no_digit() -> None:
    app = compress(source="upload", pixels=aecore.pack_digit(np.zeros((28, 28))))
    assert not result(app)
    assert app.info


def picture(draw_on: bool = True) -> bytes:
    canvas = Image.new("L", (120, 160), 240)
    if draw_on:
        ImageDraw.Draw(canvas).line([(35, 30), (85, 30), (50, 130)], fill=20, width=14)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def test_an_upload_becomes_a_digit_and_a_bad_one_leaves_the_last_good_one() -> None:
    app = compress(source="upload")
    assert app.info
    app.file_uploader[0].upload("seven.png", picture(), "image/png").run()
    good = aecore.pack_digit(aecore.digit_from_picture(picture()))
    assert in_address(app, "pixels") == good
    assert "your picture" in result(app)
    shown = cells(app)
    app.file_uploader[0].set_value(("blank.png", picture(draw_on=False), "image/png")).run()
    assert "stands out" in app.error[0].value
    app.file_uploader[0].set_value(("text.png", b"no picture at all", "image/png")).run()
    assert "not a picture" in app.error[0].value
    assert cells(app) == shown
    assert in_address(app, "pixels") == good


def run_code(text: str) -> list[float]:
    """All numbers that the shown code prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "shown code", "exec"), {})
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", printed.getvalue())]


@pytest.mark.parametrize(
    "address",
    [
        {"digit": "3", "k": "16", "bits": "5"},
        {"digit": "3", "k": "7", "bits": "2", "ordered": "true"},
        {"source": "draw", "pixels": FIVE},
        {"source": "upload", "pixels": FIVE, "k": "1", "ordered": "true"},
    ],
)
def test_the_code_shown_runs_and_prints_what_is_shown(address: dict[str, str]) -> None:
    app = compress(**address)
    *methods, code_bytes, png_bytes = run_code(app.code[0].value)
    expected = []
    for mse, psnr, ssim, kept in (methods[:4], methods[4:]):
        expected += [f"{mse:.4f}", f"{psnr:.1f} dB", f"{ssim:.2f}", compression.percent(kept)]
    assert cells(app) == expected
    assert f"{code_bytes:.0f} B" in result(app)
    assert f"{png_bytes:.0f} B" in result(app)


def models_without(folder: Path, *missing: str) -> Path:
    for model in models_folder().iterdir():
        if model.is_dir() and model.name not in missing:
            shutil.copytree(model, folder / model.name)
    return folder


@pytest.fixture
def fresh_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.mark.usefixtures("fresh_caches")
def test_a_missing_model_gets_a_sentence_and_the_rest_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AECORE_MODELS", str(models_without(tmp_path, "digits-32")))
    app = compress()
    assert len(app.error) == 1
    assert "'digits-32'" in app.error[0].value
    assert "`make models`" in app.error[0].value
    assert app.get("plotly_chart")
    app.select_slider(key="k").set_value(8).run()
    assert not app.error
    assert cells(app)


@pytest.mark.usefixtures("fresh_caches")
def test_broken_weights_get_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = models_without(tmp_path)
    (folder / "digits-32" / "weights.safetensors").write_bytes(b"half a file")
    monkeypatch.setenv("AECORE_MODELS", str(folder))
    app = compress()
    assert "weights.safetensors" in app.error[0].value
    assert app.get("plotly_chart")


@pytest.mark.usefixtures("fresh_caches")
def test_without_any_model_the_page_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    app = compress()
    assert "`make models`" in app.error[0].value
    assert app.select_slider(key="k").value == 32


def test_ranks_among_the_test_digits() -> None:
    percentiles = list(np.linspace(0.01, 0.02, 101))
    assert compression.rank(0.001, percentiles) == 0
    assert compression.rank(0.015, percentiles) == 50
    assert compression.standing(0.5, percentiles).endswith("this does not look like a digit")
    assert "99 %" in compression.standing(0.01995, percentiles)
    assert "as easy as a digit" in compression.standing(0.012, percentiles)


@pytest.mark.parametrize(("part", "shown"), [(0.5, "50 %"), (0.987, "98.7 %"), (0.0, "0 %"), (-0.3, "nothing")])
def test_parts_are_written_in_percent(part: float, shown: str) -> None:
    assert compression.percent(part) == shown
