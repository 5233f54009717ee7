"""Pictures and HTML from arrays: colours that mean what the legend says, and text that stays text."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from ui import charts


def test_missing_ink_is_blue_too_much_is_orange_and_none_is_black() -> None:
    missing, none, much = charts.error_pixels(np.array([[-0.3, 0.0, 0.3]]))[0].astype(int)
    assert missing[2] > missing[0] + 50
    assert much[0] > much[2] + 50
    assert none.max() < 20


def test_errors_beyond_the_scale_take_its_last_colour() -> None:
    pixels = charts.error_pixels(np.array([[-9.0, -charts.ERROR_LIMIT, charts.ERROR_LIMIT, 9.0]]))[0]
    assert (pixels[0] == pixels[1]).all()
    assert (pixels[2] == pixels[3]).all()


def test_a_data_url_holds_the_pixels() -> None:
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    head, _, body = charts.data_url(pixels).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(body)))) == pixels).all()


def test_digits_stand_side_by_side() -> None:
    row = charts.side_by_side(np.stack([np.ones((28, 28)), np.zeros((28, 28))]), gap=2)
    assert row.shape == (28, 58)
    assert row[:, :28].min() == 255
    assert row[:, 28:].max() == 0


def test_bars_point_up_and_down() -> None:
    html = charts.code_bars(np.array([1.0, -0.5, 0.0], np.float32))
    assert re.findall(r"height:([\d.]+)%;(bottom|top)", html) == [("46.0", "bottom"), ("23.0", "top"), ("0.0", "top")]
    assert 'aria-label="The code as bars: 1.00, -0.50, 0.00"' in html
    assert "nan" not in charts.code_bars(np.zeros(4, np.float32))


def test_text_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    image = np.zeros((28, 28), np.float32)
    html = charts.panels([charts.Panel(evil, evil, charts.pixel_image(charts.grey_pixels(image), evil))])
    assert "<script>" not in html + charts.pairs([(evil, evil, image, image)]) + charts.byte_bars([(evil, 3, "")])


def test_the_curve_marks_where_one_is() -> None:
    figure = charts.rate_distortion([("PCA", "pca", {1: 0.06, 64: 0.009})], [(64, 0.009)])
    assert [trace.name for trace in figure.data] == ["PCA", "you are here"]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert len(charts.rate_distortion([], []).data) == 0
