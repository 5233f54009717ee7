"""What a network is and how it is trained, as frozen dataclasses that refuse impossible settings. Knows no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aecore.errors import ConfigError

ACTIVATIONS = ("silu", "relu", "gelu", "tanh", "sigmoid", "linear")
FAMILY_NAMES = ("conv", "dense", "unet")
OUTPUTS = ("linear", "sigmoid")
DEVICES = ("auto", "cpu", "cuda", "mps")
NOISE_NAMES = (  # the keys of noise.NOISES
    *("gaussian", "salt_and_pepper", "masking", "occlusion", "speckle", "blur"),
    *("stripes", "scratches"),
)
LOSSES = ("log_mse", "mse")
PRECISIONS = ("auto", "bfloat16", "float32")
LARGEST_LAYER = 16_384  # units; a typing error should not ask for terabytes


class _Settings:
    """Settings that JSON can hold; a base of the dataclasses below."""

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dictionary that JSON can hold."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]  # each child is a dataclass

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Build a config from `to_dict`'s output.

        Raises
        ------
        ConfigError
            If a setting is unknown or impossible.
        """
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(settings) - known)
        if unknown:
            raise ConfigError(f"{cls.__name__} has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        return cls(**settings)


@dataclass(frozen=True)
class NetworkConfig(_Settings):
    """An autoencoder's architecture.

    The encoder is ``image -> [channels] -> hidden -> code``, the decoder ``code -> decoder -> [channels] -> image``.

    Raises
    ------
    ConfigError
        If a setting, or the combination of settings, is impossible.

    Examples
    --------
    >>> NetworkConfig(hidden=(512, 256), code=32).decoder_sizes
    (256, 512)
    >>> NetworkConfig(hidden=(512, 256), code=32, decoder=(64,)).decoder_sizes
    (64,)
    """

    hidden: tuple[int, ...] = (512, 256)  # units of the encoder's hidden layers, from the image to the code
    code: int = 32  # numbers in the bottleneck
    decoder: tuple[int, ...] | None = None  # units of the decoder's, from the code to the image; None mirrors `hidden`
    family: str = "dense"  # "dense", "conv" or "unet", a key of networks.FAMILIES
    channels: tuple[int, ...] = ()  # conv, unet: channels of each level; each halves the height and the width
    activation: str = "silu"  # after each hidden layer, one of ACTIVATIONS; "linear" means none
    normalise: bool = True  # layer normalisation (conv: batch normalisation) before each activation
    bias: bool = True  # whether the layers add a bias
    tied: bool = False  # dense only: the decoder uses the encoder's weights, transposed
    orthogonal: bool = False  # dense only: the weights of each layer stay orthonormal
    output: str = "sigmoid"  # "sigmoid" keeps pixels in (0, 1); "linear" does not bound them
    ordered: bool = False  # nested dropout: the first k numbers of the code are a code of their own
    shape: tuple[int, int] = (28, 28)  # height and width of an image in pixels

    def __post_init__(self) -> None:
        for name in ("hidden", "decoder", "channels", "shape"):
            _make_tuple(self, name)
        sizes = (*self.hidden, *(self.decoder or ()), *self.channels, *self.shape, self.code)
        for size in sizes:
            if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST_LAYER:
                raise ConfigError(f"a layer has {size!r} units; give whole numbers from 1 to {LARGEST_LAYER}")
        _one_of("family", self.family, FAMILY_NAMES)
        _one_of("activation", self.activation, ACTIVATIONS)
        _one_of("output", self.output, OUTPUTS)
        if self.family != "dense":
            if not self.channels:
                raise ConfigError(f"a {self.family} network has no channels; give some, for example channels=(16, 32)")
            if any(side % 2 ** len(self.channels) for side in self.shape):
                raise ConfigError(
                    f"{len(self.channels)} convolutions each halve the picture, and {self.shape} cannot be halved so "
                    "often; give fewer channels"
                )
            if self.tied or self.orthogonal:
                raise ConfigError("tied and orthogonal weights are for dense networks; take family='dense'")
            if self.family == "unet" and (self.ordered or self.output != "sigmoid"):
                raise ConfigError(
                    "a unet's skips pass its code by, and it blends pictures: no ordered code, no linear output"
                )
        elif self.channels:
            raise ConfigError(f"channels={self.channels} need family='conv' or 'unet', got family={self.family!r}")
        if self.tied and self.decoder is not None and self.decoder != self.hidden[::-1]:
            raise ConfigError(
                f"tied weights need a decoder that mirrors the encoder {self.hidden}, got {self.decoder}; leave it out"
            )

    @property
    def decoder_sizes(self) -> tuple[int, ...]:
        """Units of the decoder's hidden layers, from the code to the image."""
        return self.hidden[::-1] if self.decoder is None else self.decoder

    @property
    def pixels(self) -> int:
        """Numbers in one image."""
        return self.shape[0] * self.shape[1]

    @property
    def is_linear(self) -> bool:
        """Whether encoder and decoder are (affine) linear maps, as PCA's are."""
        layered = bool(self.hidden or self.decoder_sizes)
        bends = layered and (self.activation != "linear" or self.normalise)
        return self.family == "dense" and self.output == "linear" and not bends


@dataclass(frozen=True)
class TrainConfig(_Settings):
    """How a network is trained: AdamW, warm-up, then a cosine to zero.

    Raises
    ------
    ConfigError
        If a setting is impossible.
    """

    epochs: int = 20  # passes over the training images
    batch_size: int = 512  # images a step
    learning_rate: float = 8e-3  # at its peak, after the warm-up
    warmup: float = 0.1  # part of all steps in which the learning rate rises from zero
    weight_decay: float = 0.0  # AdamW's decoupled weight decay (Loshchilov & Hutter 2019)
    betas: tuple[float, float] = (0.9, 0.99)  # AdamW's moving averages
    noise: tuple[str, ...] | None = None  # damage done to each image, each time anew, with the clean one as the target:
    # names of noise.NOISES, one of them drawn for each image at a strength drawn from [0, 1] (twice in the list: twice
    # as often), or "all"
    loss: str = "mse"  # "mse", or "log_mse": the mean of its logarithm, which is PSNR, so that faint noise counts too
    shift: int = 0  # augmentation: each image is moved by up to this many pixels, each time anew
    shift_until: float = 1.0  # part of all epochs after which images are left in their place
    valid_fraction: float = 0.1  # part of the images held out to watch; 0 trains on all of them
    patience: int | None = None  # stop after so many epochs without a better validation loss; None never stops early
    seed: int = 0  # of the order of images, the shifts and the nested dropout
    device: str = "auto"  # one of DEVICES; "auto" takes CUDA, then MPS, then the CPU
    precision: str = "auto"  # one of PRECISIONS; "auto" takes bfloat16 where this processor multiplies faster with it

    def __post_init__(self) -> None:
        _make_tuple(self, "betas")
        if self.noise is not None:
            _make_noise(self)
        _whole("epochs", self.epochs, 1, 100_000)
        _whole("batch_size", self.batch_size, 1, 1_000_000)
        _whole("shift", self.shift, 0, 8)
        _whole("seed", self.seed, 0, 2**63 - 1)
        _between("learning_rate", self.learning_rate, 0.0, 10.0, low_open=True)
        _between("warmup", self.warmup, 0.0, 1.0)
        _between("shift_until", self.shift_until, 0.0, 1.0)
        _between("weight_decay", self.weight_decay, 0.0, 10.0)
        _between("valid_fraction", self.valid_fraction, 0.0, 0.9)
        for beta in self.betas:
            _between("betas", beta, 0.0, 0.9999999)
        if self.patience is not None:
            _whole("patience", self.patience, 1, 100_000)
            if self.valid_fraction == 0.0:
                raise ConfigError("patience watches the validation loss, but valid_fraction is 0; give one of them up")
        _one_of("loss", self.loss, LOSSES)
        _one_of("device", self.device, DEVICES)
        _one_of("precision", self.precision, PRECISIONS)


@dataclass(frozen=True)
class LinearConfig(_Settings):
    """How a linear autoencoder is trained on the covariance of its images: Adam, warm-up, then a cosine to zero.

    Raises
    ------
    ConfigError
        If a setting is impossible.
    """

    steps: int = 1500  # of gradient descent; each sees all images
    learning_rate: float = 1e-2  # at its peak, after the warm-up
    warmup: float = 0.02  # part of all steps in which the learning rate rises from zero
    betas: tuple[float, float] = (0.9, 0.99)  # Adam's moving averages
    reports: int = 60  # how many are yielded, evenly spread, the last one at the end

    def __post_init__(self) -> None:
        _make_tuple(self, "betas")
        _whole("steps", self.steps, 1, 1_000_000)
        _whole("reports", self.reports, 1, self.steps)
        _between("learning_rate", self.learning_rate, 0.0, 10.0, low_open=True)
        _between("warmup", self.warmup, 0.0, 1.0)
        for beta in self.betas:
            _between("betas", beta, 0.0, 0.9999999)


def _make_tuple(config: Any, name: str) -> None:
    """Let a list, as JSON has it, stand for a tuple."""
    value = getattr(config, name)
    if isinstance(value, list):
        object.__setattr__(config, name, tuple(value))
    elif not (isinstance(value, tuple) or (name == "decoder" and value is None)):
        raise ConfigError(f"{name} is {value!r}; give a tuple of numbers")


def _make_noise(config: TrainConfig) -> None:
    """Let one name stand for a list of one, and "all" for all."""
    noise: Any = config.noise
    names = NOISE_NAMES if noise == "all" else (noise,) if isinstance(noise, str) else noise
    if not isinstance(names, tuple | list) or not names or not set(names) <= set(NOISE_NAMES):
        raise ConfigError(f"noise is {noise!r}; take None, 'all', or some of {', '.join(NOISE_NAMES)}")
    object.__setattr__(config, "noise", tuple(names))


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is {value!r}; take one of {', '.join(known)}")


def _whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{name} is {value!r}; give a whole number from {low} to {high}")


def _between(name: str, value: object, low: float, high: float, *, low_open: bool = False) -> None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not fits or (low_open and value == low):
        raise ConfigError(f"{name} is {value!r}; give a number {'above' if low_open else 'from'} {low} up to {high}")
