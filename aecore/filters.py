"""The classical rivals of a denoising network, tuned and calibrated on training digits for each noise and strength.

It knows scikit-image's filters and ridge regression; it knows no network. A filter is told which noise it meets and how
strong it is, which the network has to see for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore import metrics
from aecore.errors import ConfigError, DataError
from aecore.noise import NOISES, add_noise

Array = NDArray[np.float32]

STRENGTHS = tuple(round(0.1 * step, 1) for step in range(1, 11))  # that filters are tuned at; others take the nearest
TUNED_ON = 80  # training digits for each noise and strength
FITTED_ON = 20_000  # training digits that ridge regression is fitted on, for each noise and strength
COMPONENTS = 96  # principal components that ridge regression works in
KNOTS = 9  # of the map of greys that each filter's result is brought back to a digit's greys by
PENALTIES = (1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3)  # of ridge regression, as parts of the mean variance of its inputs


def median(images: Array, size: int, passes: int) -> Array:
    """Replace each pixel by the median of the `size` x `size` pixels around it, `passes` times over."""
    from scipy import ndimage  # scikit-image's own filters.median calls it, a picture at a time

    for _ in range(passes):
        images = ndimage.median_filter(images, size=(1, size, size), mode="nearest")
    return images


def nl_means(images: Array, h: float, patch_size: int) -> Array:
    """Average pixels whose surroundings look alike: non-local means (Buades, Coll & Morel 2005)."""
    from skimage.restoration import denoise_nl_means

    return _each(images, lambda image: denoise_nl_means(image, patch_size=patch_size, patch_distance=7, h=h))


def tv(images: Array, weight: float) -> Array:
    """Trade fidelity for little total variation (Rudin, Osher & Fatemi 1992; Chambolle 2004)."""
    from skimage.restoration import denoise_tv_chambolle

    return _each(images, lambda image: denoise_tv_chambolle(image, weight=weight))


def wavelet(images: Array, sigma: float) -> Array:
    """Shrink wavelet coefficients (BayesShrink: Chang, Yu & Vetterli 2000); the mean over four shifts of a picture."""
    from skimage.restoration import denoise_wavelet

    total = np.zeros_like(images)
    for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):  # cycle spinning (Coifman & Donoho 1995)
        rolled = np.roll(images, shift, (1, 2))
        with np.errstate(all="ignore"):  # PyWavelets divides by coefficients next to zero and cuts off what comes out
            moved = _each(rolled, lambda image: denoise_wavelet(image, sigma=sigma, wavelet="db1"))
        total += np.roll(moved, (-shift[0], -shift[1]), (1, 2))
    return (total / 4).astype(np.float32)


def _each(images: Array, function: Callable[[Array], Array]) -> Array:
    return np.stack([function(image) for image in images]).astype(np.float32) if len(images) else images


class Method(NamedTuple):
    """A classical filter and the settings it is tuned among."""

    title: str
    apply: Callable[..., Array] | None  # None: ridge regression, which is fitted instead
    choices: tuple[dict[str, Any], ...] = ()


METHODS: dict[str, Method] = {
    "median": Method("Median", median, tuple({"size": size, "passes": passes} for size in (3, 5) for passes in (1, 2))),
    "nl_means": Method(
        "Non-local means",
        nl_means,
        tuple({"h": h, "patch_size": 5} for h in (0.05, 0.1, 0.2, 0.3, 0.45, 0.7)),
    ),
    "tv": Method("Total variation", tv, tuple({"weight": w} for w in (0.03, 0.1, 0.2, 0.4, 0.6, 0.9, 1.3, 2.0))),
    "wavelet": Method("Wavelets", wavelet, tuple({"sigma": s} for s in (0.03, 0.1, 0.2, 0.35, 0.5, 0.8))),
    "ridge": Method("Ridge regression", None),
}


@dataclass(frozen=True, eq=False)
class Filters:
    """All classical filters, tuned.

    Attributes
    ----------
    tuned : dict
        noise -> strength as text -> method -> {"parameters", "low", "high", "greys", "psnr"}: settings, the map of
        greys (KNOTS values at even steps from `low` to `high`, straight in between), and the PSNR where it was tuned.
        Without the map, noise that was clipped at black would leave a veil over the background.
    basis : ndarray, shape (components, 784)
        Principal components of clean training digits, in which ridge regression works.
    mean : ndarray, shape (28, 28)
        Mean clean training digit.
    noisy_means : ndarray, shape (noises, strengths, 784)
        Mean training digit with each noise, at each of STRENGTHS.
    ridge : ndarray, shape (noises, strengths, components, components)
        From a noisy digit's components to the clean one's.
    rest : ndarray, shape (noises, strengths)
        What part of everything outside those components is kept.
    """

    tuned: dict[str, dict[str, dict[str, dict[str, Any]]]]
    basis: Array
    mean: Array
    noisy_means: Array
    ridge: Array
    rest: Array
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def parameter_count(self) -> int:
        """Numbers that were fitted: ridge regression's, and the map of greys of each filter."""
        maps = sum(KNOTS * len(methods) for strengths in self.tuned.values() for methods in strengths.values())
        return maps + sum(part.size for part in (self.basis, self.mean, self.noisy_means, self.ridge, self.rest))

    def denoise(self, images: Array, noise: str, strength: float, method: str = "best") -> Array:
        """Take noise out of images by a filter that was tuned for it.

        Parameters
        ----------
        images : ndarray, shape (n, 28, 28), float32 in [0, 1]
            Noisy images.
        noise : str
            Which noise it is, one of `aecore.noise.NOISES`.
        strength : float
            How strong it is, in [0, 1]. The settings of the nearest of STRENGTHS are used.
        method : str
            One of METHODS, or "best": the one that did best at this noise and strength on training digits.

        Returns
        -------
        ndarray, shape (n, 28, 28), float32 in [0, 1]

        Raises
        ------
        ConfigError
            If noise or method is unknown, or the strength out of range.
        """
        if method == "best":
            method = self.best(noise, strength)
        settings = self.settings(noise, strength).get(method)
        if settings is None:
            raise ConfigError(f"there is no filter {method!r}; take best or one of {', '.join(METHODS)}")
        if images.ndim != 3 or images.shape[1:] != self.mean.shape:
            raise DataError(f"the filters take images of shape (n, *{self.mean.shape}), got {images.shape}")
        apply = METHODS[method].apply
        if apply is None:
            filtered = self._ridge(images, noise, strength)
        else:
            filtered = apply(images.astype(np.float32, copy=False), **settings["parameters"])
        return grey_map(filtered, settings)

    def settings(self, noise: str, strength: float) -> dict[str, dict[str, Any]]:
        """Each method's settings at a noise and the tuned strength nearest to the given one; raises as `denoise`."""
        _, place = self._place(noise, strength)
        return list(self.tuned[noise].values())[place]

    def best(self, noise: str, strength: float) -> str:
        """Name of the method that did best on training digits; raises as `denoise`."""
        settings = self.settings(noise, strength)
        return max(settings, key=lambda method: float(settings[method]["psnr"]))

    def _place(self, noise: str, strength: float) -> tuple[int, int]:
        """Where a noise and the tuned strength nearest to the given one stand in the tables."""
        if noise not in self.tuned:
            raise ConfigError(f"there is no noise {noise!r}; take one of {', '.join(self.tuned)}")
        if not 0 <= strength <= 1:
            raise ConfigError(f"a noise's strength lies in [0, 1], got {strength!r}")
        distances = [abs(float(known) - strength) for known in self.tuned[noise]]
        return list(self.tuned).index(noise), distances.index(min(distances))

    def _ridge(self, images: Array, noise: str, strength: float) -> Array:
        place = self._place(noise, strength)
        flat = images.reshape(len(images), -1) - self.noisy_means[place]  # (n, 784)
        inside = flat @ self.basis.T  # (n, components)
        rest = flat - inside @ self.basis
        clean = inside @ self.ridge[place] @ self.basis + self.rest[place] * rest
        return (clean.reshape(images.shape) + self.mean).astype(np.float32)


