"""Ways to damage a picture: seeded, vectorised, each with one strength in [0, 1]. Knows no network and no page.

A strength of 0 leaves pictures as they are, one of 1 leaves next to nothing to recognise. The same seed draws the same
pattern at every strength, so that a pattern grows as the strength does. All pictures are float32 in [0, 1] and stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore.errors import ConfigError, DataError

Array = NDArray[np.float32]
Apply = Callable[[Array, Array, np.random.Generator], Array]

LARGEST_GAUSSIAN = 2.0  # standard deviation at strength 1
LARGEST_SPECKLE = 3.0  # standard deviation of the factor's logarithm at strength 1
LARGEST_BLUR = 4.0  # pixels, standard deviation of the bell at strength 1
MOST_SCRATCHES = 12  # at strength 1


def gaussian(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Add normal noise to each pixel and clip; the standard deviation is 2 strength², so 0.5 at strength 0.5."""
    normal = random.standard_normal(images.shape, np.float32)
    return np.clip(images + _a_picture(LARGEST_GAUSSIAN * strength**2) * normal, 0, 1)


def salt_and_pepper(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Set a part `strength` of the pixels to black or white, at even odds."""
    drawn = random.random(images.shape, np.float32)
    grain = (random.random(images.shape, np.float32) < 0.5).astype(np.float32)
    return np.where(drawn < _a_picture(strength), grain, images)


def masking(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Set a part `strength` of the pixels to black."""
    return images * (random.random(images.shape, np.float32) >= _a_picture(strength))


def occlusion(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Cover a square somewhere in the picture with black; its side is `strength` of the picture's."""
    height, width = images.shape[1:]
    place = random.random((2, len(images)), np.float32)
    hidden = np.ones(images.shape, bool)
    for axis, side in ((1, height), (2, width)):
        length = np.rint(strength * side)  # (n,)
        start = np.rint(place[axis - 1] * (side - length))
        pixel = np.arange(side)
        inside = (pixel >= start[:, None]) & (pixel < (start + length)[:, None])  # (n, side)
        hidden &= inside[:, :, None] if axis == 1 else inside[:, None, :]
    return np.where(hidden, np.float32(0), images)


def speckle(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Multiply each pixel by a log-normal factor of mean 1 and clip: the noise of radar and of laser light.

    The logarithm's standard deviation is 3 strength. Black stays black.
    """
    deviation = _a_picture(LARGEST_SPECKLE * strength)
    factor = np.exp(deviation * random.standard_normal(images.shape, np.float32) - deviation**2 / 2)
    return np.clip(images * factor, 0, 1)


def blur(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Blur by a Gaussian bell of 4 strength pixels; beyond the picture's edge all is black. Nothing is random."""
    deviation = np.maximum(LARGEST_BLUR * strength, 1e-3)[:, None, None]  # (n, 1, 1)
    sides = []
    for side in images.shape[1:]:
        distance = np.subtract.outer(np.arange(side), np.arange(side)).astype(np.float32)
        weights = np.exp(-0.5 * np.square(distance / deviation))  # (n, side, side)
        reach = np.arange(-side, side + 1, dtype=np.float32)  # what leaves the picture is lost, not brought back
        sides.append(weights / np.exp(-0.5 * np.square(reach / deviation)).sum(axis=2, keepdims=True))
    down, across = sides
    return np.clip(down @ images @ across, 0, 1)  # the bells are symmetric: no transpose


def stripes(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Add a plane wave of random direction, length (3 to 10 pixels) and phase, as a hum in the wire does, and clip.

    Its amplitude is 1.5 strength.
    """
    height, width = images.shape[1:]
    angle, length, phase = random.random((3, len(images), 1, 1), np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = x * np.cos(np.pi * angle) + y * np.sin(np.pi * angle)  # (n, height, width)
    wave = np.sin(2 * np.pi * (along / (3 + 7 * length) + phase))
    return np.clip(images + _a_picture(1.5 * strength) * wave.astype(np.float32), 0, 1)


def scratches(images: Array, strength: Array, random: np.random.Generator) -> Array:
    """Draw up to 12 strength straight white lines across the picture, about 1.5 pixels thick."""
    height, width = images.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    damaged = images
    for line in range(MOST_SCRATCHES):
        angle, offset = random.random((2, len(images), 1, 1), np.float32)
        across = (x - (width - 1) / 2) * np.cos(np.pi * angle) + (y - (height - 1) / 2) * np.sin(np.pi * angle)
        distance = np.abs(across - (offset - 0.5) * 0.9 * min(height, width))  # (n, height, width)
        ink = np.clip(1.25 - distance, 0, 1) * np.clip(_a_picture(MOST_SCRATCHES * strength) - line, 0, 1)
        damaged = np.maximum(damaged, ink.astype(np.float32))
    return damaged


class Noise(NamedTuple):
    """One way to damage pictures."""

    name: str  # as TrainConfig and the functions below take it
    title: str  # for people
    apply: Apply  # (images (n, h, w), strength (n,), random) -> images (n, h, w)


NOISES: dict[str, Noise] = {
    function.__name__: Noise(function.__name__, title, function)
    for function, title in (
        (gaussian, "Gaussian"),
        (salt_and_pepper, "Salt and pepper"),
        (masking, "Masking"),
        (occlusion, "Black square"),
        (speckle, "Speckle"),
        (blur, "Blur"),
        (stripes, "Stripes"),
        (scratches, "Scratches"),
    )
}


def add_noise(images: Array, name: str, strength: float | Array, seed: int | np.random.Generator = 0) -> Array:
    """Damage pictures.

    Parameters
    ----------
    images : ndarray, shape (n, height, width), float32 in [0, 1]
        Left as they are.
    name : str
        One of `aecore.noise.NOISES`.
    strength : float or ndarray of shape (n,)
        In [0, 1]: 0 changes nothing. For Gaussian noise the standard deviation is 2 strength², for salt and pepper and
        for masking the strength is the part of the pixels that are lost; see each function.
    seed : int or Generator
        The same seed, the same damage.

    Returns
    -------
    ndarray, shape (n, height, width), float32 in [0, 1]

    Raises
    ------
    ConfigError
        If the noise is unknown or a strength is out of range.
    DataError
        If the images are no batch.

    Examples
    --------
    >>> images = np.zeros((1, 28, 28), np.float32)
    >>> add_noise(images, "salt_and_pepper", 1.0, seed=0).mean().round(1)
    np.float32(0.5)
    """
    if name not in NOISES:
        raise ConfigError(f"there is no noise {name!r}; take one of {', '.join(NOISES)}")
    if images.ndim != 3:
        raise DataError(f"images must have shape (n, height, width), got {images.shape}")
    strengths = np.broadcast_to(np.asarray(strength, np.float32), (len(images),))
    if not ((strengths >= 0) & (strengths <= 1)).all():
        raise ConfigError(f"a noise's strength lies in [0, 1], got {strength!r}")
    random = np.random.default_rng(seed)
    return NOISES[name].apply(images.astype(np.float32, copy=False), strengths, random).astype(np.float32, copy=False)


def mixed_noise(images: Array, names: Sequence[str], random: np.random.Generator) -> Array:
    """Damage each picture by one of `names`, drawn at even odds, at a strength drawn evenly from [0, 1].

    A name that stands twice in `names` is drawn twice as often. This is what training with `TrainConfig.noise` sees.
    """
    drawn = random.integers(len(names), size=len(images))
    damaged = np.empty_like(images)
    for place, name in enumerate(names):
        chosen = np.flatnonzero(drawn == place)
        damaged[chosen] = add_noise(images[chosen], name, random.random(len(chosen), np.float32), random)
    return damaged


def _a_picture(values: Array) -> Array:
    """(n,) -> (n, 1, 1): one number a picture."""
    return values[:, None, None]
