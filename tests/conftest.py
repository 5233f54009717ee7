"""What all tests share: the header of the report, the reasons to skip, and digits small enough to know by heart."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from scripts.browser import find_chromium

os.environ.setdefault("OMP_NUM_THREADS", "1")  # on the tests' tiny arrays a second thread costs more than it brings

MNIST_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def full_mnist_missing() -> str | None:
    """Why the full MNIST cannot be used, or None where AECORE_DATA holds all of it."""
    folder = os.environ.get("AECORE_DATA")
    if not folder:
        return "needs the full MNIST: AECORE_DATA is not set"
    raw = Path(folder) / "MNIST" / "raw"
    missing = [name for name in MNIST_FILES if not (raw / name).is_file() and not (raw / f"{name}.gz").is_file()]
    return f"needs the full MNIST: {raw} lacks {', '.join(missing)}" if missing else None


def chromium_missing() -> str | None:
    """Why no browser test can run, or None where a Chromium is installed."""
    return None if find_chromium() else "needs Chromium: none is installed (or name one with CHROMIUM=)"


def pytest_report_header() -> list[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "streamlit", "numpy"))
    return [
        f"{platform.machine()}, {os.cpu_count()} processors; {packages}",
        f"browser: {find_chromium() or chromium_missing()}",
        f"data: {full_mnist_missing() or os.environ['AECORE_DATA']}",
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("full") and (reason := full_mnist_missing()):
        pytest.skip(reason)
    if item.get_closest_marker("browser") and (reason := chromium_missing()):
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, and the test {reason}", pytrace=False)
        pytest.skip(reason)


class SyntheticDigits(NamedTuple):
    """Digits drawn by rule: `images` (n, 28, 28) float32 in [0, 1], 1 = ink; `labels` (n,) int64."""

    images: np.ndarray
    labels: np.ndarray


# The seven segments of a pocket calculator's digit: rows and columns of the 28x28 that each fills.
SEGMENTS = {
    "a": (slice(4, 7), slice(9, 19)),
    "b": (slice(5, 15), slice(17, 20)),
    "c": (slice(13, 23), slice(17, 20)),
    "d": (slice(21, 24), slice(9, 19)),
    "e": (slice(13, 23), slice(8, 11)),
    "f": (slice(5, 15), slice(8, 11)),
    "g": (slice(13, 16), slice(9, 19)),
}
LIT = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def draw_digits(count: int, seed: int = 0) -> SyntheticDigits:
    """`count` seven-segment digits, classes in turn, each shifted by up to 2 pixels and of its own ink."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = np.zeros((count, 28, 28), np.float32)
    for image, label in zip(images, labels, strict=True):
        for segment in LIT[label]:
            image[SEGMENTS[segment]] = random.uniform(0.7, 1.0)
        image[:] = np.roll(image, random.integers(-2, 3, size=2), axis=(0, 1))
    return SyntheticDigits(images, labels.astype(np.int64))


@pytest.fixture
def tiny_digits() -> SyntheticDigits:
    """200 synthetic digits, 20 of each class: enough to train on for a second, and the same on every machine."""
    return draw_digits(200)
