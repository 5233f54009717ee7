"""The figures on a model's card, recomputed from data. Knows models and metrics, not how anything was trained."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore import metrics
from aecore.filters import Filters
from aecore.pca import PCA
from aecore.recipes import Recipe

if TYPE_CHECKING:
    from aecore.networks import Array, Autoencoder

CHOSEN_ON = {  # how each kind of card's settings were chosen
    "sizes": "5,000 of those training digits, drawn by seed 0, held out while choosing",
    "noise": "short runs on those training digits",
}
PERCENTILES = tuple(range(101))  # of the error of single test images, kept on the card


def measure(
    model: Autoencoder | PCA, images: Array, mean: Array, k: int, *, percentiles: bool = False
) -> dict[str, Any]:
    """Reconstruct `images` from `k` code numbers and say how good it is.

    Reconstructions are clipped to [0, 1], as a picture shows them; without this PCA would look worse than it is.

    Parameters
    ----------
    model : Autoencoder or PCA
        Its code is ordered, or has `k` numbers.
    images : ndarray, shape (n, 28, 28)
        Images that the model was not trained on.
    mean : ndarray, shape (28, 28)
        Mean training image: what `information_kept` is measured from.
    k : int
        Code numbers to use.
    percentiles : bool
        Whether to add `mse_percentiles`.

    Returns
    -------
    dict
        `mse`, `psnr` (dB), `ssim` (means over images), `information_kept`; and `mse_percentiles`, the 0th to 100th
        percentile of single images' errors.
    """
    reconstructions = np.clip(model.reconstruct(images, k), 0.0, 1.0)
    errors = metrics.mse(images, reconstructions)
    figures: dict[str, Any] = {
        "mse": _rounded(errors.mean()),
        "psnr": _rounded(metrics.psnr(images, reconstructions).mean()),
        "ssim": _rounded(metrics.ssim(images, reconstructions).mean()),
        "information_kept": _rounded(metrics.information_kept(images, reconstructions, mean)),
    }
    if percentiles:
        figures["mse_percentiles"] = [_rounded(value) for value in np.percentile(errors, PERCENTILES)]
    return figures


def evaluate(
    recipe: Recipe,
    model: Autoencoder | PCA,
    rival: PCA,
    test_images: Array,
    sizes: tuple[int, ...] | None = None,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Recompute a card's figures, one code size at a time.

    Parameters
    ----------
    recipe : Recipe
        Says at which code sizes.
    model : Autoencoder or PCA
        What to judge.
    rival : PCA
        What it is set beside, with as many components or more, fitted on the same training images; a PCA's own card
        has itself here.
    test_images : ndarray, shape (m, 28, 28)
        What both are judged on: ``load_digits("test").images``.
    sizes : tuple of int, optional
        Only these code sizes; all of the recipe's if left out.

    Yields
    ------
    tuple of int and dict
        The code size and {"model": figures, "pca": figures}, each as `measure` returns them.
    """
    for k in sizes or recipe.sizes:
        judged = measure(model, test_images, rival.mean, k, percentiles=True)
        yield k, {"model": judged, "pca": judged if model is rival else measure(rival, test_images, rival.mean, k)}


def write_card(
    recipe: Recipe,
    model: Autoencoder | PCA | Filters,
    sizes: dict[int, dict[str, Any]],
    *,
    figures: dict[str, Any] | None = None,
    train_count: int,
    test_count: int,
    seconds: float,
    cpu_seconds: float,
) -> dict[str, Any]:
    """Put a card together: what the model is, how it was made, how good it is, and the commands that show it.

    Parameters
    ----------
    recipe, model
        What was made.
    sizes : dict
        All that `evaluate` yielded.
    figures : dict, optional
        Of a card about noise: what `aecore.denoising.judge` yielded last.
    train_count, test_count : int
        Digits trained and judged on.
    seconds, cpu_seconds : float
        Training time by the clock, and of the processor's cores together.
    """
    return {
        "name": recipe.name,
        "title": recipe.title,
        "data": "MNIST (LeCun, Cortes & Burges)",
        "split": {
            "train": f"{train_count:,} of MNIST's 60,000 training digits: all but the first 500 of each class",
            "test": f"MNIST's {test_count:,} test digits; nothing was trained on them",
            "settings chosen on": CHOSEN_ON[recipe.judged],
        },
        "command": f"python -m aecore train {recipe.name} --data-dir DIR",
        "check": f"python -m aecore evaluate {recipe.name} --data-dir DIR",
        "seed": recipe.training.seed if recipe.training else None,
        "training": recipe.training.to_dict() if recipe.training else None,
        "parameters": model.components.size + model.mean.size if isinstance(model, PCA) else model.parameter_count,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "made_with": {"python": platform.python_version(), "torch": _torch_version()},
        **({"sizes": {str(k): judged for k, judged in sizes.items()}} if figures is None else figures),
    }


def _rounded(value: float) -> float:
    """Five significant digits: more would be noise on 10,000 digits."""
    return float(f"{float(value):.5g}")


def _torch_version() -> str:
    from importlib.metadata import version

    return version("torch")
