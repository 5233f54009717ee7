"""aecore: autoencoders for digits, to train, load, judge and use.

    import aecore

    digits = aecore.load_digits("test")
    network = aecore.load("digits-32")
    codes = network.encode(digits.images)      # (n, 32)
    pictures = network.decode(codes)           # (n, 28, 28)

Importing this package is free: each name loads its module, and torch where it needs it, on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aecore.checkpoints import load, read_card, save, shipped_names
    from aecore.config import LinearConfig, NetworkConfig, TrainConfig
    from aecore.datasets.mnist import Digits, load_digits
    from aecore.datasets.movielens import Movie, Ratings, load_ratings
    from aecore.datasets.pictures import digit_from_ink, digit_from_picture, outsiders, pack_digit, unpack_digit
    from aecore.errors import (
        AecoreError,
        CheckpointError,
        ConfigError,
        DataError,
        DivergedError,
        ModelNotFoundError,
        MovieNotFoundError,
        PictureError,
        TrainingError,
    )
    from aecore.filters import Filters
    from aecore.linear import (
        Closeness,
        LinearReport,
        Yardstick,
        rotate_onto_components,
        train_linear,
    )
    from aecore.metrics import code_bytes, information_kept, mse, png_bytes, psnr, ssim
    from aecore.movies import Movies, Neighbours, load_movies, save_movies
    from aecore.neighbours import nearest
    from aecore.networks import Autoencoder, build
    from aecore.noise import add_noise
    from aecore.pca import PCA, Moments, principal_angles
    from aecore.training import Report, train

_HOMES = {
    "aecore.checkpoints": ("load", "read_card", "save", "shipped_names"),
    "aecore.config": ("LinearConfig", "NetworkConfig", "TrainConfig"),
    "aecore.datasets.mnist": ("Digits", "load_digits"),
    "aecore.datasets.movielens": ("Movie", "Ratings", "load_ratings"),
    "aecore.datasets.pictures": ("digit_from_ink", "digit_from_picture", "outsiders", "pack_digit", "unpack_digit"),
    "aecore.errors": (
        "AecoreError",
        "CheckpointError",
        "ConfigError",
        "DataError",
        "DivergedError",
        "ModelNotFoundError",
        "MovieNotFoundError",
        "PictureError",
        "TrainingError",
    ),
    "aecore.filters": ("Filters",),
    "aecore.linear": ("Closeness", "LinearReport", "Yardstick", "rotate_onto_components", "train_linear"),
    "aecore.metrics": ("code_bytes", "information_kept", "mse", "png_bytes", "psnr", "ssim"),
    "aecore.movies": ("Movies", "Neighbours", "load_movies", "save_movies"),
    "aecore.neighbours": ("nearest",),
    "aecore.networks": ("Autoencoder", "build"),
    "aecore.noise": ("add_noise",),
    "aecore.pca": ("PCA", "Moments", "principal_angles"),
    "aecore.training": ("Report", "train"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PCA",
    "AecoreError",
    "Autoencoder",
    "CheckpointError",
    "Closeness",
    "ConfigError",
    "DataError",
    "Digits",
    "DivergedError",
    "Filters",
    "LinearConfig",
    "LinearReport",
    "ModelNotFoundError",
    "Moments",
    "Movie",
    "MovieNotFoundError",
    "Movies",
    "Neighbours",
    "NetworkConfig",
    "PictureError",
    "Ratings",
    "Report",
    "TrainConfig",
    "TrainingError",
    "Yardstick",
    "add_noise",
    "build",
    "code_bytes",
    "digit_from_ink",
    "digit_from_picture",
    "information_kept",
    "load",
    "load_digits",
    "load_movies",
    "load_ratings",
    "mse",
    "nearest",
    "outsiders",
    "pack_digit",
    "png_bytes",
    "principal_angles",
    "psnr",
    "read_card",
    "rotate_onto_components",
    "save",
    "save_movies",
    "shipped_names",
    "ssim",
    "train",
    "train_linear",
    "unpack_digit",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'aecore' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
