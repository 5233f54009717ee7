"""Codes at b bits a number, so that the size of a code can be stated in bytes. Knows numpy arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aecore.errors import ConfigError

# Distance of neighbouring levels, in standard deviations, of the uniform quantiser with 2**bits levels that loses least
# on a normal distribution: Max 1960, "Quantizing for minimum distortion", table II; 6 to 8 bits computed the same way.
BEST_STEP = {1: 1.5956, 2: 0.9957, 3: 0.5860, 4: 0.3352, 5: 0.1881, 6: 0.1041, 7: 0.0569, 8: 0.0308}


def quantise(
    codes: NDArray[np.float32], bits: int, mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Round each code number to the nearest of 2**bits evenly spaced levels.

    Parameters
    ----------
    codes : ndarray, shape (n, code)
        Codes; values beyond the outermost level get the outermost level.
    bits : int
        Bits a number, 1 to 8.
    mean, std : ndarray, shape (code,) or longer
        Each number's mean and standard deviation over training images.

    Returns
    -------
    ndarray, shape (n, code), float32
        The levels, in the units of the codes.

    Raises
    ------
    ConfigError
        If `bits` is not a whole number from 1 to 8.

    Examples
    --------
    >>> levels = quantise(np.float32([[-9, -0.1, 0.4, 9]]), 1, np.zeros(4, "f"), np.ones(4, "f"))
    >>> [f"{level:.2f}" for level in levels[0]]
    ['-0.80', '-0.80', '0.80', '0.80']
    """
    if bits not in BEST_STEP:
        raise ConfigError(f"bits is {bits!r}; give a whole number of bits a number, 1 to 8")
    size = codes.shape[1]
    step = BEST_STEP[bits] * np.maximum(std[:size], 1e-12)
    half = 2 ** (bits - 1)
    level = np.clip(np.floor((codes - mean[:size]) / step), -half, half - 1) + 0.5  # 2**bits levels around the mean
    return (mean[:size] + level * step).astype(np.float32)
