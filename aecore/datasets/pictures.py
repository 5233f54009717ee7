"""Turns pictures into 28x28 digits in MNIST's form, and digits into text or PNG and back.

It knows numpy and Pillow; it knows nothing of networks, pages or where a picture came from, and never loads torch.
"""

from __future__ import annotations

import math

import numpy as np

from aecore.errors import PictureError

SIDE = 28  # rows and columns of a digit
BOX = 20  # rows and columns that the ink is scaled into
CENTRE = 14  # row and column (counted from 0) where MNIST puts the centre of mass
FAINTEST = 1 / 32  # ink below this does not count when the bounding box is looked for
MAX_GROWTH = 3  # a mark is at most tripled beside its share of the field, so that a dot stays a small dot


def digit_from_ink(ink: np.ndarray) -> np.ndarray:
    """Bring ink of any size to MNIST's form: scaled into 20x20, centred by mass in 28x28.

    The steps, exact enough to be written again in another language (all in double precision, rows and columns
    counted from 0, ``round(x)`` meaning ``floor(x + 0.5)``):

    1. **Box**: the smallest rectangle that holds every pixel of at least 1/32; bh rows, bw columns of it are kept.
    2. **Scale** ``s = min(20 / max(bh, bw), 3 * 28 / max(h, w))``: the longer side becomes 20 pixels, but a mark is
       never enlarged more than three times beside its share of the field (a dot does not become a full moon).
    3. **Size** ``nh = max(1, round(bh * s))`` rows and ``nw = max(1, round(bw * s))`` columns.
    4. **Area average**: the box is cut into nh equal bands of rows and nw of columns; each new pixel is the mean ink
       over its cell, where a pixel that lies partly in the cell counts by the part (exact box resampling, also when
       it enlarges).
    5. **Full ink**: everything is divided by the largest new pixel, so that a thin line stays visible.
    6. **Place**: with (cy, cx) the centre of mass of the new pixels, the top row is ``round(14 - cy)`` and the left
       column ``round(14 - cx)``, each clamped to 0 ... 28 - nh (or nw): no ink leaves the field.

    Row and column 14 is where MNIST's own digits have their centre of mass (between 13.5 and 14.5 in each of them),
    and applied to an MNIST digit the function gives that digit back.

    Parameters
    ----------
    ink : ndarray (h, w)
        Values in [0, 1]: 0 = background, 1 = ink. Row 0 is at the top.

    Returns
    -------
    ndarray (28, 28) float32
        Values in [0, 1], the largest is 1.

    Raises
    ------
    PictureError
        ``ink`` is not a 2-D array of finite numbers in [0, 1], or nothing is drawn on it.

    Source
    ------
    LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition", section III.A.
    """
    field = _checked_field(ink, "ink")
    h, w = field.shape
    visible = field >= FAINTEST
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if not len(rows):
        raise PictureError("nothing is drawn: no pixel is darker than the paper. Draw or choose a digit first")
    box = field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # (bh, bw)
    bh, bw = box.shape
    scale = min(BOX / max(bh, bw), MAX_GROWTH * SIDE / max(h, w))
    nh, nw = max(1, _round(bh * scale)), max(1, _round(bw * scale))
    small = area_average(box, nh, nw)  # (nh, nw)
    small /= small.max()
    mass = small.sum()
    cy = float(small.sum(axis=1) @ np.arange(nh)) / mass
    cx = float(small.sum(axis=0) @ np.arange(nw)) / mass
    top = min(max(_round(CENTRE - cy), 0), SIDE - nh)
    left = min(max(_round(CENTRE - cx), 0), SIDE - nw)
    digit = np.zeros((SIDE, SIDE), dtype=np.float32)
    digit[top : top + nh, left : left + nw] = np.clip(small, 0, 1)
    return digit


def area_average(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Resample a picture by the exact mean over equal cells (box resampling).

    Parameters
    ----------
    image : ndarray (h, w)
    rows, columns : int
        Size of the result, at least 1 each; it may be smaller or larger than the picture.

    Returns
    -------
    ndarray (rows, columns) float64
        The mean of a result equals the mean of the picture.
    """
    return _averaging(rows, image.shape[0]) @ image @ _averaging(columns, image.shape[1]).T


def _averaging(cells: int, pixels: int) -> np.ndarray:
    """Matrix (cells, pixels): the share of each pixel in each of the equal cells; each row sums to 1."""
    edges = np.arange(cells + 1) * (pixels / cells)
    pixel = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)  # (cells, pixels)
    return np.clip(overlap, 0, None) * (cells / pixels)


def _round(x: float) -> int:
    """Round half upwards, as JavaScript's Math.round does (Python's round goes to the even neighbour)."""
    return math.floor(x + 0.5)


def _checked_field(values: np.ndarray, name: str) -> np.ndarray:
    """Return values as float64 (h, w), or raise PictureError where they are no picture in [0, 1]."""
    field = np.asarray(values)
    if field.ndim != 2 or 0 in field.shape:
        raise PictureError(f"{name} must be an array of rows and columns, got shape {field.shape}")
    if field.dtype.kind not in "fiub":
        raise PictureError(f"{name} must hold numbers, got {field.dtype}")
    field = field.astype(np.float64)
    low, high = float(field.min()), float(field.max())  # NaN if any value is NaN
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise PictureError(
            f"{name} must lie in [0, 1] (0 = background, 1 = ink), got {low:g} to {high:g}: "
            "divide pixel values of 0 to 255 by 255"
        )
    return np.clip(field, 0.0, 1.0)
