"""The networks and the one function that builds one from a config. Knows nothing of files, training loops or pages.

Images are float32 in [0, 1], shape (n, height, width), 0 = background. A network takes numpy arrays and tensors alike
and answers in kind: numpy in, numpy out, without gradients.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal

from aecore.config import NetworkConfig
from aecore.errors import ConfigError, DataError
from aecore.quantise import quantise

Array = NDArray[np.float32]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder; the families below differ in the layers between image and code.

    Attributes
    ----------
    config : NetworkConfig
        What was asked for.
    card : dict
        How it was trained and how good it is; empty until `aecore.load` fills it.
    """

    code_mean: Tensor  # (code,) mean of each code number over the training images
    code_std: Tensor  # (code,) standard deviation of it

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.card: dict[str, Any] = {}
        self.register_buffer("code_mean", torch.zeros(self.code_size))
        self.register_buffer("code_std", torch.ones(self.code_size))
        if config.ordered:
            # The decoder is told k: one vector a size, added to the first layer's input (Rippel, Gelbart & Adams 2014
            # leave it out; with it one decoder serves 2 and 64 numbers better).
            self.told = nn.Embedding(config.code, self._told_units())
            nn.init.zeros_(self.told.weight)

    # What a family has to write.

    def _told_units(self) -> int:
        raise NotImplementedError

    def _encode(self, images: Tensor) -> Tensor:
        """(batch, height, width) -> (batch, code)."""
        raise NotImplementedError

    def _decode(self, codes: Tensor, told: Tensor | None) -> Tensor:
        """(batch, code), (batch, units) or None -> (batch, height, width), before the output's sigmoid."""
        raise NotImplementedError

    def _bound(self, pixels: Tensor) -> Tensor:
        return torch.sigmoid(pixels) if self.config.output == "sigmoid" else pixels

    # What everybody calls.

    @property
    def code_size(self) -> int:
        """Numbers that the encoder hands to the decoder for one image."""
        return self.config.code

    @property
    def parameter_count(self) -> int:
        """Number of trainable parameters, each counted once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def encode(self, images: Any) -> Any:
        """Compress images to codes.

        Parameters
        ----------
        images : ndarray or Tensor, shape (n, height, width)
            Pixels in [0, 1].

        Returns
        -------
        ndarray or Tensor, shape (n, code_size)
            As given: numpy for numpy, a tensor for a tensor.

        Raises
        ------
        DataError
            If the shape does not fit the network.
        """
        if not isinstance(images, Tensor):
            return self._in_numpy(self.encode, images)
        return self._encode(self._checked(images))

    def decode(self, codes: Any, k: int | Tensor | None = None) -> Any:
        """Rebuild images from codes.

        Parameters
        ----------
        codes : ndarray or Tensor, shape (n, code_size)
            An ordered network also takes shape (n, k): the first k numbers.
        k : int or Tensor of shape (n,), optional
            Ordered networks only: use the first `k` numbers of each code, 1 <= k <= code.

        Returns
        -------
        ndarray or Tensor, shape (n, height, width)
            Pixels, in (0, 1) with a sigmoid output.

        Raises
        ------
        ConfigError
            If `k` is given to a network whose code is not ordered, or is out of range.
        DataError
            If the shape does not fit the network.
        """
        if not isinstance(codes, Tensor):
            return self._in_numpy(lambda tensor: self.decode(tensor, k), codes)
        size = self.code_size
        given = codes.shape[1] if codes.ndim == 2 else 0
        if not (given == size or (self.config.ordered and 0 < given < size)):
            raise DataError(f"this network's codes have shape (n, {size}), got {tuple(codes.shape)}")
        told = None
        if self.config.ordered:
            first = torch.as_tensor(given if k is None else k, device=codes.device).expand(len(codes))  # (n,)
            if first.numel() and not 1 <= int(first.min()) <= int(first.max()) <= given:
                raise ConfigError(f"k must be from 1 to {given}, got {k!r}")
            codes = F.pad(codes, (0, size - given))  # (n, code)
            codes = codes * (torch.arange(size, device=codes.device) < first[:, None])
            told = self.told(first - 1)  # (n, units)
        elif k is not None and k != size:
            raise ConfigError(f"k={k!r} needs an ordered code; this network always uses all {size} numbers")
        pixels = self._decode(codes, told)
        return self._bound(pixels)

    def forward(self, images: Tensor, k: int | Tensor | None = None) -> Tensor:
        """Encode and decode: (n, height, width) -> (n, height, width)."""
        return cast(Tensor, self.decode(self.encode(images), k))

    def reconstruct(self, images: Any, k: int | None = None, bits: int | None = None) -> Any:
        """Encode, round each code number to `bits` bits (None: leave it), and decode with the first `k` numbers."""
        if k is None and bits is None:
            return self(images) if isinstance(images, Tensor) else self._in_numpy(self, images)
        codes = self.encode(images)
        return self.decode(codes if bits is None else self.quantise(codes, bits), k)

    def quantise(self, codes: Any, bits: int) -> Any:
        """Round codes to 2**bits levels a number: see `aecore.quantise`."""
        mean, std = self.code_mean, self.code_std
        if not isinstance(codes, Tensor):
            return quantise(codes, bits, mean.numpy(), std.numpy())
        levels = quantise(codes.detach().cpu().numpy(), bits, mean.cpu().numpy(), std.cpu().numpy())
        return torch.from_numpy(levels).to(codes.device)

    @torch.no_grad()
    def calibrate(self, images: Array) -> None:
        """Store mean and standard deviation of the codes of `images`, shape (n, height, width), for `quantise`."""
        codes = torch.from_numpy(self.encode(images))
        self.code_mean.copy_(codes.mean(dim=0))
        self.code_std.copy_(codes.std(dim=0, unbiased=False))

    @torch.no_grad()
    def decoder_basis(self) -> Array:
        """Return what each code number draws in a linear decoder, shape (code, height * width).

        Raises
        ------
        ConfigError
            If the decoder is not linear: then there is no such basis.
        """
        if not self.config.is_linear:
            raise ConfigError("only a linear decoder has a basis; build it with activation='linear', output='linear'")
        unit = torch.eye(self.config.code, device=self.code_mean.device)
        basis = self._decode(unit, None) - self._decode(torch.zeros_like(unit), None)
        return basis.flatten(1).cpu().numpy()

    def _checked(self, images: Tensor) -> Tensor:
        if images.ndim != 3 or tuple(images.shape[1:]) != self.config.shape:
            raise DataError(f"this network takes images of shape (n, *{self.config.shape}), got {tuple(images.shape)}")
        return images

    def _in_numpy(self, function: Any, values: Any) -> Any:
        array = np.ascontiguousarray(values, dtype=np.float32)
        if not array.flags.writeable:  # shared, cached arrays; torch would warn
            array = array.copy()
        device = self.code_mean.device
        if array.ndim == 0 or len(array) <= _CHUNK:
            with torch.inference_mode():
                return function(torch.from_numpy(array).to(device)).float().cpu().numpy()
        parts = [self._in_numpy(function, array[start : start + _CHUNK]) for start in range(0, len(array), _CHUNK)]
        return np.concatenate(parts)


_CHUNK = 4096  # rows at a time: memory stays bounded, however many images are given


class DenseAutoencoder(Autoencoder):
    """Fully connected layers; weights may be tied (decoder = encoder transposed) or kept orthonormal."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        sizes = (config.pixels, *config.hidden, config.code)
        back = (config.code, *config.decoder_sizes, config.pixels)
        self.encoder = _stack(sizes, config)
        self.decoder = _stack(back, config)
        linear = [layer for layer in self.encoder if isinstance(layer, nn.Linear)]
        if config.orthogonal:
            for layer in linear:
                orthogonal(layer)
        if config.tied:
            mirrored = [layer for layer in self.decoder if isinstance(layer, nn.Linear)]
            for layer in mirrored:
                del layer.weight
            self._mirror = [linear[::-1]]  # in a list: the encoder owns the layers, the decoder borrows them
        elif config.orthogonal:
            for layer in [layer for layer in self.decoder if isinstance(layer, nn.Linear)]:
                orthogonal(layer)

    def _told_units(self) -> int:
        return (*self.config.decoder_sizes, self.config.pixels)[0]

    def _encode(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.encoder(images.flatten(1)))  # (batch, pixels) -> (batch, code)

    def _decode(self, codes: Tensor, told: Tensor | None) -> Tensor:
        values, borrowed = codes, 0
        for layer in self.decoder:
            if isinstance(layer, nn.Linear):
                if self.config.tied:
                    values = F.linear(values, self._mirror[0][borrowed].weight.T, layer.bias)
                else:
                    values = layer(values)
                if borrowed == 0 and told is not None:
                    values = values + told
                borrowed += 1
            else:
                values = layer(values)
        return values.unflatten(1, self.config.shape)  # (batch, pixels) -> (batch, height, width)


