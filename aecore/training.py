"""The training loop: a generator that yields one report an epoch. Never prints, draws or saves.

The images stay in memory as one tensor and a batch is one indexing of it. On two cores this is several times faster
than a `DataLoader`, which builds a batch image by image (benchmarks/training_speed.py).
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecore.config import TrainConfig
from aecore.errors import ConfigError, DataError, DivergedError
from aecore.networks import Array, Autoencoder
from aecore.noise import mixed_noise

CLEAN_ENOUGH = 1e-3  # mean squared error (30 dB) below which the logarithm of the error asks for little more


@dataclass(frozen=True)
class Report:
    """What one epoch brought."""

    epoch: int  # 1 is the first
    epochs: int  # how many were asked for
    train_loss: float  # mean squared error a pixel, mean over the epoch's batches (shifted and noisy as trained on)
    valid_loss: float | None  # mean squared error a pixel on the held-out images; None if there are none
    images_per_second: float  # training images, validation not counted
    seconds_left: float  # until the last epoch, at the speed so far
    best: bool  # whether the validation loss is the best so far (always true without validation)


def train(
    network: Autoencoder, images: Array, config: TrainConfig | None = None, *, valid_images: Array | None = None
) -> Iterator[Report]:
    """Train a network in place, one report an epoch; stopping the iteration stops the training cleanly.

    The loss is the mean squared error, or its logarithm. With `config.noise` the network becomes a denoising
    autoencoder (Vincent, Larochelle, Bengio & Manzagol 2008): it sees images damaged anew each time, and is to give
    back the clean ones. An ordered network is trained with nested dropout (Rippel, Gelbart & Adams
    2014): each image keeps a random number k of its code numbers, drawn log-uniformly from 1 to code, and errors are
    divided by the running error at that k, so that no size is drowned by another.

    Parameters
    ----------
    network : Autoencoder
        Changed in place. Between epochs and afterwards it is in evaluation mode, on the device it trained on.
    images : ndarray, shape (n, height, width), float32 in [0, 1]
        Training images. `config.valid_fraction` of them are held out unless `valid_images` is given.
    config : TrainConfig, optional
        How; the defaults if left out.
    valid_images : ndarray, shape (m, height, width), optional
        Images to watch instead of a held-out part.

    Yields
    ------
    Report
        After each epoch.

    Raises
    ------
    DataError
        If the images do not fit the network, or are too few.
    DivergedError
        If the loss becomes NaN or infinite. The network keeps its last weights.
    ConfigError
        If the device is not there.

    Examples
    --------
    >>> from aecore.networks import NetworkConfig, build
    >>> network = build(NetworkConfig(hidden=(), code=2))
    >>> reports = train(network, np.zeros((20, 28, 28), np.float32), TrainConfig(epochs=2, batch_size=8))
    >>> [report.epoch for report in reports]
    [1, 2]
    """
    config = config or TrainConfig()
    device = _device(config.device)
    bfloat16 = config.precision == "bfloat16" or (config.precision == "auto" and bfloat16_is_faster(device.type))
    everything = _checked(images, network)
    generator = torch.Generator().manual_seed(config.seed)
    if valid_images is not None:
        training, watched = everything, _checked(valid_images, network)
    else:
        held_out = round(len(everything) * config.valid_fraction)
        order = torch.randperm(len(everything), generator=generator)
        training, watched = everything[order[held_out:]], everything[order[:held_out]]
    if len(training) < 2:
        raise DataError(f"{len(training)} images are left to train on; give at least 2")

    network.to(device)
    training, watched = training.to(device), watched.to(device)
    return _epochs(network, training, watched, config, generator, bfloat16)


def _epochs(
    network: Autoencoder, training: Tensor, watched: Tensor, config: TrainConfig, generator: torch.Generator, bf16: bool
) -> Iterator[Report]:
    device = training.device
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
    batches = _Batches(training, config, generator)
    nested = _NestedDropout(network.config.code, generator, device) if network.config.ordered else None
    damage = _damage(config, np.random.default_rng(config.seed))
    seen = _damage(config, np.random.default_rng(config.seed + 1))(watched)  # the same damage after each epoch
    steps, step = config.epochs * len(batches), 0
    best, since_best = math.inf, 0
    trained_seconds = 0.0
    try:
        for epoch in range(1, config.epochs + 1):
            network.train()
            started = time.perf_counter()
            total = torch.zeros((), device=device)
            shifted = epoch <= config.shift_until * config.epochs
            for batch in batches.epoch(shifted=shifted):
                for group in optimiser.param_groups:
                    group["lr"] = config.learning_rate * schedule(step / steps, config.warmup)
                k = None if nested is None else nested.draw(len(batch))
                with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                    reconstruction = network(damage(batch), k)
                errors = F.mse_loss(reconstruction.float(), batch, reduction="none").mean(dim=(1, 2))  # (batch,)
                if nested is not None and k is not None:
                    loss = nested.balance(errors, k)
                else:
                    loss = errors.mean() if config.loss == "mse" else (errors + CLEAN_ENOUGH).log().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += errors.detach().mean()
                step += 1
            train_loss = float(total) / len(batches)
            if not math.isfinite(train_loss):
                raise DivergedError(
                    f"the loss became {train_loss} in epoch {epoch}; lower the learning rate ({config.learning_rate})"
                )
            trained_seconds += time.perf_counter() - started
            network.eval()
            valid_loss = _loss(network, watched, seen) if len(watched) else None
            improved = valid_loss is None or valid_loss < best
            best, since_best = (valid_loss or best, 0) if improved else (best, since_best + 1)
            yield Report(
                epoch=epoch,
                epochs=config.epochs,
                train_loss=train_loss,
                valid_loss=valid_loss,
                images_per_second=epoch * batches.images / trained_seconds,
                seconds_left=(config.epochs - epoch) * trained_seconds / epoch,
                best=improved,
            )
            if config.patience is not None and since_best >= config.patience:
                return
    finally:
        network.eval()


class _Batches:
    """All training images in a new order each epoch, a batch at a time."""

    def __init__(self, images: Tensor, config: TrainConfig, generator: torch.Generator) -> None:
        self._generator, self._shape = generator, images.shape[1:]
        self._count, self._size = len(images), min(config.batch_size, len(images))
        margin, (height, width) = config.shift, images.shape[1:]
        self._wide = F.pad(images, (margin, margin, margin, margin)).flatten(1)  # (n, padded pixels)
        # windows[s] lists the padded pixels that a window moved by the s-th shift sees.
        rows = torch.arange(height)[:, None] * (width + 2 * margin) + torch.arange(width)  # (height, width)
        moves = [y * (width + 2 * margin) + x for y in range(2 * margin + 1) for x in range(2 * margin + 1)]
        self._windows = torch.stack([(rows + move).flatten() for move in moves]).to(images.device)  # (shifts, pixels)

    def __len__(self) -> int:
        return self._count // self._size

    @property
    def images(self) -> int:
        """Images in one epoch: whole batches only."""
        return len(self) * self._size

    def epoch(self, *, shifted: bool = True) -> Iterator[Tensor]:
        """Batches of shape (batch, height, width); `shifted` moves each image by up to `config.shift` pixels."""
        still = len(self._windows) // 2  # the middle window: no move
        order = torch.randperm(self._count, generator=self._generator).to(self._wide.device)
        for start in range(0, self.images, self._size):
            batch = self._wide[order[start : start + self._size]]  # (batch, padded pixels)
            if shifted and len(self._windows) > 1:
                moved = torch.randint(len(self._windows), (self._size,), generator=self._generator)
                batch = batch.gather(1, self._windows[moved.to(batch.device)])  # (batch, pixels)
            else:
                batch = batch[:, self._windows[still]] if len(self._windows) > 1 else batch
            yield batch.unflatten(1, self._shape)  # (batch, height, width)


class _NestedDropout:
    """Draws how many code numbers each image keeps, and weighs its error by what is usual at that size."""

    def __init__(self, size: int, generator: torch.Generator, device: torch.device) -> None:
        self._size, self._generator = size, generator
        self._usual = torch.full((size,), math.nan, device=device)  # running error at k = 1 ... size

    def draw(self, count: int) -> Tensor:
        """Return `count` sizes from 1 to the code's, log-uniformly: shape (count,)."""
        uniform = torch.rand(count, generator=self._generator)
        return ((self._size + 1.0) ** uniform).long().clamp(1, self._size).to(self._usual.device)

    def balance(self, errors: Tensor, k: Tensor) -> Tensor:
        """Mean of the errors, each divided by the usual error at its k and scaled back to the errors' size."""
        with torch.no_grad():
            total = torch.zeros_like(self._usual).index_add_(0, k - 1, errors)
            count = torch.zeros_like(self._usual).index_add_(0, k - 1, torch.ones_like(errors))
            fresh = total / count  # NaN where no image had this k
            known = torch.where(self._usual.isnan(), fresh, self._usual.lerp(fresh, 0.02))
            self._usual = torch.where(count > 0, known, self._usual)
            usual = self._usual[k - 1].clamp_min(1e-8)
        return (errors / usual).mean() * usual.mean()


