"""The shipped models: one table from a name to its network and its training. Knows no files but the datasets."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aecore.config import NetworkConfig, TrainConfig
from aecore.errors import ConfigError
from aecore.filters import Filters, tune
from aecore.pca import PCA

if TYPE_CHECKING:
    from aecore.networks import Array, Autoencoder
    from aecore.training import Report

CODE_SIZES = (2, 4, 8, 16, 32, 64)  # one dedicated network each
MOVIES = "movies"  # the model of aecore.movie_card, which is no network of digits
LARGEST_CODE = 64  # of the ordered network and of the shipped PCA
# What the denoiser is trained against; Gaussian noise and salt and pepper, the commonest, twice as often as the others.
# Stripes and scratches it never sees: with them the card shows what it makes of damage it does not know.
TRAINED_NOISES = (
    *("gaussian", "gaussian", "salt_and_pepper", "salt_and_pepper"),
    *("masking", "occlusion", "speckle", "blur"),
)


@dataclass(frozen=True)
class Recipe:
    """How one shipped model is made."""

    name: str  # of the model folder
    title: str  # what it is, for people
    network: NetworkConfig | None = None  # None: principal component analysis, no network
    training: TrainConfig | None = None  # None as well
    sizes: tuple[int, ...] = ()  # numbers of code numbers that its card reports on; empty: see `judged`
    judged: str = "sizes"  # what its card is about: "sizes" of the code, or "noise"


# Chosen on 5,000 held-out training digits: one more hidden layer than two helps small codes most; shifted digits keep
# the network from learning the training digits by heart, and end before the learning rate does, because a small code
# pays for them. From 32 numbers on convolutions win, at three times the time an epoch.
_DENSE = TrainConfig(epochs=100, batch_size=256, learning_rate=5e-3, shift=1, shift_until=0.7, valid_fraction=0.0)
_CONV = dataclasses.replace(_DENSE, epochs=50, batch_size=128, learning_rate=4e-3)


def _digits(code: int) -> Recipe:
    conv = code >= 32
    return Recipe(
        name=f"digits-{code}",
        title=f"digits in {code} numbers",
        network=NetworkConfig(family="conv", channels=(16, 32), hidden=(448,), code=code)
        if conv
        else NetworkConfig(hidden=(768, 384, 192), code=code),
        training=_CONV if conv else _DENSE,
        sizes=(code,),
    )


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        *(_digits(code) for code in CODE_SIZES),
        Recipe(
            name="ordered",
            title="digits in an ordered code: any first k of 64 numbers",
            network=NetworkConfig(hidden=(512, 256), code=LARGEST_CODE, ordered=True),
            training=_DENSE,
            sizes=tuple(range(1, LARGEST_CODE + 1)),
        ),
        Recipe(
            name="pca", title="the 64 first principal components of digits", sizes=tuple(range(1, LARGEST_CODE + 1))
        ),
        Recipe(name="filters", title="classical filters, tuned for each noise", judged="noise"),
        Recipe(
            name="denoiser",
            title="one network that takes out six kinds of noise of any strength",
            network=NetworkConfig(family="unet", channels=(48, 96), hidden=(512,), code=128, activation="relu"),
            # Small batches learn more in the same time here than large ones.
            training=TrainConfig(
                epochs=34,
                batch_size=128,
                learning_rate=2e-3,
                noise=TRAINED_NOISES,
                loss="log_mse",
                shift=1,
                shift_until=0.75,
                valid_fraction=0.0,
            ),
            judged="noise",
        ),
        Recipe(
            name="overcomplete",
            title="1,024 numbers for 784 pixels, and no noise",
            network=NetworkConfig(hidden=(), code=1024, output="linear"),
            # Digits moved about by up to 8 pixels: ink everywhere, so that it learns to copy every pixel.
            training=TrainConfig(epochs=12, learning_rate=1e-3, shift=8, valid_fraction=0.0),
            judged="noise",
        ),
    )
}

GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(RECIPES),
    "digits": tuple(f"digits-{code}" for code in CODE_SIZES),
}


def find_recipes(name: str) -> tuple[Recipe, ...]:
    """Return the recipe of that name, or all of a group ("digits", "all").

    Raises
    ------
    ConfigError
        If there is none; the message lists the good names.
    """
    names = GROUPS.get(name, (name,))
    if not set(names) <= set(RECIPES):
        raise ConfigError(f"there is no recipe {name!r}; take one of {', '.join((*RECIPES, MOVIES, *GROUPS))}")
    return tuple(RECIPES[known] for known in names)


def cook(recipe: Recipe, images: Array) -> Generator[Report, None, Autoencoder | PCA | Filters]:
    """Make a model by its recipe: yields a report an epoch and returns the finished model.

    Parameters
    ----------
    recipe : Recipe
        What to make.
    images : ndarray, shape (n, 28, 28)
        Training images; the shipped models take ``load_digits("train").images``.
    """
    if recipe.name == "filters":
        *_, (_, _, filters) = tune(images)
        return cast(Filters, filters)
    if recipe.network is None:
        return PCA.fit(images, LARGEST_CODE)
    from aecore.networks import build
    from aecore.training import train

    training = recipe.training or TrainConfig()
    network = build(recipe.network, seed=training.seed)
    yield from train(network, images, training)
    network.to("cpu").calibrate(images)
    return network