class ConvAutoencoder(Autoencoder):
    """Strided 4x4 convolutions that halve the picture, then fully connected layers down to the code, and back."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        scale = 2 ** len(config.channels)
        self._field = (config.channels[-1], config.shape[0] // scale, config.shape[1] // scale)
        features = math.prod(self._field)
        down: list[nn.Module] = []
        for before, after in itertools.pairwise((1, *config.channels)):
            down += [
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=config.bias),
                *_after(after, config, conv=True),
            ]
        up: list[nn.Module] = []
        for before, after in itertools.pairwise((*config.channels[::-1], 1)):
            layer = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=config.bias)
            up += [layer, *_after(after, config, conv=True)]
        while not isinstance(up[-1], nn.ConvTranspose2d):  # the picture itself is neither normalised nor squashed
            up.pop()
        self.down, self.up = nn.Sequential(*down), nn.Sequential(*up)
        self.encoder = _stack((features, *config.hidden, config.code), config)
        self.decoder = _stack((config.code, *config.decoder_sizes, features), config)
        self.widened = nn.Sequential(*_after(features, config))
        for layer in (*self.down, *self.up):
            _initialise(layer)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the form the CPU's kernels want

    def _told_units(self) -> int:
        scale = 2 ** len(self.config.channels)
        features = self.config.channels[-1] * self.config.pixels // scale**2
        return (*self.config.decoder_sizes, features)[0]

    def _encode(self, images: Tensor) -> Tensor:
        picture = images[:, None].contiguous(memory_format=torch.channels_last)  # (batch, 1, height, width)
        return cast(Tensor, self.encoder(self.down(picture).flatten(1)))  # (batch, features) -> (batch, code)

    def _decode(self, codes: Tensor, told: Tensor | None) -> Tensor:
        values = self.decoder[0](codes)
        values = self.decoder[1:](values if told is None else values + told)  # (batch, features)
        field = self.widened(values).unflatten(1, self._field).contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.up(field))[:, 0]  # (batch, 1, height, width) -> (batch, height, width)


class UNet(Autoencoder):
    """A convolutional network whose skips carry pictures past the bottleneck (Ronneberger, Fischer & Brox 2015).

    It works on 2x2 blocks of pixels as channels, so its first level has half the picture's height and width. Each level
    has residual convolutions on the way down and on the way up; at the bottom, fully connected layers (`hidden`,
    `code`) look at the picture as a whole. What comes out is a drawing and, for each pixel, how far to trust the one
    that went in: the output blends the two, so that undamaged pixels can pass as they are.

    That is no bottleneck: the decoder is handed the picture, each level's features and the `code` numbers of the dense
    branch. `encode` returns all of it, honestly `code_size` numbers, more than there are pixels. Only noise in training
    keeps such a network from learning to copy.
    """

    def __init__(self, config: NetworkConfig) -> None:
        levels = [
            (channels, config.shape[0] >> depth, config.shape[1] >> depth)
            for depth, channels in enumerate(config.channels, start=1)
        ]
        self._handed = [(1, *config.shape), *levels]  # what passes the code by: the picture and each level's features
        super().__init__(config)
        deepest, height, width = levels[-1]
        narrow = max(1, deepest // 4)  # channels that the dense layers look at
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for before, after in itertools.pairwise((1, *config.channels)):
            first = [_Blocks(), *_conv(4, after, 3, config)] if before == 1 else _halve(before, after, config)
            down.append(nn.Sequential(*first, _Residual(after, config)))
            # Back to the level above: four times the pixels. From the first level to the picture's two: drawing, trust.
            last = [_plain_conv(after, 8, 3, config)] if before == 1 else _conv(after, 4 * before, 1, config)
            up.append(nn.Sequential(_Residual(after, config), *last, _Unblocks()))
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up[::-1])
        self.narrow = nn.Sequential(*_conv(deepest, narrow, 1, config), nn.Flatten())
        self.encoder = _stack((narrow * height * width, *config.hidden, config.code), config)
        self.decoder = _stack((config.code, *config.decoder_sizes, narrow * height * width), config)
        self.widen = nn.Sequential(nn.Unflatten(1, (narrow, height, width)), _plain_conv(narrow, deepest, 1, config))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the form the CPU's kernels want

    @property
    def code_size(self) -> int:
        """Numbers that the encoder hands to the decoder: the dense branch's code and all that the skips carry."""
        return self.config.code + sum(math.prod(field) for field in self._handed)

    def _down(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(batch, height, width) -> code (batch, code), and the picture and features (batch, channels, h, w)."""
        handed = [images[:, None].contiguous(memory_format=torch.channels_last)]
        for level in self.down:
            handed.append(level(handed[-1]))
        return self.encoder(self.narrow(handed[-1])), handed

    def _up(self, code: Tensor, handed: list[Tensor]) -> Tensor:
        """What `_down` returned -> (batch, height, width), the blend of the picture and what is drawn."""
        picture, *features = handed
        values = self.widen(self.decoder(code))  # (batch, channels, h, w) of the lowest level
        for level, skip in zip(self.up, features[::-1], strict=True):
            values = level((values + skip).contiguous(memory_format=torch.channels_last))
        drawn, trust = values.float().unbind(1)  # (batch, height, width) each
        drawn = torch.sigmoid(drawn)
        blend = drawn + trust * (picture[:, 0] - drawn)  # a bounded trust would get stuck where all is trusted
        return blend if self.training else blend.clamp(0, 1)

    def _encode(self, images: Tensor) -> Tensor:
        code, handed = self._down(images)
        return torch.cat([code, *(values.flatten(1) for values in handed)], dim=1)

    def _decode(self, codes: Tensor, told: Tensor | None) -> Tensor:
        code, *parts = codes.split([self.config.code, *(math.prod(field) for field in self._handed)], dim=1)
        handed = [part.unflatten(1, field) for part, field in zip(parts, self._handed, strict=True)]
        return self._up(code, handed)

    def _bound(self, pixels: Tensor) -> Tensor:
        return pixels  # a blend of pixels in [0, 1] lies there already

    def forward(self, images: Tensor, k: int | Tensor | None = None) -> Tensor:
        """Encode and decode: (n, height, width) -> (n, height, width), without packing all that is handed over."""
        return self._up(*self._down(self._checked(images)))

    def calibrate(self, images: Array) -> None:
        """As every network does, but from 1,000 of the images at most: the codes of all would fill the memory."""
        super().calibrate(images[:: max(1, len(images) // 1000)])


class _Blocks(nn.Module):
    """2x2 pixels become channels: (batch, c, h, w) -> (batch, 4 c, h / 2, w / 2). Also of an empty batch."""

    def forward(self, values: Tensor) -> Tensor:
        count, channels, height, width = values.shape
        blocks = values.view(count, channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
        return blocks.reshape(count, 4 * channels, height // 2, width // 2)


class _Unblocks(nn.Module):
    """The other way round: (batch, 4 c, h, w) -> (batch, c, 2 h, 2 w)."""

    def forward(self, values: Tensor) -> Tensor:
        count, channels, height, width = values.shape
        blocks = values.reshape(count, channels // 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
        return blocks.reshape(count, channels // 4, 2 * height, 2 * width)


class _Residual(nn.Module):
    """Two 3x3 convolutions whose result is added to what went in; nothing at first (Zhang, Dauphin & Ma 2019)."""

    def __init__(self, channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *_conv(channels, channels, 3, config), last := _plain_conv(channels, channels, 3, config)
        )
        nn.init.zeros_(last.weight)

    def forward(self, values: Tensor) -> Tensor:
        return cast(Tensor, values + self.change(values))


def _plain_conv(before: int, after: int, side: int, config: NetworkConfig) -> nn.Conv2d:
    layer = nn.Conv2d(before, after, side, padding=side // 2, bias=config.bias)
    _initialise(layer, followed=False)
    return layer


def _halve(before: int, after: int, config: NetworkConfig) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, 2, stride=2, bias=config.bias)
    _initialise(layer, followed=config.activation != "linear")
    return [layer, _ACTIVATIONS[config.activation]()]


def _conv(before: int, after: int, side: int, config: NetworkConfig) -> list[nn.Module]:
    layer = nn.Conv2d(before, after, side, padding=side // 2, bias=config.bias)
    _initialise(layer, followed=config.activation != "linear")
    return [layer, _ACTIVATIONS[config.activation]()]


FAMILIES: dict[str, type[Autoencoder]] = {"conv": ConvAutoencoder, "dense": DenseAutoencoder, "unet": UNet}


def build(config: NetworkConfig, seed: int = 0) -> Autoencoder:
    """Build a network with fresh weights.

    Weights are drawn by He et al. 2015 ("Delving deep into rectifiers"), biases start at zero. The same config and seed
    give the same weights; the caller's random state is left alone.

    Parameters
    ----------
    config : NetworkConfig
        The architecture.
    seed : int
        Seed of the weights.

    Returns
    -------
    Autoencoder
        In evaluation mode.

    Examples
    --------
    >>> network = build(NetworkConfig(hidden=(), code=2, bias=False, activation="linear", output="linear"))
    >>> network.parameter_count  # 784 weights a code number, there and back
    3136
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FAMILIES[config.family](config).eval()


def _stack(sizes: Sequence[int], config: NetworkConfig) -> nn.Sequential:
    """Linear layers through `sizes`, with normalisation and activation after all but the last."""
    layers: list[nn.Module] = []
    last = len(sizes) - 2
    for place, (before, after) in enumerate(itertools.pairwise(sizes)):
        layer = nn.Linear(before, after, bias=config.bias)
        _initialise(layer, followed=place != last and config.activation != "linear")
        layers += [layer, *(_after(after, config) if place != last else [])]
    return nn.Sequential(*layers)


def _after(units: int, config: NetworkConfig, *, conv: bool = False) -> list[nn.Module]:
    norm: list[nn.Module] = []
    if config.normalise:
        norm = [nn.BatchNorm2d(units) if conv else nn.LayerNorm(units, bias=config.bias)]
    return [*norm, _ACTIVATIONS[config.activation]()]


def _initialise(layer: nn.Module, *, followed: bool = True) -> None:
    """He et al. 2015; `followed` says whether a rectifier comes after the layer."""
    gain: Literal["relu", "linear"] = "relu" if followed else "linear"
    if isinstance(layer, nn.Linear | nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity=gain)
    elif isinstance(layer, nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity=gain)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
