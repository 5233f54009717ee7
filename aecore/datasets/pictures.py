"""Turns pictures into 28x28 digits in MNIST's form, and digits into text or PNG and back.

It knows numpy and Pillow; it knows nothing of networks, pages or where a picture came from, and never loads torch.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import io
import math
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from aecore.errors import DataError, PictureError

SIDE = 28  # rows and columns of a digit
BOX = 20  # rows and columns that the ink is scaled into
CENTRE = 14  # row and column (counted from 0) where MNIST puts the centre of mass
FAINTEST = 1 / 32  # ink below this does not count when the bounding box is looked for
MAX_GROWTH = 3  # a mark is at most tripled beside its share of the field, so that a dot stays a small dot

MAX_BYTES = 5 * 2**20  # of an uploaded file
MAX_PIXELS = 30_000_000  # of an uploaded picture
MIN_SIDE = 8  # pixels
MAX_ASPECT = 20  # longer side over shorter side
KINDS = "PNG, JPEG or WebP"

_WORKING_SIDE = 640  # an upload is shrunk to this before its paper and ink are told apart
_THIN, _PEN = 0.07, 0.11  # width of strokes beside the character's longer side: thinner than MNIST's, and usual there
_LEVELS = 15  # a packed digit has grey levels 0 to 15
_VERSION = "1"  # first character of a packed digit
_MAX_PACKED = 600  # characters; the longest that pack_digit writes has 528


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


def digit_from_picture(data: bytes) -> np.ndarray:
    """Read an uploaded picture of one character and bring it to MNIST's form.

    The picture is turned as its EXIF tag says, transparency is laid over the background its ink stands out from, and
    paper is told from ink: the paper's brightness is fitted by a smooth surface (so uneven light goes), whichever of
    light and dark stands out from it is ink, what is within the paper's own texture vanishes, specks are dropped, and
    strokes thinner than any of MNIST's are widened. :func:`digit_from_ink` does the rest.

    Parameters
    ----------
    data : bytes
        The file's content: PNG, JPEG or WebP, also 16-bit, transparent, palette, CMYK or black-and-white ones.

    Returns
    -------
    ndarray (28, 28) float32
        Values in [0, 1]: 0 = background, 1 = ink.

    Raises
    ------
    PictureError
        With a sentence that can be shown to the person who uploaded it: not a picture of these kinds, broken, too
        large, too small, too narrow, animated, or nothing on it that stands out.
    """
    ink = _ink(_grey(data))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return digit_from_ink(_widened(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))


def thumbnail_from_picture(data: bytes) -> np.ndarray:
    """Read an uploaded picture and shrink its middle square to 28x28 grey, without taking it for a digit.

    Parameters
    ----------
    data : bytes
        As for :func:`digit_from_picture`.

    Returns
    -------
    ndarray (28, 28) float32
        Brightness in [0, 1]: 0 = black, 1 = white.

    Raises
    ------
    PictureError
        As for :func:`digit_from_picture`, but a blank picture is fine.
    """
    grey = _grey(data)
    h, w = grey.shape
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    square = grey[top : top + side, left : left + side]
    return np.clip(area_average(square, SIDE, SIDE), 0, 1).astype(np.float32)


def pack_digit(image: np.ndarray) -> str:
    """Write a digit as a short text that can stand in a link; an MNIST digit takes about 150 characters.

    A version character, then url-safe base64 without padding of: three bytes (top, left, height and width of the box
    that holds everything, 5 bits each; 1 bit that says whether the box is deflated; 3 zero bits), and the box's 16
    grey levels row by row, either deflated (one byte a pixel) or two pixels a byte, whichever is shorter.

    Parameters
    ----------
    image : ndarray (28, 28)
        Values in [0, 1]; they are rounded to multiples of 1/15.

    Returns
    -------
    str
        Letters, digits, ``-`` and ``_``; at most 528 of them.

    Raises
    ------
    PictureError
        The image has another shape, or values outside [0, 1].
    """
    levels = np.floor(_checked_digit(image) * _LEVELS + 0.5).astype(np.uint8)  # (28, 28)
    rows, columns = np.flatnonzero(levels.any(axis=1)), np.flatnonzero(levels.any(axis=0))
    top, left, bottom, right = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if len(rows) else (0, 0, 0, 0)
    pixels = levels[top:bottom, left:right].tobytes()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FILTERED)
    deflated = deflater.compress(pixels) + deflater.flush()
    pairs = np.frombuffer(pixels + b"\0" * (len(pixels) % 2), np.uint8).reshape(-1, 2)
    plain = (pairs[:, 0] << 4 | pairs[:, 1]).tobytes()
    short = len(deflated) < len(plain)
    head = 0
    for number in (top, left, bottom - top, right - left):
        head = head << 5 | int(number)
    content = (head << 4 | short << 3).to_bytes(3, "big") + (deflated if short else plain)
    return _VERSION + base64.urlsafe_b64encode(content).decode().rstrip("=")


def unpack_digit(text: str) -> np.ndarray:
    """Read a digit that :func:`pack_digit` wrote.

    Parameters
    ----------
    text : str
        Anything: it may come from a link that somebody changed.

    Returns
    -------
    ndarray (28, 28) float32
        Multiples of 1/15 in [0, 1].

    Raises
    ------
    PictureError
        The text is not a packed digit.
    """
    if not isinstance(text, str) or len(text) > _MAX_PACKED or not re.fullmatch(r"[A-Za-z0-9_-]{5,}", text):
        raise PictureError("this is not a packed digit: it is too short, too long or has characters that do not belong")
    if text[0] != _VERSION:
        raise PictureError(f"this packed digit is of version {text[0]!r}, and only {_VERSION!r} can be read")
    try:
        content = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise PictureError("this packed digit is damaged: a part of the link is missing") from error
    damaged = PictureError("this packed digit is damaged: copy the whole link again")
    if len(content) < 3:
        raise damaged
    head = int.from_bytes(content[:3], "big")
    top, left, height, width = (head >> shift & 31 for shift in (19, 14, 9, 4))
    if head & 7 or top + height > SIDE or left + width > SIDE:
        raise damaged
    count = height * width
    if head & 8:
        inflater = zlib.decompressobj(-15)
        try:
            pixels = np.frombuffer(inflater.decompress(content[3:], count + 1), np.uint8)
        except zlib.error as error:
            raise damaged from error
        if not inflater.eof or inflater.unused_data or len(pixels) != count or (count and pixels.max() > _LEVELS):
            raise damaged
    else:
        pairs = np.frombuffer(content[3:], np.uint8)
        if len(pairs) != (count + 1) // 2:
            raise damaged
        pixels = np.stack([pairs >> 4, pairs & 15], axis=1).ravel()[:count]
    digit = np.zeros((SIDE, SIDE), dtype=np.float32)
    digit[top : top + height, left : left + width] = pixels.reshape(height, width).astype(np.float32) / _LEVELS
    return digit


def picture_from_digit(image: np.ndarray, scale: int = 1) -> bytes:
    """Write a digit as a grey PNG: ink white on black, as MNIST has it.

    Parameters
    ----------
    image : ndarray (28, 28)
        Values in [0, 1].
    scale : int
        Side in the PNG of one pixel of the digit, 1 to 100.

    Returns
    -------
    bytes
        The PNG file, 28 * scale pixels wide and high.

    Raises
    ------
    PictureError
        The image has another shape or values outside [0, 1], or the scale is none of these.
    """
    pixels = np.floor(_checked_digit(image) * 255 + 0.5).astype(np.uint8)
    if not isinstance(scale, int) or not 1 <= scale <= 100:
        raise PictureError(f"scale must be a whole number from 1 to 100, got {scale!r}")
    pixels = np.repeat(np.repeat(pixels, scale, axis=0), scale, axis=1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()


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


def _checked_digit(image: np.ndarray) -> np.ndarray:
    digit = _checked_field(image, "image")
    if digit.shape != (SIDE, SIDE):
        raise PictureError(f"image must have 28 rows and 28 columns, got shape {digit.shape}")
    return digit


# ---------------------------------------------------------------------------------------------------------------------
# From a file to brightness
# ---------------------------------------------------------------------------------------------------------------------


def _grey(data: bytes) -> np.ndarray:
    """Decode an uploaded file: brightness (h, w) float64 in [0, 1], upright, the longer side at most 640 pixels."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise PictureError(f"a picture must be the bytes of a file, got {type(data).__name__}")
    data = bytes(data)
    if not data:
        raise PictureError(f"This file is empty. Choose a {KINDS} picture.")
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"This file has {len(data) / 2**20:.1f} MB; {MAX_BYTES / 2**20:.0f} MB is the most. Make it smaller."
        )
    try:
        picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
    except UnidentifiedImageError as error:
        raise PictureError(_what_else(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(_too_many_pixels()) from error
    except Exception as error:  # Pillow's readers raise whatever a malformed file makes them trip over
        raise PictureError(_broken()) from error
    with picture:
        w, h = picture.size
        if w * h > MAX_PIXELS:
            raise PictureError(_too_many_pixels())
        if min(w, h) < MIN_SIDE:
            raise PictureError(
                f"This picture is {w} x {h} pixels, too small: at least {MIN_SIDE} x {MIN_SIDE} are needed."
            )
        if max(w, h) > MAX_ASPECT * min(w, h):
            raise PictureError(f"This picture is {w} x {h} pixels, too narrow. Cut out the part with the digit.")
        # A JPEG from a phone may carry a second, hidden picture (a depth map) and count as two frames: that is fine.
        if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
            raise PictureError("This picture is animated. Save one frame of it as a still picture.")
        try:
            picture.draft("L", (_WORKING_SIDE, _WORKING_SIDE))  # lets a large JPEG be decoded small; others ignore it
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _brightness(upright)
        except PictureError:
            raise
        except Exception as error:  # as above
            raise PictureError(_broken()) from error


def _what_else(data: bytes) -> str:
    """A sentence for a file that is none of the accepted kinds, naming what it seems to be."""
    start = data[:512].lstrip().lower()
    kind = ""
    if start.startswith(b"gif8"):
        kind = "a GIF"
    elif start.startswith((b"ii*\0", b"mm\0*")):
        kind = "a TIFF"
    elif start.startswith(b"bm"):
        kind = "a BMP"
    elif start.startswith(b"%pdf"):
        kind = "a PDF"
    elif b"<svg" in start:
        kind = "an SVG drawing"
    elif start[4:8] == b"ftyp":
        kind = "an AVIF" if start[8:11] == b"avi" else "a HEIC picture or a film"
    elif start.startswith((b"\x89png", b"\xff\xd8", b"riff")):
        return _broken()
    if kind:
        return f"This file seems to be {kind}. Save it as {KINDS} and try again."
    return f"This file is not a picture that can be read here. Choose a {KINDS} picture."


def _broken() -> str:
    return f"This picture is broken or cut off. Save it again as {KINDS}, or choose another one."


def _too_many_pixels() -> str:
    return f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller."


def _brightness(picture: Image.Image) -> np.ndarray:
    """Brightness (h, w) in [0, 1] of a loaded picture of any mode, shrunk to the working size."""
    if picture.mode.startswith("I"):  # 16 bits: averaged and stretched before they become 8, so that no level is lost
        values = np.asarray(picture)
        factor = math.ceil(max(values.shape) / _WORKING_SIDE)
        h, w = values.shape[0] // factor, values.shape[1] // factor
        blocks = values[: h * factor, : w * factor].reshape(h, factor, w, factor).mean(axis=(1, 3))
        low, high = float(blocks.min()), float(blocks.max())
        return (blocks - low) / max(high - low, 1)
    opaque = picture.mode in ("1", "L", "RGB", "CMYK", "YCbCr") and "transparency" not in picture.info
    if opaque:
        picture = _shrunk(picture.convert("L"))
        return np.asarray(picture, dtype=np.float64) / 255
    layers = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    return _over_background(np.asarray(_shrunk(layers.convert("RGBa")), dtype=np.float64) / 255)


def _shrunk(picture: Image.Image) -> Image.Image:
    """Make the longer side at most the working size, by a whole factor, averaging."""
    factor = math.ceil(max(picture.size) / _WORKING_SIDE)
    return picture.reduce(factor) if factor > 1 else picture


def _over_background(layers: np.ndarray) -> np.ndarray:
    """Lay a partly transparent picture over the background its ink stands out from.

    Parameters
    ----------
    layers : ndarray (h, w, 4)
        Red, green, blue (each multiplied by alpha) and alpha, in [0, 1].
    """
    alpha = layers[..., 3]
    light = layers[..., :3] @ np.array([0.299, 0.587, 0.114])  # ITU-R 601, as Pillow's "L"; times alpha
    total = alpha.sum()
    if total == 0:
        raise PictureError("This picture is fully transparent: there is nothing on it.")
    solid = alpha > 0.5
    own = light[solid] / alpha[solid]  # brightness of what is seen
    mean = light.sum() / total
    background = 0.0 if mean > 0.5 else 1.0  # ink alone: light ink on black, dark ink on white
    if solid.mean() > 0.5 and own.std() > 0.05:  # paper with transparent corners: it goes on as paper
        background = float(np.median(own))
    return light + (1 - alpha) * background


# ---------------------------------------------------------------------------------------------------------------------
# From brightness to ink
# ---------------------------------------------------------------------------------------------------------------------


def _ink(grey: np.ndarray) -> np.ndarray:
    """Tell ink from paper: (h, w) in [0, 1], 0 = paper, 1 = ink; raises PictureError where nothing stands out."""
    paper = float(np.median(grey))
    darkest, lightest = _extremes(grey, 0.003)
    if max(paper - darkest, lightest - paper) < 0.1:
        darkest, lightest = _extremes(grey, 0)  # a small mark on a large sheet
    if paper - darkest > lightest - paper:  # dark ink on light paper
        grey, paper, lightest = 1 - grey, 1 - paper, 1 - darkest
    surface, texture = _paper(grey, paper, lightest)
    above = grey - surface
    top = _extremes(above, 0)[1]
    strong = float(np.median(above[above >= 0.5 * top]))
    weak = max(3 * texture, 0.02 * strong)
    if top < 0.06 or strong < 1.3 * weak:
        raise PictureError("Nothing on this picture stands out from its background. Use a darker pen or more light.")
    return _without_specks(np.clip((above - weak) / (0.97 * strong - weak), 0, 1))


def _extremes(values: np.ndarray, share: float) -> tuple[float, float]:
    """The darkest and lightest values, after leaving out a share of the pixels (and always a few) at each end."""
    few = min(max(8, int(share * values.size)), values.size // 4)
    order = np.partition(values.ravel(), (few, values.size - 1 - few))
    return float(order[few]), float(order[-1 - few])


def _paper(grey: np.ndarray, level: float, lightest: float) -> tuple[np.ndarray, float]:
    """Estimate the paper's brightness under and beside the ink, which is lighter than the paper.

    A quadratic surface is fitted to what is not ink; shadows with an edge, which it cannot follow, are added to it.

    Returns
    -------
    surface : ndarray (h, w)
    texture : float
        How much the paper itself varies about the surface, as a standard deviation.
    """
    h, w = grey.shape
    rows, columns = min(h, 64), min(w, 64)
    coarse = area_average(grey, rows, columns)
    small, basis = coarse.ravel(), _quadratic(rows, columns)
    kept = small < level + 0.4 * (lightest - level)
    coefficients = np.array([level, 0, 0, 0, 0, 0])
    for _ in range(12):
        if kept.sum() < 32:
            break
        coefficients = np.linalg.lstsq(basis[kept], small[kept], rcond=None)[0]
        over = small - basis @ coefficients
        spread = 1.4826 * float(np.median(np.abs(over[kept]))) + 0.004
        kept = (over < 2.5 * spread) & (over > -4 * spread)
    shadow = _shadow(coarse - (basis @ coefficients).reshape(rows, columns))
    surface = (_quadratic(h, w) @ coefficients).reshape(h, w)
    if shadow.any():
        surface += np.asarray(Image.fromarray(shadow.astype(np.float32)).resize((w, h), Image.Resampling.BILINEAR))
    over = grey - surface
    # Half of the paper's pixels are below its mean, and ink is never there: so the lower side alone tells.
    below = over[(over <= 0) & (over > -0.25)]
    texture = float(np.sqrt(np.mean(below**2))) if len(below) else 0.0
    return surface, texture


def _shadow(over: np.ndarray) -> np.ndarray:
    """The part of what stands out from the paper that is no stroke: wider than a third of the picture, and at its rim.

    Parameters
    ----------
    over : ndarray (h, w)
        What stands out from the fitted surface, at a coarse resolution.

    Returns
    -------
    ndarray (h, w)
        At least 0.
    """
    from scipy import ndimage

    window = tuple(max(3, side // 3) for side in over.shape)
    wide = np.clip(ndimage.grey_opening(over, size=window, mode="nearest"), 0, None)
    marks, _ = ndimage.label(wide > 0.03)
    at_rim = np.isin(marks, np.unique(marks[_ring(over.shape)]))
    return np.where((marks > 0) & at_rim, wide, 0.0)


def _ring(shape: tuple[int, ...]) -> np.ndarray:
    """Mask (h, w) of the pixels along the edge of a picture."""
    ring = np.ones(shape, dtype=bool)
    ring[1:-1, 1:-1] = False
    return ring


def _quadratic(rows: int, columns: int) -> np.ndarray:
    """Values of 1, y, x, y*y, x*y, x*x at pixel centres, (rows * columns, 6), with x and y in (-1, 1)."""
    y = np.repeat((np.arange(rows) + 0.5) * (2 / rows) - 1, columns)
    x = np.tile((np.arange(columns) + 0.5) * (2 / columns) - 1, rows)
    return np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=1)


def _without_specks(ink: np.ndarray) -> np.ndarray:
    """Keep what belongs to the character.

    Dropped are faint marks away from strong ones (the ruling of the paper), marks with less than 1/50 of the ink of
    the largest one (dust, grain), and marks along a fifth of the picture's edge (the table round the paper), the last
    unless nothing else is there.
    """
    from scipy import ndimage

    reach = max(2, max(ink.shape) // 100)
    near = ndimage.maximum_filter(ink, size=2 * reach + 1) >= 0.3
    ink = np.where(near, ink, 0.0)
    marks, count = ndimage.label(ink > 0, structure=np.ones((3, 3)))
    ring = _ring(ink.shape)
    along_edge = np.bincount(marks[ring], minlength=count + 1)[1:] > 0.2 * ring.sum()
    mass = np.asarray(ndimage.sum_labels(ink, marks, np.arange(1, count + 1)))
    if not along_edge.all():
        mass[along_edge] = 0
    keep = np.concatenate([[False], mass >= mass.max() / 50])
    return np.where(keep[marks], ink, 0.0)


def _widened(ink: np.ndarray) -> np.ndarray:
    """Widen strokes that are thinner beside the character's size than MNIST's are (99 % of those) to a usual width."""
    from scipy import ndimage

    h, w = ink.shape
    shrink = min(1, 160 / max(h, w))
    ink = area_average(ink, max(1, _round(h * shrink)), max(1, _round(w * shrink)))
    # Mean distance to the edge in a bar of width v is about v / 4.
    solid = np.pad(ink >= 0.5 * ink.max(), 1)
    width = 4 * float(ndimage.distance_transform_edt(solid)[solid].mean()) - 1
    radius = _round((_PEN * max(ink.shape) - width) / 2)
    if width >= _THIN * max(ink.shape) or radius < 1:
        return ink
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = y * y + x * x <= (radius + 0.3) ** 2
    full = np.minimum(ink * (2 / ink.max()), 1)  # shrinking has made a thin stroke faint, here more, there less
    return ndimage.grey_dilation(np.pad(full, radius), footprint=disc)


# ---------------------------------------------------------------------------------------------------------------------
# Pictures that no network here was trained on
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Outsider:
    """A picture in MNIST's form that is no MNIST digit.

    Attributes
    ----------
    name : str
        Short, fit for a link: letters, digits and hyphens.
    title : str
        For people.
    image : ndarray (28, 28) float32
        Values in [0, 1], read-only.
    credit : str
        Where it comes from, and its licence where it has one; to be shown with it.
    """

    name: str
    title: str
    image: np.ndarray
    credit: str


@lru_cache(maxsize=1)
def outsiders() -> tuple[Outsider, ...]:
    """Pictures that no network here was trained on: letters, scribbles, drawings, a photograph, noise.

    All but the photograph are drawn by this function, always the same; none comes from MNIST.

    Returns
    -------
    tuple of Outsider
        Names are distinct; the order is that of showing.

    Raises
    ------
    DataError
        The photograph that scikit-learn carries is not there.
    """
    drawn, font = "Drawn by this project.", "Set in Pillow's built-in typeface, Aileron (CC0)."
    five, four = _letter("5"), _letter("4")
    found = [
        ("letter-a", "The letter A", _letter("A"), font),
        ("letter-k", "The letter k", _letter("k"), font),
        ("letter-r", "The letter R", _letter("R"), font),
        ("ampersand", "An ampersand", _letter("&"), font),
        ("question-mark", "A question mark", _letter("?"), font),
        ("scribble", "A scribble", _scribble(seed=4, turns=9), drawn),
        ("loose-scribble", "A loose scribble", _scribble(seed=13, turns=9), drawn),
        ("cat", "A cat", _cat(), drawn),
        ("house", "A house", _house(), drawn),
        ("star", "A star", _star(), drawn),
        (
            "flower",
            "A photograph of a flower",
            thumbnail_from_picture(_photograph("flower.jpg")),
            "flower.jpg by vultilion (Flickr 6056698931), CC BY 2.0, as scikit-learn carries it; shrunk.",
        ),
        ("inverted-digit", "A printed 5, ink and paper swapped", 1 - five, font),
        ("upside-down-digit", "A printed 4, upside down", four[::-1, ::-1], font),
        ("checkerboard", "A checkerboard", np.kron(np.indices((7, 7)).sum(axis=0) % 2, np.ones((4, 4))), drawn),
        ("noise", "Noise", np.random.default_rng(0).random((SIDE, SIDE)), drawn),
    ]
    result = []
    for name, title, image, credit in found:
        image = np.ascontiguousarray(image, dtype=np.float32)
        image.flags.writeable = False
        result.append(Outsider(name, title, image, credit))
    return tuple(result)


_CANVAS = 280  # pixels: what is drawn here is drawn ten times as large


def _letter(character: str) -> np.ndarray:
    """A printed character in MNIST's form."""
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    face = ImageFont.load_default(200)
    ImageDraw.Draw(canvas).text((140, 140), character, fill=255, font=face, anchor="mm", stroke_width=3)
    return digit_from_ink(np.asarray(canvas) / 255)


def _scribble(seed: int, turns: int) -> np.ndarray:
    """A smooth random curve: a few sine waves each way, drawn with a pen as wide as MNIST's."""
    random = np.random.default_rng(seed)
    time = np.linspace(0, 1, 400)
    waves = np.arange(1, turns + 1)
    y, x = (
        np.sin(2 * np.pi * time[:, None] * waves * 0.5 + random.uniform(0, 2 * np.pi, turns))
        @ (random.normal(size=turns) / np.sqrt(waves))
        for _ in range(2)
    )
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    draw = ImageDraw.Draw(canvas)
    places = [tuple(40 + 200 * (axis - axis.min()) / np.ptp(axis)) for axis in (x, y)]
    for px, py in zip(*places, strict=True):
        draw.ellipse((px - 10, py - 10, px + 10, py + 10), fill=255)
    return digit_from_ink(np.asarray(canvas) / 255)


def _drawing() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    return canvas, ImageDraw.Draw(canvas)


def _small(canvas: Image.Image) -> np.ndarray:
    """A drawing shrunk to 28x28 as it is."""
    return area_average(np.asarray(canvas) / 255, SIDE, SIDE)


def _cat() -> np.ndarray:
    canvas, draw = _drawing()
    for ear in ([(52, 130), (58, 28), (122, 78)], [(228, 130), (222, 28), (158, 78)]):
        draw.polygon(ear, fill=255)
    draw.ellipse((40, 64, 240, 252), fill=255)
    for x in (102, 178):
        draw.ellipse((x - 18, 118, x + 18, 162), fill=0)
    draw.polygon([(124, 178), (156, 178), (140, 198)], fill=0)
    draw.arc((106, 184, 140, 222), 0, 180, fill=0, width=9)
    draw.arc((140, 184, 174, 222), 0, 180, fill=0, width=9)
    for y, tip in ((186, 170), (204, 212)):
        draw.line((82, y, 4, tip), fill=150, width=8)
        draw.line((198, y, 276, tip), fill=150, width=8)
    return _small(canvas)


def _house() -> np.ndarray:
    canvas, draw = _drawing()
    draw.line([(30, 140), (140, 36), (250, 140)], fill=255, width=20, joint="curve")
    draw.line([(56, 126), (56, 246), (224, 246), (224, 126)], fill=255, width=18, joint="curve")
    draw.rectangle((120, 170, 164, 246), fill=255)
    draw.rectangle((190, 40, 212, 96), fill=255)
    return _small(canvas)


def _star() -> np.ndarray:
    canvas, draw = _drawing()
    angles = np.pi * (np.arange(10) / 5 - 0.5)
    radii = np.where(np.arange(10) % 2, 50, 120)
    draw.polygon([(140 + r * np.cos(a), 148 + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)], fill=255)
    return _small(canvas)


def _photograph(name: str) -> bytes:
    """One of the photographs that scikit-learn carries; the package itself is not imported, which takes a second."""
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise DataError("the photograph comes with scikit-learn, which is not installed: pip install scikit-learn")
    path = Path(package.submodule_search_locations[0], "datasets", "images", name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}. Install scikit-learn again") from error
