"""How good a reconstruction is and how many bytes a code takes. Pure functions of numpy arrays.

All image metrics take batches of shape (n, height, width) with pixels in [0, 1] and give one number an image.
"""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

from aecore.errors import ConfigError, DataError

Array = NDArray[np.float32]
PerImage = NDArray[np.float64]


def mse(images: Array, reconstructions: Array) -> PerImage:
    """Mean squared error a pixel, shape (n,), 0 or more.

    Examples
    --------
    >>> mse(np.zeros((1, 2, 2)), np.array([[[0, 0], [0, 1.0]]])).tolist()
    [0.25]
    """
    _same_shape(images, reconstructions)
    difference = images.astype(np.float64) - reconstructions
    return np.square(difference).mean(axis=(1, 2))


def psnr(images: Array, reconstructions: Array) -> PerImage:
    """Peak signal-to-noise ratio in decibels, shape (n,): 10 log10(1 / mse); infinite for equal images.

    Examples
    --------
    >>> psnr(np.zeros((1, 2, 2)), np.full((1, 2, 2), 0.1)).round(6).tolist()
    [20.0]
    """
    error = mse(images, reconstructions)
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(error)


def ssim(images: Array, reconstructions: Array) -> PerImage:
    """Structural similarity, shape (n,), at most 1 (Wang, Bovik, Sheikh & Simoncelli 2004).

    As in the paper: a Gaussian window of 11x11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, dynamic range 1, averaged
    over the places where the window lies inside the image.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((1, 28, 28))
    >>> ssim(image, image).tolist()
    [1.0]
    """
    _same_shape(images, reconstructions)
    reach = 5
    if min(images.shape[1:]) < 2 * reach + 1:
        raise DataError(f"SSIM's window has 11x11 pixels, the images only {images.shape[1:]}")
    height, width = images.shape[1:]
    down, across = _window_sums(height, reach), _window_sums(width, reach)

    def smooth(values: PerImage) -> PerImage:
        return down @ values @ across.T  # (n, height, width) -> (n, height - 10, width - 10)

    x, y = images.astype(np.float64), reconstructions.astype(np.float64)
    mean_x, mean_y = smooth(x), smooth(y)
    var_x, var_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
    covariance = smooth(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return similarity.mean(axis=(1, 2))


def information_kept(images: Array, reconstructions: Array, mean: Array) -> float:
    """Part of the images' variance that survives: 1 - squared error / squared distance from the mean image.

    1 for perfect reconstructions, 0 for as good as always showing `mean` (shape (height, width)), negative if worse.

    Examples
    --------
    >>> images = np.array([[[0.0, 1.0]], [[1.0, 0.0]]])
    >>> information_kept(images, images * 0.5 + 0.25, images.mean(axis=0))
    0.75
    """
    _same_shape(images, reconstructions)
    spread = float(np.square(images.astype(np.float64) - mean).sum())
    if spread == 0.0:
        raise DataError("the images are all the mean image: there is no variance to keep")
    return 1.0 - float(np.square(images.astype(np.float64) - reconstructions).sum()) / spread


def code_bytes(k: int, bits: int) -> int:
    """Whole bytes that `k` numbers of `bits` bits take.

    Examples
    --------
    >>> code_bytes(32, 8), code_bytes(3, 3)
    (32, 2)
    """
    if k < 1 or bits < 1:
        raise ConfigError(f"a code has at least one number of at least one bit, got k={k!r}, bits={bits!r}")
    return math.ceil(k * bits / 8)


def png_bytes(image: Array) -> int:
    """Bytes of an image, shape (height, width), pixels in [0, 1], as a grey PNG, optimised; lossless at 8 bits."""
    from PIL import Image

    buffer = io.BytesIO()
    grey = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(grey, mode=None).save(buffer, format="PNG", optimize=True)
    return len(buffer.getvalue())


def _window_sums(size: int, reach: int) -> PerImage:
    """Matrix of shape (size - 2 * reach, size) that takes Gaussian-weighted means along an axis of `size` pixels."""
    distance = np.arange(size)[None, :] - np.arange(reach, size - reach)[:, None]
    weights: PerImage = np.exp(-0.5 * (distance / 1.5) ** 2) * (np.abs(distance) <= reach)
    return weights / weights.sum(axis=1, keepdims=True)


def _same_shape(images: Array, reconstructions: Array) -> None:
    if images.ndim != 3 or images.shape != reconstructions.shape:
        raise DataError(
            f"images and reconstructions must both have shape (n, height, width), got {images.shape} and "
            f"{reconstructions.shape}"
        )
