"""Principal component analysis with the same encode and decode as a network, and the angles between subspaces.

Knows numpy arrays only; what a linear autoencoder makes of the same figures is in `aecore.linear`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore.errors import ConfigError, DataError
from aecore.quantise import quantise

Array = NDArray[np.float32]
Exact = NDArray[np.float64]

_PART = 5000  # images that are brought to float64 at a time


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of images: all that PCA, and a linear autoencoder, can learn of them.

    Attributes
    ----------
    mean : ndarray, shape (height, width), float64
        Mean image.
    covariance : ndarray, shape (height * width, height * width), float64
        Covariance of the pixels, divided by the number of images.
    count : int
        Images that went in.
    """

    mean: Exact
    covariance: Exact
    count: int

    @classmethod
    def of(cls, images: Array) -> Moments:
        """Take them of images, shape (n, height, width), pixels in [0, 1].

        Raises
        ------
        DataError
            If there are fewer than two images, or pixels that are NaN or infinite.

        Examples
        --------
        >>> moments = Moments.of(np.array([[[0.0, 0.0]], [[1.0, 2.0]]], dtype=np.float32))
        >>> moments.mean.tolist(), moments.covariance.tolist()
        ([[0.5, 1.0]], [[0.25, 0.5], [0.5, 1.0]])
        """
        if images.ndim != 3 or len(images) < 2:
            raise DataError(f"PCA needs at least 2 images of shape (n, height, width), got {images.shape}")
        flat = images.reshape(len(images), -1)  # (n, pixels)
        mean = flat.mean(axis=0, dtype=np.float64)
        if not np.isfinite(mean).all():
            raise DataError("the images hold NaN or infinite pixels; clean them first")
        products = np.zeros((flat.shape[1], flat.shape[1]))
        for start in range(0, len(flat), _PART):
            part = flat[start : start + _PART].astype(np.float64) - mean  # (part, pixels)
            products += part.T @ part
        return cls(mean.reshape(images.shape[1:]), products / len(flat), len(flat))

    @property
    def total_variance(self) -> float:
        """Variance of the images, summed over pixels."""
        return float(np.trace(self.covariance))

    def centred(self) -> Moments:
        """The moments of the same images with the mean image subtracted from each."""
        return Moments(np.zeros_like(self.mean), self.covariance, self.count)

    def principal(self, k: int) -> tuple[Exact, Exact]:
        """Return the `k` largest variances, shape (k,), and their components, orthonormal rows, shape (k, pixels).

        Raises
        ------
        ConfigError
            If `k` is out of range.
        """
        pixels = len(self.covariance)
        if not 1 <= k <= pixels:
            raise ConfigError(f"k is {k!r}; give a number of components from 1 to {pixels}")
        values, vectors = np.linalg.eigh(self.covariance)  # rising variance; columns are components
        return np.maximum(values[::-1][:k], 0.0), upright(vectors[:, ::-1][:, :k].T)


def upright(components: Exact) -> Exact:
    """Turn each row, shape (k, pixels), so that its largest entry is positive: a component's sign is free."""
    largest = components[np.arange(len(components)), np.abs(components).argmax(axis=1)]
    return np.ascontiguousarray(components * np.where(largest < 0, -1.0, 1.0)[:, None])


def principal_angles(a: NDArray[Any], b: NDArray[Any]) -> Exact:
    """Angles between two subspaces: all zero if they are the same, one is a right angle if they share too little.

    The cosine of a small angle says next to nothing (0.05 degrees and 0 differ in its seventh digit), so angles below
    45 degrees come from their sines (Björck & Golub 1973, "Numerical methods for computing angles between linear
    subspaces").

    Parameters
    ----------
    a, b : ndarray, shapes (k, pixels) and (m, pixels)
        Rows that span the subspaces, linearly independent; they need not be orthonormal.

    Returns
    -------
    ndarray, shape (min(k, m),)
        Angles in radians from 0 to pi / 2, the largest last.

    Raises
    ------
    DataError
        If the shapes do not fit, or the rows of one are not linearly independent.

    Examples
    --------
    >>> principal_angles(np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([[5.0, 0, 0], [0, 1, 1]])).round(4).tolist()
    [0.0, 0.7854]
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise DataError(f"subspaces are given as rows of the same length, got shapes {a.shape} and {b.shape}")
    first, second = _orthonormal(a), _orthonormal(b)
    if len(first) < len(second):
        first, second = second, first
    overlap = first @ second.T  # (k, m), k >= m
    cosines = np.linalg.svd(overlap, compute_uv=False)  # falling: the angles rise
    sines = np.linalg.svd(second - overlap.T @ first, compute_uv=False)[::-1]  # rising with the angles
    small = cosines**2 > 0.5
    return np.where(small, np.arcsin(np.clip(sines, 0, 1)), np.arccos(np.clip(cosines, 0, 1)))


def _orthonormal(rows: NDArray[Any]) -> Exact:
    """Orthonormal rows that span the same subspace."""
    exact = rows.astype(np.float64)
    if not np.isfinite(exact).all():
        raise DataError("the rows that span a subspace hold NaN or infinite numbers")
    _, sizes, span = np.linalg.svd(exact, full_matrices=False)
    if len(rows) > rows.shape[1] or sizes[-1] <= sizes[0] * 1e-7:  # as much as float32 weights can tell
        raise DataError(f"the {len(rows)} rows are not linearly independent: they span a smaller subspace")
    return span


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
        return cls.of_moments(Moments.of(images), k)

    @classmethod
    def of_moments(cls, moments: Moments, k: int) -> PCA:
        """Fit the first `k` components to images of which only mean and covariance are left; raises as `fit` does."""
        variances, components = moments.principal(k)
        return cls(
            mean=moments.mean.astype(np.float32),
            components=components.astype(np.float32),
            variances=variances.astype(np.float32),
            total_variance=moments.total_variance,
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
