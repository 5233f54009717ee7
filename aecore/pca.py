"""Principal component analysis with the same encode and decode as a network. Knows numpy arrays only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore.errors import ConfigError, DataError
from aecore.quantise import quantise

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PCA:
    """Principal components of images: the best linear code of each size (Pearson 1901; Hotelling 1933).

    Attributes
    ----------
    mean : ndarray, shape (height, width)
        Mean image.
    components : ndarray, shape (k, height * width)
        Orthonormal rows, by falling variance; each row's largest entry is positive.
    variances : ndarray, shape (k,)
        Variance of each code number, in pixel units squared.
    total_variance : float
        Variance of the images, summed over pixels.
    """

    mean: Array
    components: Array
    variances: Array
    total_variance: float
    card: dict[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def fit(cls, images: Array, k: int) -> PCA:
        """Fit the first `k` components.

        Parameters
        ----------
        images : ndarray, shape (n, height, width)
            Pixels in [0, 1].
        k : int
            Number of components, 1 <= k <= height * width.

        Raises
        ------
        ConfigError
            If `k` is out of range.
        DataError
            If there are fewer than two images.

        Examples
        --------
        >>> line = np.outer([-1, 0, 1], np.eye(4)[0]).reshape(3, 2, 2).astype(np.float32)  # vary in one pixel only
        >>> PCA.fit(line, 1).components.tolist()
        [[1.0, 0.0, 0.0, 0.0]]
        """
        if images.ndim != 3 or len(images) < 2:
            raise DataError(f"PCA needs at least 2 images of shape (n, height, width), got {images.shape}")
        flat = images.reshape(len(images), -1).astype(np.float64)  # (n, pixels)
        if not 1 <= k <= flat.shape[1]:
            raise ConfigError(f"k is {k!r}; give a number of components from 1 to {flat.shape[1]}")
        mean = flat.mean(axis=0)
        flat -= mean
        values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))  # rising variance; columns are components
        components = vectors[:, ::-1][:, :k].T
        components *= np.sign(components[np.arange(k), np.abs(components).argmax(axis=1)])[:, None]
        return cls(
            mean=mean.reshape(images.shape[1:]).astype(np.float32),
            components=np.ascontiguousarray(components, dtype=np.float32),
            variances=np.maximum(values[::-1][:k], 0.0).astype(np.float32),
            total_variance=float(values.sum()),
        )

    @property
    def explained_variance_ratio(self) -> Array:
        """Part of the variance that each component carries, shape (k,), in [0, 1]."""
        return (self.variances / self.total_variance).astype(np.float32)

    def encode(self, images: Array) -> Array:
        """(n, height, width) -> (n, k)."""
        if images.ndim != 3 or images.shape[1:] != self.mean.shape:
            raise DataError(f"this PCA takes images of shape (n, *{self.mean.shape}), got {images.shape}")
        codes = (images - self.mean).reshape(len(images), -1) @ self.components.T
        return codes.astype(np.float32)

    def decode(self, codes: Array, k: int | None = None) -> Array:
        """(n, k or fewer) -> (n, height, width), from the first `k` numbers; pixels are not clipped to [0, 1]."""
        k = codes.shape[1] if k is None else k
        if codes.ndim != 2 or not 1 <= k <= min(codes.shape[1], len(self.components)):
            raise DataError(f"cannot decode {k} numbers of codes of shape {codes.shape}")
        images = (codes[:, :k] @ self.components[:k]).reshape(-1, *self.mean.shape) + self.mean
        return images.astype(np.float32)

    def reconstruct(self, images: Array, k: int | None = None, bits: int | None = None) -> Array:
        """Encode, round each code number to `bits` bits (None: leave it), and decode with the first `k` numbers."""
        codes = self.encode(images)
        return self.decode(codes if bits is None else self.quantise(codes, bits), k)

    def quantise(self, codes: Array, bits: int) -> Array:
        """Round codes to 2**bits levels a number: see `aecore.quantise`."""
        return quantise(codes, bits, np.zeros_like(self.variances), np.sqrt(self.variances))