def tune(images: Array, seed: int = 0) -> Iterator[tuple[int, int, Filters | None]]:
    """Tune and calibrate every filter for every noise and strength.

    Settings are chosen by the mean PSNR on TUNED_ON digits, after the map of greys that fits best. Ridge regression is
    fitted on FITTED_ON other digits, its penalty chosen on 2,000 more.

    Parameters
    ----------
    images : ndarray, shape (n, 28, 28)
        Training digits.
    seed : int
        Of the digits' order and of the noise.

    Yields
    ------
    tuple of int, int and Filters or None
        Settings tuned so far, settings in all, and the finished filters with the last.

    Raises
    ------
    DataError
        If there are fewer than 500 images.
    """
    if images.ndim != 3 or len(images) < 500:
        raise DataError(f"tuning takes at least 500 images of shape (n, height, width), got {images.shape}")
    order = np.random.default_rng(seed).permutation(len(images))
    tuning = images[order[:TUNED_ON]]
    checking = images[order[TUNED_ON : TUNED_ON + min(2000, len(images) // 4)]]
    fitting = images[order[TUNED_ON + len(checking) :][:FITTED_ON]]
    mean = fitting.mean(axis=0)
    clean = (fitting - mean).reshape(len(fitting), -1)  # (n, pixels)
    basis = np.ascontiguousarray(
        np.linalg.eigh(clean.T @ clean)[1][:, ::-1][:, :COMPONENTS].T, np.float32
    )  # (components, pixels)
    codes = clean @ basis.T  # (n, components)
    targets = (checking - mean).reshape(len(checking), -1)

    shape = (len(NOISES), len(STRENGTHS))
    noisy_means = np.zeros((*shape, mean.size), np.float32)
    ridge = np.zeros((*shape, len(basis), len(basis)), np.float32)
    rest = np.zeros(shape, np.float32)
    tuned: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    filters = Filters(tuned, basis, mean.astype(np.float32), noisy_means, ridge, rest)
    for i, noise in enumerate(NOISES):
        tuned[noise] = {}
        for j, strength in enumerate(STRENGTHS):
            random = np.random.default_rng((seed, i, j))
            noisy = add_noise(fitting, noise, strength, random).reshape(len(fitting), -1)
            noisy_means[i, j] = noisy.mean(axis=0)
            watched = add_noise(checking, noise, strength, random).reshape(len(checking), -1) - noisy_means[i, j]
            ridge[i, j], rest[i, j] = _fit_ridge((noisy - noisy_means[i, j]) @ basis.T, codes, watched, targets, basis)
            damaged = add_noise(tuning, noise, strength, random)
            tuned[noise][str(strength)] = {
                name: tune_method(tuning, damaged, method)
                for name, method in METHODS.items()
                if method.apply is not None
            }
            restored = filters._ridge(damaged, noise, strength)
            tuned[noise][str(strength)]["ridge"] = {"parameters": {}, **_calibrated(tuning, restored)}
            done = i * len(STRENGTHS) + j + 1
            total = shape[0] * shape[1]
            yield done, total, filters if done == total else None


def _fit_ridge(inputs: Array, outputs: Array, watched: Array, targets: Array, basis: Array) -> tuple[Array, np.float32]:
    """Weights (components, components) by the penalty that does best on `watched`, and the part of the rest to keep."""
    gram = (inputs.T @ inputs / len(inputs)).astype(np.float64)
    cross = (inputs.T @ outputs / len(inputs)).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    coordinates = watched @ basis.T
    wanted = targets @ basis.T

    def solved(penalty: float) -> Array:
        damping = np.maximum(values, 0) + penalty * max(float(values.mean()), 1e-9)
        return ((vectors / damping) @ (vectors.T @ cross)).astype(np.float16).astype(np.float32)  # as it is shipped

    weights = min((solved(p) for p in PENALTIES), key=lambda w: float(np.square(coordinates @ w - wanted).mean()))
    seen, clean = watched - coordinates @ basis, targets - wanted @ basis
    power = float(np.square(seen).sum())
    return weights, np.float32(float((seen * clean).sum()) / power if power > 0 else 0.0)


def tune_method(clean: Array, noisy: Array, method: Method) -> dict[str, Any]:
    """Choose a method's settings by the mean PSNR on these images, after the map of greys that fits best.

    Parameters
    ----------
    clean, noisy : ndarray, shape (n, height, width), float32 in [0, 1]
        Training images, without and with noise.
    method : Method
        A filter with `choices`.

    Returns
    -------
    dict
        "parameters", the map of greys as `grey_map` takes it, and "psnr" in dB.

    Raises
    ------
    ConfigError
        If the method is ridge regression, which is fitted instead.
    """
    if method.apply is None:
        raise ConfigError("ridge regression is fitted, not tuned")
    tried = [{"parameters": choice, **_calibrated(clean, method.apply(noisy, **choice))} for choice in method.choices]
    return max(tried, key=lambda settings: float(settings["psnr"]))


def _calibrated(clean: Array, filtered: Array) -> dict[str, Any]:
    """The grey map from filtered to clean pixels of least squares, and the mean PSNR after it."""
    x, y = filtered.astype(np.float64).ravel(), clean.astype(np.float64).ravel()
    low, high = (round(float(value), 4) for value in np.quantile(x, (0.001, 0.999)))
    if high - low < 1e-3:  # the filter has wiped everything out
        high = low + 1e-3
    weights = _knot_weights(x, low, high)  # (pixels, KNOTS)
    gram = (
        weights.T @ weights + 1e-6 * len(x) * _ROUGHNESS
    )  # a knot that hardly any pixel is near follows its neighbours
    greys = np.linalg.solve(gram, weights.T @ y)
    settings = {"low": low, "high": high, "greys": [round(float(grey), 4) for grey in greys]}
    result = grey_map(filtered, settings)
    # A picture without any damage left would count for infinitely much: 60 dB is as good as perfect.
    return {**settings, "psnr": round(float(np.minimum(metrics.psnr(clean, result), 60).mean()), 3)}


_DIFFERENCES = np.diff(np.eye(KNOTS), axis=0)
_ROUGHNESS = _DIFFERENCES.T @ _DIFFERENCES + 1e-6 * np.eye(KNOTS)


def _knot_weights(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """How much each value (n,) belongs to each of the even knots from low to high: (n, KNOTS), rows add to 1."""
    place = np.clip((values - low) / (high - low), 0, 1) * (KNOTS - 1)
    return np.maximum(1 - np.abs(place[:, None] - np.arange(KNOTS)), 0)


def grey_map(filtered: Array, settings: dict[str, Any]) -> Array:
    """Bring a filter's result back to a digit's greys.

    Parameters
    ----------
    filtered : ndarray, any shape
        What a filter returned.
    settings : dict
        "greys" at even steps from "low" to "high"; straight in between, held beyond.

    Returns
    -------
    ndarray of the same shape, float32 in [0, 1]
    """
    knots = np.linspace(settings["low"], settings["high"], KNOTS)
    return np.clip(np.interp(filtered, knots, settings["greys"]), 0, 1).astype(np.float32)