def _damage(config: TrainConfig, random: np.random.Generator) -> Callable[[Tensor], Tensor]:
    """What is done to images before the network sees them: fresh noise at each call, or nothing."""
    names = config.noise
    if names is None:
        return lambda images: images
    return lambda images: torch.from_numpy(mixed_noise(images.cpu().numpy(), names, random)).to(images.device)


def schedule(progress: float, warmup: float) -> float:
    """Part of the peak learning rate: a linear rise in `warmup`, then a cosine to zero."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warmup) / max(1.0 - warmup, 1e-9))


@torch.inference_mode()
def _loss(network: Autoencoder, images: Tensor, seen: Tensor) -> float:
    """Mean squared error a pixel between images and what is made of those seen; an ordered network's at full size."""
    parts = zip(images.split(2048), seen.split(2048), strict=True)
    total = sum(float(F.mse_loss(network(damaged), part)) * len(part) for part, damaged in parts)
    return total / len(images)


def _checked(images: Array, network: Autoencoder) -> Tensor:
    array = np.ascontiguousarray(images, dtype=np.float32)
    if array.ndim != 3 or array.shape[1:] != network.config.shape:
        raise DataError(f"training needs images of shape (n, *{network.config.shape}), got {array.shape}")
    if not np.isfinite(array).all():
        raise DataError("the training images hold NaN or infinite pixels; clean them first")
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _device(name: str) -> torch.device:
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in present.items() if there))
    if not present[name]:
        raise ConfigError(f"device={name!r} is not on this machine; take device='auto' or 'cpu'")
    return torch.device(name)


@functools.cache
def bfloat16_is_faster(device: str = "cpu") -> bool:
    """Whether this processor multiplies matrices at least 1.3 times faster in bfloat16 than in float32; tried once."""
    if device == "cuda":
        return cast(bool, torch.cuda.is_bf16_supported())
    if device != "cpu":
        return False
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        matrix = torch.ones(512, 512, dtype=kind)
        times = []
        for _ in range(4):  # the first one warms up
            started = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - started)
        seconds[kind] = min(times[1:])
    return seconds[torch.float32] > 1.3 * seconds[torch.bfloat16]
