"""Pictures become digits in MNIST's form; digits become text and PNG and come back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aecore.datasets import pictures
from aecore.errors import PictureError


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    places = np.arange(28)
    return float(image.sum(axis=1) @ places / image.sum()), float(image.sum(axis=0) @ places / image.sum())


def box_of(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def real_digits(count: int) -> np.ndarray:
    """The first MNIST test digits, (count, 28, 28) in [0, 1], read without the module under test."""
    file = Path(os.environ.get("AECORE_DATA", "/nowhere")) / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    if not file.is_file():
        pytest.skip("needs the MNIST files: set AECORE_DATA to a folder that holds MNIST/raw")
    return np.fromfile(file, np.uint8, count * 784, offset=16).reshape(count, 28, 28) / 255


class TestDigitFromInk:
    def test_known_by_hand(self) -> None:
        """A full 40x20 bar becomes 20x10; its centre, 9.5 and 4.5 in itself, goes to row and column 14."""
        ink = np.zeros((100, 100))
        ink[5:45, 70:90] = 1
        digit = pictures.digit_from_ink(ink)
        expected = np.zeros((28, 28), np.float32)
        expected[5:25, 10:20] = 1  # round(14 - 9.5) = 5, round(14 - 4.5) = 10
        np.testing.assert_array_equal(digit, expected)
        assert digit.dtype == np.float32

    def test_area_average_by_hand(self) -> None:
        np.testing.assert_allclose(pictures.area_average(np.array([[0.0, 1.0, 1.0]]), 1, 2), [[1 / 3, 1.0]])
        np.testing.assert_allclose(pictures.area_average(np.array([[0.0, 1.0]]), 2, 3), [[0, 0.5, 1], [0, 0.5, 1]])

    def test_mnist_digits_come_back_unchanged(self) -> None:
        """MNIST was made this way: most digits come back exactly, all of them almost."""
        digits = real_digits(500)
        error = np.array([np.abs(pictures.digit_from_ink(d) - d).mean() for d in digits])
        assert (error < 1e-6).mean() > 0.8
        assert error.mean() < 0.0005

    def test_mnist_digits_come_back_from_ten_times_their_size(self) -> None:
        digits = real_digits(50)
        error = [np.abs(pictures.digit_from_ink(np.kron(d, np.ones((10, 10)))) - d).mean() for d in digits]
        assert np.mean(error) < 0.0005

    @pytest.mark.parametrize("rows", [1, 3])
    def test_a_thin_line_stays_visible(self, rows: int) -> None:
        ink = np.zeros((280, 280))
        ink[100 : 100 + rows, 20:260] = 1
        digit = pictures.digit_from_ink(ink)
        assert box_of(digit) == (1, 20)
        assert digit.max() == 1

    def test_a_faint_diagonal_line_reaches_full_ink(self) -> None:
        digit = pictures.digit_from_ink(np.eye(280) * 0.4)
        assert digit.max() == 1
        assert (digit > 0.9).sum() >= 20

    def test_a_dot_stays_small(self) -> None:
        ink = np.zeros((280, 280))
        ink[200:220, 200:220] = 1
        assert box_of(pictures.digit_from_ink(ink)) == (6, 6)

    def test_one_pixel_alone(self) -> None:
        digit = pictures.digit_from_ink(np.ones((1, 1)))
        assert box_of(digit) == (20, 20)

    def test_ink_far_from_its_box_is_never_cut(self) -> None:
        """A heavy foot pulls the centre of mass down: the shift stops where the ink would leave the field."""
        ink = np.zeros((20, 20))
        ink[:, 10] = 0.05
        ink[18:, :] = 1
        digit = pictures.digit_from_ink(ink)
        assert digit.sum() == pytest.approx(ink.sum(), rel=1e-5)
        assert digit[0].any()

    @settings(max_examples=150, deadline=None)
    @given(hnp.arrays(np.float64, st.tuples(st.integers(1, 60), st.integers(1, 60)), elements=st.floats(0, 1)))
    def test_any_ink(self, ink: np.ndarray) -> None:
        if ink.max() < pictures.FAINTEST:
            with pytest.raises(PictureError, match="nothing is drawn"):
                pictures.digit_from_ink(ink)
            return
        digit = pictures.digit_from_ink(ink)
        assert digit.shape == (28, 28)
        assert digit.min() >= 0
        assert digit.max() == 1
        assert max(box_of(digit)) <= 20
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        cy, cx = centre_of_mass(digit)
        assert abs(cy - 14) <= 0.5001 or rows[0] == 0 or rows[-1] == 27
        assert abs(cx - 14) <= 0.5001 or columns[0] == 0 or columns[-1] == 27

    @pytest.mark.parametrize(
        ("ink", "words"),
        [
            (np.zeros((28, 28)), "nothing is drawn"),
            (np.full((28, 28), 0.01), "nothing is drawn"),
            (np.full((28, 28), 255), "divide"),
            (np.full((28, 28), np.nan), r"\[0, 1\]"),
            (np.full((28, 28), -1.0), r"\[0, 1\]"),
            (np.ones((28, 28, 3)), "shape"),
            (np.ones((0, 28)), "shape"),
            (np.full((2, 2), "ink"), "numbers"),
        ],
    )
    def test_what_is_no_ink_is_refused(self, ink: np.ndarray, words: str) -> None:
        with pytest.raises(PictureError, match=words):
            pictures.digit_from_ink(ink)
