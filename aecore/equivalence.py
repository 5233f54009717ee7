"""What PCA's card says beyond PCA: linear autoencoders that learn the same, and what design choices cost.

Trains each of them anew, from the data, and measures it. Knows no files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore.config import LinearConfig, NetworkConfig, TrainConfig
from aecore.pca import Moments

if TYPE_CHECKING:
    from aecore.networks import Array, Autoencoder

CODE = 32  # numbers in the code of everything here
CLAIMED_EXCESS = 1e-6  # how far above PCA's error, relative, the plain linear autoencoder may end
CLAIMED_ANGLE = 0.05  # degrees: its largest principal angle to PCA's subspace


@dataclass(frozen=True)
class LinearVariant:
    """A linear autoencoder that is set beside PCA."""

    title: str  # what it is, for people
    tied: bool = False
    orthogonal: bool = False
    ordered: bool = False  # nested dropout
    bias: bool = False
    centred: bool = True  # whether the mean image is subtracted first

    def network(self, code: int = CODE) -> NetworkConfig:
        """Its architecture."""
        return NetworkConfig(
            hidden=(),
            code=code,
            activation="linear",
            output="linear",
            bias=self.bias,
            tied=self.tied,
            orthogonal=self.orthogonal,
            ordered=self.ordered,
        )

    @property
    def training(self) -> LinearConfig:
        """Enough steps for any code up to 64 numbers: more where there is more to find out than a subspace."""
        steps = 1000 if self.orthogonal else 1500
        return LinearConfig(steps=2 * steps if self.ordered or self.bias or not self.centred else steps)


LINEAR: dict[str, LinearVariant] = {
    "plain": LinearVariant("no biases, digits centred"),
    "tied": LinearVariant("tied weights", tied=True),
    "orthogonal": LinearVariant("orthogonal weights", orthogonal=True),
    "tied-orthogonal": LinearVariant("tied and orthogonal", tied=True, orthogonal=True),
    "nested": LinearVariant("nested dropout", ordered=True),
    "biases": LinearVariant("biases, digits as they are", bias=True, centred=False),
    "mean-left-in": LinearVariant("no biases, digits as they are", centred=False),
}

# With hidden layers. The lopsided ones have the parameters of the symmetric one, to within 1 %.
BUDGET = TrainConfig(epochs=5, batch_size=256, learning_rate=4e-3, valid_fraction=0.0, precision="float32")
VARIANTS: dict[str, tuple[str, NetworkConfig]] = {
    "symmetric": ("symmetric: 784-256-32-256-784", NetworkConfig(hidden=(256,), code=CODE)),
    "tied": ("tied weights", NetworkConfig(hidden=(256,), code=CODE, tied=True)),
    "no-biases": ("no biases", NetworkConfig(hidden=(256,), code=CODE, bias=False)),
    "encoder": ("all in the encoder: 784-480-32-784", NetworkConfig(hidden=(480,), code=CODE, decoder=())),
    "decoder": ("all in the decoder: 784-32-480-784", NetworkConfig(hidden=(), code=CODE, decoder=(480,))),
}


def prove(
    moments: Moments, variants: Mapping[str, LinearVariant] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Train the linear autoencoders of LINEAR and measure how near to PCA each ends.

    Parameters
    ----------
    moments : Moments
        Of the training images, the mean included.
    variants : mapping, optional
        Others than LINEAR.

    Yields
    ------
    tuple of str and dict
        The name and its figures: `title`, `parameters`, `steps`, `mse` and `pca_mse` a pixel on the training images,
        `excess` (mse / pca_mse - 1), `angle` (the largest principal angle, degrees), `in_order` (the smallest cosine
        between a column of the decoder and the component of its place) and the same after the rotation, `rotated`;
        `seconds` and `cpu_seconds` of training.
    """
    from aecore.linear import Yardstick, rotate_onto_components, train_linear
    from aecore.networks import build

    for name, variant in (LINEAR if variants is None else variants).items():
        seen = moments if not variant.centred else moments.centred()
        network = build(variant.network())
        cpu_started = time.process_time()
        *_, last = train_linear(network, seen, variant.training)
        cpu_seconds = time.process_time() - cpu_started
        yardstick = Yardstick.of(seen, CODE)
        closeness = yardstick.judge(network)
        rotated = rotate_onto_components(network, seen)
        yield (
            name,
            {
                "title": variant.title,
                "parameters": trained_parameters(network),
                "steps": variant.training.steps,
                "mse": float(f"{closeness.loss:.9g}"),
                "pca_mse": float(f"{closeness.optimum:.9g}"),
                "excess": float(f"{closeness.excess:.2e}"),
                "angle": float(f"{closeness.angle:.2g}"),
                "in_order": round(_in_order(network.decoder_basis(), yardstick.components), 5),
                "rotated": round(_in_order(rotated.decoder_basis(), yardstick.components), 5),
                "seconds": round(last.seconds, 1),
                "cpu_seconds": round(cpu_seconds, 1),
            },
        )


def weigh_variants(
    train_images: Array,
    test_images: Array,
    variants: Mapping[str, tuple[str, NetworkConfig]] | None = None,
    budget: TrainConfig = BUDGET,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Train the networks of VARIANTS, each for the same number of epochs, and measure them.

    Parameters
    ----------
    train_images, test_images : ndarray, shapes (n, 28, 28) and (m, 28, 28)
        Trained and judged on.
    variants : mapping, optional
        Others than VARIANTS.
    budget : TrainConfig
        What each of them gets.

    Yields
    ------
    tuple of str and dict
        The name and its figures: `title`, `parameters`, `mse` a pixel on the test images, `seconds` and `cpu_seconds`.
    """
    from aecore import metrics
    from aecore.networks import build
    from aecore.training import train

    for name, (title, config) in (VARIANTS if variants is None else variants).items():
        network = build(config, seed=budget.seed)
        started, cpu_started = time.perf_counter(), time.process_time()
        for _ in train(network, train_images, budget):
            pass
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        error = metrics.mse(test_images, network.to("cpu").reconstruct(test_images)).mean()
        yield (
            name,
            {
                "title": title,
                "parameters": network.parameter_count,
                "mse": float(f"{error:.5g}"),
                "seconds": round(seconds, 1),
                "cpu_seconds": round(cpu_seconds, 1),
            },
        )


def explained(moments: Moments) -> list[float]:
    """Part of the variance that each component carries, all of them, to seven decimals."""
    variances, _ = moments.principal(len(moments.covariance))
    return [round(float(part), 7) for part in variances / moments.total_variance]


def trained_parameters(network: Autoencoder) -> int:
    """Parameters that `train_linear` changes: the vectors that tell an ordered decoder its k stay zero."""
    told = network.told.weight.numel() if network.config.ordered else 0
    return network.parameter_count - told


def _in_order(basis: Any, components: Any) -> float:
    lengths = np.linalg.norm(basis, axis=1)
    return float(np.abs((basis * components).sum(axis=1) / lengths).min())
