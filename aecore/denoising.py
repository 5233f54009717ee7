"""How well noise is taken out: the figures on the cards of the denoiser, of its rivals, and of a network that copies.

Knows models, noises and metrics; not how anything was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore import metrics
from aecore.checkpoints import load
from aecore.errors import DataError
from aecore.filters import COMPONENTS, FITTED_ON, KNOTS, METHODS, STRENGTHS, TUNED_ON, Filters
from aecore.noise import NOISES, add_noise
from aecore.recipes import TRAINED_NOISES, Recipe

if TYPE_CHECKING:
    from aecore.networks import Autoencoder

Array = NDArray[np.float32]
Restore = Callable[[Array, str, float], Array]  # (noisy images, noise, strength) -> images

HEADLINES = {"gaussian": 0.5, "salt_and_pepper": 0.3}  # noise -> strength: judged on all test digits
CURVE_DIGITS = 200  # test digits on the curves over strength
LEFT_DIGITS = 1000  # test digits that the share of the noise that survives is measured on
PLAIN = "digits-32"  # the network of the Compress page that has never seen noise
SEED = 0  # of the noise
BEST_PSNR = 60.0  # dB; a picture that came back perfect counts as this, not as infinitely good
TITLES = {
    "noisy": "Noisy picture",
    "plain": "Plain autoencoder",
    "denoiser": "Denoiser",
    "overcomplete": "Overcomplete autoencoder",
    **{name: method.title for name, method in METHODS.items()},
}


def restorers(recipe: Recipe, model: Autoencoder | Filters) -> dict[str, Restore]:
    """Who is judged beside whom on a model's card: method -> function. Rivals are loaded by their names.

    Raises
    ------
    CheckpointError
        If a rival is missing or broken.
    """
    found: dict[str, Restore] = {"noisy": lambda images, noise, strength: images}
    if recipe.name == "overcomplete":
        return {**found, "overcomplete": _network(model)}
    if recipe.name == "denoiser":
        found |= {"plain": _network(load(PLAIN)), "denoiser": _network(model)}
    filters: Any = model if isinstance(model, Filters) else load("filters")
    return found | {name: _filter(filters, name) for name in METHODS}


def _network(model: Any) -> Restore:
    return lambda images, noise, strength: np.clip(model.reconstruct(images), 0, 1)


def _filter(filters: Filters, method: str) -> Restore:
    return lambda images, noise, strength: filters.denoise(images, noise, strength, method)


def psnr(images: Array, restored: Array) -> NDArray[np.float64]:
    """PSNR of each image in dB, shape (n,), at most BEST_PSNR."""
    return np.minimum(metrics.psnr(images, restored), BEST_PSNR)


def noise_left(restored: Array, restored_clean: Array, images: Array, noisy: Array) -> float:
    """Share of the noise that survives: 1 where it is handed through, 0 where none of it is left.

    The noise is what was added, `noisy - images`. What a method makes of it is the difference between what it returns
    for the noisy and for the clean images. The share is the noise's factor in that difference, by least squares.

    Parameters
    ----------
    restored, restored_clean, images, noisy : ndarray, shape (n, height, width)
        What came back for the noisy and for the clean images, and both of these themselves.

    Raises
    ------
    DataError
        If there is no noise.

    Examples
    --------
    >>> clean, noisy = np.zeros((1, 2, 2)), np.ones((1, 2, 2))
    >>> noise_left(0.25 * noisy, clean, clean, noisy)
    0.25
    """
    noise = noisy.astype(np.float64) - images
    power = float(np.square(noise).sum())
    if power == 0.0:
        raise DataError("the noisy images are the clean ones: there is no noise to survive")
    return float(((restored.astype(np.float64) - restored_clean) * noise).sum()) / power


def judge(
    recipe: Recipe, model: Autoencoder | Filters, images: Array, *, curves: bool = True, digits: int | None = None
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Recompute the figures on a card about noise.

    Parameters
    ----------
    recipe : Recipe
        Of the filters, the denoiser or the overcomplete network.
    model : Autoencoder or Filters
        What to judge.
    images : ndarray, shape (n, 28, 28)
        Clean images that nothing was trained or tuned on: ``load_digits("test").images``.
    curves : bool
        Whether to measure the curves over strength as well (the denoiser's only).
    digits : int, optional
        Judge on the first so many images only.

    Yields
    ------
    tuple of float and dict
        Part of the work that is done, up to 1, and the figures so far: "headlines" (noise -> strength, digits and the
        `psnr`, `ssim` and `noise_left` of each method), "clean" (each method on clean digits) and "curves" (noise ->
        whether it was trained on, and the `psnr` and `ssim` of each method at each strength).
    """
    methods = restorers(recipe, model)
    images = images[:digits]
    curved = tuple(NOISES) if curves and recipe.name == "denoiser" else ()
    steps, done = len(HEADLINES) * len(methods) + len(curved) * len(STRENGTHS), 0
    figures: dict[str, Any] = {"headlines": {}}
    for noise, strength in HEADLINES.items():
        noisy = add_noise(images, noise, strength, SEED)
        rows: dict[str, dict[str, float]] = {}
        figures["headlines"][noise] = {"strength": strength, "digits": len(images), "methods": rows}
        for name, restore in methods.items():
            restored = restore(noisy, noise, strength)
            part = slice(LEFT_DIGITS)
            untouched = restore(images[part], noise, strength)
            rows[name] = {
                **_measured(images, restored),
                "noise_left": _rounded(noise_left(restored[part], untouched, images[part], noisy[part])),
            }
            done += 1
            yield done / steps, figures
    if recipe.network is not None:
        restored = methods[recipe.name](images, "gaussian", 0.0)
        figures["clean"] = {"digits": len(images), **_measured(images, restored)}
    if curved:
        figures["curves"] = {"digits": min(CURVE_DIGITS, len(images)), "strengths": list(STRENGTHS), "noises": {}}
    for noise in curved:
        lines: dict[str, dict[str, list[float]]] = {name: {"psnr": [], "ssim": []} for name in methods}
        figures["curves"]["noises"][noise] = {"trained": noise in TRAINED_NOISES, "methods": lines}
        for strength in STRENGTHS:
            clean = images[:CURVE_DIGITS]
            noisy = add_noise(clean, noise, strength, SEED)
            for name, restore in methods.items():
                for figure, value in _measured(clean, restore(noisy, noise, strength)).items():
                    lines[name][figure].append(value)
            done += 1
            yield done / steps, figures


