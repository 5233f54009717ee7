"""Linear autoencoders: trained on the covariance of their images alone, set beside PCA, and turned onto its components.

The mean squared error of a linear autoencoder over all images depends on them through their mean and covariance only.
Training on those two is exactly training on all images at once, whether there are a thousand of them or a million. It
is gradient descent: no eigenvector is ever computed for it. Those are the yardstick's, and the training never sees one.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from aecore.config import LinearConfig
from aecore.errors import ConfigError, DataError, DivergedError
from aecore.networks import Autoencoder, build
from aecore.pca import Exact, Moments, principal_angles, upright
from aecore.training import schedule


@dataclass(frozen=True)
class LinearReport:
    """Where the training stands."""

    step: int  # steps taken; the first report comes before the first step
    steps: int  # how many were asked for
    loss: float  # mean squared error a pixel over all images, at the full code
    seconds: float  # spent on training so far


@dataclass(frozen=True)
class Closeness:
    """How near a linear autoencoder is to PCA with as many components."""

    loss: float  # mean squared error a pixel over all images
    optimum: float  # PCA's: no linear code of this size has a smaller one
    excess: float  # loss / optimum - 1; 0 is as good as PCA
    angles: tuple[float, ...]  # principal angles between the decoder's subspace and PCA's in degrees, the largest last

    @property
    def angle(self) -> float:
        """The largest principal angle in degrees: 0 means the same subspace."""
        return self.angles[-1]


def train_linear(network: Autoencoder, moments: Moments, config: LinearConfig | None = None) -> Iterator[LinearReport]:
    """Train a linear autoencoder in place by full-batch gradient descent; stopping the iteration stops it cleanly.

    With encoder E, decoder D, biases b and c, mean m and covariance C, the squared error of an image has the mean

        tr(C) - 2 tr(D' C E') + tr(D' D E C E') + |m - D (E m + b) - c|^2

    An ordered network minimises the mean of this over its truncations to the first k = 1 ... code numbers, which is
    nested dropout with all its draws at once (Rippel, Gelbart & Adams 2014); it learns the components in their order.
    Training starts from the network's own encoder, made orthonormal, and a decoder that is its transpose. Orthonormal
    weights stay so: the gradient's part along the constraint is dropped, and each step ends with a QR decomposition.

    Parameters
    ----------
    network : Autoencoder
        Linear and without hidden layers. It holds the weights of the last report whenever the iteration stops.
    moments : Moments
        Of the training images; `Moments.centred` for data whose mean is subtracted first.
    config : LinearConfig, optional
        How; the defaults if left out.

    Yields
    ------
    LinearReport
        The start, and `config.reports` times after.

    Raises
    ------
    ConfigError
        If the network is not linear or has hidden layers.
    DataError
        If the moments are of images of another shape.
    DivergedError
        If the loss becomes NaN or infinite. The network keeps the weights of the report before.

    Examples
    --------
    >>> from aecore.config import NetworkConfig
    >>> two_pixels = NetworkConfig(hidden=(), code=1, bias=False, tied=True, output="linear", shape=(1, 2))
    >>> network, moments = build(two_pixels), Moments(np.zeros((1, 2)), np.diag([1.0, 4.0]), count=100)
    >>> *_, last = train_linear(network, moments, LinearConfig(steps=300))
    >>> round(last.loss, 6)  # a pixel; what the smaller of the two variances leaves
    0.5
    >>> abs(network.decoder_basis()[0]).round(3).tolist()
    [0.0, 1.0]
    """
    _check(network, moments)
    return _steps(network, moments, config or LinearConfig())


def _steps(network: Autoencoder, moments: Moments, config: LinearConfig) -> Iterator[LinearReport]:
    descent = _Descent(network, moments, config)
    pixels = len(moments.covariance)
    marks = {round(config.steps * place / config.reports) for place in range(config.reports + 1)}
    seconds, started = 0.0, time.perf_counter()
    for step in range(config.steps + 1):
        if step:
            descent.step((step - 1) / config.steps)
        if step in marks:
            parts = descent.parts()
            loss = mean_error(parts, moments) / pixels
            if not math.isfinite(loss):
                raise DivergedError(
                    f"the loss became {loss} in step {step}; lower the learning rate ({config.learning_rate})"
                )
            _put(network, parts)
            seconds += time.perf_counter() - started
            yield LinearReport(step, config.steps, loss, seconds)
            started = time.perf_counter()


class _Descent:
    """Weights on their way down. In float32: the figures that are reported are computed apart, in float64."""

    def __init__(self, network: Autoencoder, moments: Moments, config: LinearConfig) -> None:
        self._peak, self._warmup = config.learning_rate, config.warmup
        size, tied, self._orthogonal = network.config.code, network.config.tied, network.config.orthogonal
        self._covariance = torch.from_numpy(moments.covariance).float()  # (pixels, pixels)
        self._mean = torch.from_numpy(moments.mean.ravel()).float()  # (pixels,)
        self._total = moments.total_variance
        start = torch.from_numpy(linear_parts(network).encoder).T  # (pixels, code)
        columns = _orthonormal_columns(start).float().contiguous()
        # Both as (pixels, code): the encoder is kept transposed.
        self._encoder = columns.requires_grad_()
        self._decoder = self._encoder if tied else columns.detach().clone().requires_grad_()
        self._offsets: list[Tensor] = []
        if network.config.bias:
            self._offsets = [torch.zeros(count, requires_grad=True) for count in (size, len(self._mean))]
        self._weights = [self._encoder] if tied else [self._encoder, self._decoder]
        self._adam = torch.optim.Adam([*self._weights, *self._offsets], betas=config.betas, fused=True)
        number = torch.arange(size)
        # kept[i] is the part of the truncations that keep number i; two numbers are kept together as often as the later
        # one of them alone.
        self._kept = (size - number) / size if network.config.ordered else torch.ones(size)
        self._both = self._kept[torch.maximum(number[:, None], number)]  # (code, code)

    def _loss(self) -> Tensor:
        """Squared error of an image, the mean over all images and truncations."""
        seen = self._covariance @ self._encoder  # (pixels, code)
        agree = (self._decoder * seen).sum(dim=0)  # (code,) the diagonal of D' C E'
        overlap = self._both * (self._decoder.T @ self._decoder)  # (code, code)
        loss = self._total - 2 * self._kept @ agree + (overlap * (self._encoder.T @ seen)).sum()
        if self._offsets or bool(self._mean.any()):
            rest = self._mean - self._offsets[1] if self._offsets else self._mean  # (pixels,)
            code = self._mean @ self._encoder  # (code,) of the mean image
            code = code + self._offsets[0] if self._offsets else code
            loss = loss + rest @ rest - 2 * (self._kept * code) @ (rest @ self._decoder) + code @ overlap @ code
        return loss

    def step(self, progress: float) -> None:
        for group in self._adam.param_groups:
            group["lr"] = self._peak * schedule(progress, self._warmup)
        self._adam.zero_grad()
        self._loss().backward()
        if self._orthogonal:
            self._drop_normal_parts()
        self._adam.step()
        if self._orthogonal:
            with torch.no_grad():
                for weight in self._weights:
                    weight.copy_(_orthonormal_columns(weight))

    @torch.no_grad()
    def _drop_normal_parts(self) -> None:
        """Leave of each gradient what lies along the orthonormal matrices (Edelman, Arias & Smith 1998)."""
        for weight in self._weights:
            gradient = cast(Tensor, weight.grad)
            mixed = weight.T @ gradient  # (code, code)
            gradient -= weight @ (mixed + mixed.T) / 2

    def parts(self) -> LinearParts:
        """The weights as they are now."""
        encoder, decoder = (weight.detach().double().numpy() for weight in (self._encoder, self._decoder))
        into, out = (
            (offset.detach().double().numpy() for offset in self._offsets)
            if self._offsets
            else (np.zeros(encoder.shape[1]), np.zeros(len(encoder)))
        )
        return LinearParts(encoder.T, into, decoder, out)


@dataclass(frozen=True)
class LinearParts:
    """The two maps of a linear autoencoder, float64: code = encoder @ image + into, image = decoder @ code + out."""

    encoder: Exact  # (code, pixels)
    into: Exact  # (code,)
    decoder: Exact  # (pixels, code)
    out: Exact  # (pixels,)


@torch.no_grad()
def linear_parts(network: Autoencoder) -> LinearParts:
    """Read a linear autoencoder's maps off its layers.

    Raises
    ------
    ConfigError
        If the network is not linear or has hidden layers.
    """
    into, out = _layers(network)
    decoder = into.weight.T if network.config.tied else out.weight

    def exact(tensor: Tensor | None, count: int) -> Exact:
        return np.zeros(count) if tensor is None else tensor.detach().cpu().double().numpy()

    size, pixels = network.config.code, network.config.pixels
    return LinearParts(
        exact(into.weight, 0), exact(into.bias, size), np.ascontiguousarray(exact(decoder, 0)), exact(out.bias, pixels)
    )


def mean_error(parts: LinearParts, moments: Moments) -> float:
    """Squared error of an image, summed over its pixels, the mean over all images; exact, from their moments."""
    mean, encoder, decoder = moments.mean.ravel(), parts.encoder, parts.decoder
    seen = moments.covariance @ encoder.T  # (pixels, code)
    spread = moments.total_variance - 2 * np.vdot(decoder, seen) + np.vdot(decoder.T @ decoder, encoder @ seen)
    rest = mean - decoder @ (encoder @ mean + parts.into) - parts.out  # (pixels,)
    return float(spread + rest @ rest)


@dataclass(frozen=True)
class Yardstick:
    """PCA of the images that a linear autoencoder was trained on; computed once, it judges as often as one likes.

    Attributes
    ----------
    moments : Moments
        Of the images, the mean included unless it was subtracted.
    variances : ndarray, shape (k,)
        Of the components, falling.
    components : ndarray, shape (k, pixels)
        Orthonormal rows.
    """

    moments: Moments
    variances: Exact
    components: Exact

    @classmethod
    def of(cls, moments: Moments, k: int) -> Yardstick:
        """PCA with `k` components; raises ConfigError if there are not so many."""
        return cls(moments, *moments.principal(k))

    @property
    def optimum(self) -> float:
        """Mean squared error a pixel that `k` components leave."""
        return float(self.moments.total_variance - self.variances.sum()) / len(self.moments.covariance)

    def judge(self, network: Autoencoder) -> Closeness:
        """Measure a linear autoencoder; raises ConfigError if it has hidden layers or another code size."""
        if network.config.code != len(self.components):
            raise ConfigError(
                f"a code of {network.config.code} numbers cannot be set beside {len(self.components)} components"
            )
        parts = linear_parts(network)
        loss = mean_error(parts, self.moments) / len(self.moments.covariance)
        angles = np.degrees(principal_angles(parts.decoder.T, self.components))
        return Closeness(loss, self.optimum, loss / self.optimum - 1, tuple(angles.tolist()))


def rotate_onto_components(network: Autoencoder, moments: Moments) -> Autoencoder:
    """Turn a linear autoencoder's code so that each number is a principal component of what it reconstructs.

    A linear autoencoder learns PCA's subspace, but any basis of it is as good as another. The principal components of
    its own reconstructions, found within its code, are PCA's (Plaut 2018, "From principal subspaces to principal
    components with linear autoencoders"): code numbers become uncorrelated, their variances fall, the decoder's columns
    become orthonormal. What is reconstructed stays the same.

    Parameters
    ----------
    network : Autoencoder
        Linear and without hidden layers; it is not changed.
    moments : Moments
        Of the images it was trained on: they give the covariance of its codes.

    Returns
    -------
    Autoencoder
        A new network of the same function, its weights neither tied nor kept orthonormal by construction.

    Raises
    ------
    ConfigError
        If the network is not linear or has hidden layers.
    DataError
        If the moments are of images of another shape, or the decoder's columns are not linearly independent.
    """
    _check(network, moments)
    parts = linear_parts(network)
    basis, mixing = np.linalg.qr(parts.decoder)  # (pixels, code), (code, code)
    if np.abs(np.diag(mixing)).min() <= 1e-7 * np.abs(mixing).max():
        raise DataError("the decoder's columns are not linearly independent: there is no rotation to find")
    codes = mixing @ parts.encoder  # (code, pixels): the code in the orthonormal basis
    _, turns = np.linalg.eigh(codes @ moments.covariance @ codes.T)  # rising variance
    components = upright((basis @ turns[:, ::-1]).T)  # (code, pixels)
    turn = components @ parts.decoder  # (code, code)
    rotated = build(dataclasses.replace(network.config, tied=False, orthogonal=False))
    _put(rotated, LinearParts(turn @ parts.encoder, turn @ parts.into, components.T, parts.out))
    return rotated


def _layers(network: Autoencoder) -> tuple[nn.Linear, nn.Linear]:
    config = network.config
    if not config.is_linear or config.hidden or config.decoder_sizes:
        raise ConfigError(
            "only a linear autoencoder without hidden layers can be set beside PCA; build it with hidden=(), "
            "output='linear'"
        )
    encoder, decoder = cast(nn.Sequential, network.encoder), cast(nn.Sequential, network.decoder)
    return cast(nn.Linear, encoder[0]), cast(nn.Linear, decoder[0])


def _check(network: Autoencoder, moments: Moments) -> None:
    _layers(network)
    if moments.mean.shape != network.config.shape:
        raise DataError(f"the network takes images of {network.config.shape}, the moments are of {moments.mean.shape}")


@torch.no_grad()
def _put(network: Autoencoder, parts: LinearParts) -> None:
    """Write maps into a network's layers; orthonormal layers take them through their parametrisation."""
    into, out = _layers(network)

    def write(layer: nn.Linear, weight: Exact, offset: Exact) -> None:
        values = torch.from_numpy(np.ascontiguousarray(weight)).float().to(network.code_mean.device)
        if network.config.orthogonal:
            layer.weight = cast(nn.Parameter, values)
        else:
            layer.weight.copy_(values)
        if layer.bias is not None:
            layer.bias.copy_(torch.from_numpy(offset))

    write(into, parts.encoder, parts.into)
    if network.config.tied:
        if out.bias is not None:
            out.bias.copy_(torch.from_numpy(parts.out))
    else:
        write(out, parts.decoder, parts.out)


def _orthonormal_columns(matrix: Tensor) -> Tensor:
    """The nearby matrix (pixels, code) with orthonormal columns, by QR with a positive diagonal."""
    columns, mixing = torch.linalg.qr(matrix)
    return columns * torch.where(torch.diagonal(mixing) < 0, -1.0, 1.0).to(columns.dtype)