def about(recipe: Recipe) -> dict[str, Any]:
    """What a card about noise says beside its figures: what was trained or tuned on what."""
    if recipe.name == "filters":
        return {
            "tuning": f"for each of {len(NOISES)} noises at {len(STRENGTHS)} strengths: settings by the highest mean "
            f"PSNR on {TUNED_ON} training digits; on the same, a map of greys with {KNOTS} knots by least squares; "
            f"ridge regression in {COMPONENTS} components on {FITTED_ON:,} others, its penalty by 2,000 more"
        }
    if recipe.name == "denoiser":
        never = [noise for noise in NOISES if noise not in TRAINED_NOISES]
        return {
            "noise": {
                "trained on": "one noise an image, drawn anew each time, at a strength drawn evenly from 0 to 1",
                "never seen in training": never,
                "told to the filters, not to the networks": "which noise it is, and how strong",
            }
        }
    return {}


def best_filter(methods: dict[str, dict[str, Any]], figure: str = "psnr", place: int | None = None) -> str:
    """The classical method with the highest figure, of a headline's methods or at one place of a curve's."""

    def value(name: str) -> float:
        found = methods[name][figure]
        return float(found if place is None else found[place])

    return max((name for name in METHODS if name in methods), key=value)


def _measured(images: Array, restored: Array) -> dict[str, float]:
    return {
        "psnr": _rounded(psnr(images, restored).mean()),
        "ssim": _rounded(metrics.ssim(images, restored).mean()),
    }


def _rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{float(value):.4g}")


def table(figures: dict[str, Any]) -> Sequence[str]:
    """The headlines as lines of text."""
    lines = []
    for noise, result in figures["headlines"].items():
        lines.append(f"{NOISES[noise].title}, strength {result['strength']:g}, {result['digits']:,} test digits")
        lines.append(f"  {'':<28}{'PSNR dB':>9}{'SSIM':>8}{'noise left':>12}")
        for name, row in result["methods"].items():
            lines.append(f"  {TITLES[name]:<28}{row['psnr']:>9.2f}{row['ssim']:>8.3f}{row['noise_left']:>11.1%}")
    return lines
