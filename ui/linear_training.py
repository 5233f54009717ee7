"""What the PCA page trains: its settings, the work behind its button, and what came of it. It draws nothing."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import aecore
from aecore.equivalence import LinearVariant, trained_parameters
from ui import resources
from ui.compression import numbers

if TYPE_CHECKING:
    from aecore.networks import Autoencoder

Array = NDArray[np.float32]
SIZES = (1, 2, 4, 8, 16, 32, 64)
ACTIVATIONS = ("linear", "relu", "silu", "tanh", "sigmoid")
HIDDEN = 256  # units of the hidden layer on each side that a non-linear activation needs
DIGITS, EPOCHS = 20_000, 10  # what a non-linear network gets: it cannot learn from a covariance
SAMPLE = 4_000  # digits to learn from where MNIST's are missing
SHOWN = 16  # columns of weights that are shown at most


@dataclass(frozen=True)
class Settings:
    """What is set on the page."""

    code: int
    activation: str
    bias: bool
    centred: bool
    tied: bool
    orthogonal: bool
    ordered: bool

    @property
    def linear(self) -> bool:
        """Whether it can be PCA at all."""
        return self.activation == "linear"

    @property
    def variant(self) -> LinearVariant:
        """The linear autoencoder and its training."""
        return LinearVariant("", self.tied, self.orthogonal, self.ordered, self.bias, self.centred)

    @property
    def network(self) -> aecore.NetworkConfig:
        """The architecture."""
        if self.linear:
            return self.variant.network(self.code)
        return aecore.NetworkConfig(
            hidden=(HIDDEN,),
            code=self.code,
            activation=self.activation,
            bias=self.bias,
            tied=self.tied,
            ordered=self.ordered,
        )

    def cleaned(self) -> Settings:
        """The same without what does not apply to a non-linear network."""
        return self if self.linear else replace(self, centred=False, orthogonal=False)


def curved_training(count: int) -> aecore.TrainConfig:
    """How a non-linear network is trained on `count` digits: as many steps, however many digits there are."""
    epochs = round(EPOCHS * DIGITS / count)
    return aecore.TrainConfig(epochs=epochs, batch_size=256, learning_rate=8e-3, valid_fraction=0.0, device="cpu")


@dataclass(frozen=True)
class Progress:
    """One report of either kind of training."""

    step: int
    steps: int
    seconds: float
    loss: float  # mean squared error a pixel on the digits trained on
    optimum: float  # PCA's on the same digits
    excess: float  # loss / optimum - 1
    angle: float | None  # degrees, of a linear network


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of it."""

    parameters: int
    digits: int  # trained on
    judged: int  # digits, none of which it was trained on
    error: float  # mean squared error a pixel on those, pixels clipped to [0, 1]
    pca_error: float
    inputs: Array  # (10, 28, 28), of those digits
    network: Array  # (10, 28, 28), what the network gives back
    pca: Array  # (10, 28, 28)
    columns: Array | None  # (at most SHOWN, 28, 28) of a linear decoder, as trained
    turned: Array | None  # the same after the rotation
    eigendigits: Array  # (at most SHOWN, 28, 28)
    cosines: tuple[float, ...]  # between each turned column and its eigendigit
    straight: tuple[float, ...]  # between each column as trained and the eigendigit of its place


def training_digits() -> tuple[Array, str]:
    """Digits to learn from, (n, 28, 28), and what they are; MNIST's where they are, else four fifths of the sample."""
    try:
        return aecore.load_digits("train", download=False).images, "MNIST's training digits"
    except aecore.DataError:
        images = aecore.load_digits("sample").images
        return images[~_held_out(len(images))], "digits of the offline sample"


def _held_out(count: int) -> NDArray[np.bool_]:
    """Ten of every fifty digits: of each class as many, whether the classes come in turn or one after the other."""
    return np.arange(count) // 10 % 5 == 0


def judging_digits() -> tuple[Array, NDArray[np.int64]]:
    """Digits that `training_digits` does not hold: images and labels."""
    digits = resources.digits()
    if digits.source == "mnist":
        return digits.images, digits.labels
    apart = _held_out(len(digits)) if sample_is_trained_on() else np.ones(len(digits), bool)
    return digits.images[apart], digits.labels[apart]


@st.cache_resource(show_spinner=False)
def moments() -> tuple[aecore.Moments, str]:
    """Mean and covariance of the digits to learn from, and what those are; computed once a server."""
    images, name = training_digits()
    return aecore.Moments.of(images), name


def sample_is_trained_on() -> bool:
    """Whether MNIST's training digits are missing, so that part of the sample is learned from."""
    return "sample" in moments()[1]


@st.cache_resource(show_spinner=False, max_entries=2 * len(SIZES))
def yardstick(code: int, centred: bool) -> aecore.Yardstick:
    """PCA of those digits."""
    seen = moments()[0]
    return aecore.Yardstick.of(seen.centred() if centred else seen, code)


def train(settings: Settings) -> Generator[Progress, None, Trained]:
    """Train what is set; the work of a background job."""
    resources.import_torch()
    return (yield from (_train_linear(settings) if settings.linear else _train_curved(settings)))


def _train_linear(settings: Settings) -> Generator[Progress, None, Trained]:
    variant = settings.variant
    rule = yardstick(settings.code, settings.centred)
    network = aecore.build(settings.network, seed=0)
    for report in aecore.train_linear(network, rule.moments, variant.training):
        here = rule.judge(network)
        yield Progress(report.step, report.steps, report.seconds, here.loss, here.optimum, here.excess, here.angle)
    turned = aecore.rotate_onto_components(network, rule.moments)
    return _result(settings, network, rule, turned)


def _train_curved(settings: Settings) -> Generator[Progress, None, Trained]:
    rule = yardstick(settings.code, False)
    images, _ = training_digits()
    images = images[:DIGITS].copy()  # the rest need not stay in memory
    network = aecore.build(settings.network, seed=0)
    started = time.perf_counter()
    for report in aecore.train(network, images, curved_training(len(images))):
        seconds = time.perf_counter() - started
        loss, optimum = report.train_loss, rule.optimum
        yield Progress(report.epoch, report.epochs, seconds, loss, optimum, loss / optimum - 1, None)
    return _result(settings, network, rule, None, len(images))


def _result(
    settings: Settings,
    network: Autoencoder,
    rule: aecore.Yardstick,
    turned: Autoencoder | None,
    count: int | None = None,
) -> Trained:
    whole = moments()[0]
    pca = aecore.PCA.of_moments(whole, settings.code)
    images, labels = judging_digits()
    offset = pca.mean if settings.centred and settings.linear else np.float32(0)

    def through(batch: Array) -> Array:
        return np.clip(network.reconstruct(batch - offset) + offset, 0, 1)

    ten = images[[int(np.flatnonzero(labels == label)[3]) for label in range(10)]]
    shown = rule.components[:SHOWN]
    columns = None if turned is None else network.decoder_basis()[:SHOWN]
    straightened = None if turned is None else turned.decoder_basis()[:SHOWN]
    return Trained(
        parameters=trained_parameters(network) if settings.linear else network.parameter_count,
        digits=count or whole.count,
        judged=len(images),
        error=float(aecore.mse(images, through(images)).mean()),
        pca_error=float(aecore.mse(images, np.clip(pca.reconstruct(images), 0, 1)).mean()),
        inputs=ten,
        network=through(ten),
        pca=np.clip(pca.reconstruct(ten), 0, 1),
        columns=_pictures(columns),
        turned=_pictures(straightened),
        eigendigits=_pictures(shown),
        cosines=_cosines(straightened, shown),
        straight=_cosines(columns, shown),
    )


def _pictures(rows: Any) -> Any:
    return None if rows is None else rows.reshape(-1, 28, 28).astype(np.float32)


def _cosines(rows: Any, components: Any) -> tuple[float, ...]:
    if rows is None:
        return ()
    lengths = np.linalg.norm(rows, axis=1)
    return tuple(np.abs((rows * components).sum(axis=1) / np.maximum(lengths, 1e-12)).tolist())


# ---------------------------------------------------------------------------------------------------------------------
# In words
# ---------------------------------------------------------------------------------------------------------------------


def share(part: float) -> str:
    """A part in percent, with as many digits as it needs: 270 %, 1.3 %, 0.0001 %, 7 × 10⁻⁹ %."""
    percent = 100 * part
    size = abs(percent)
    if size < 1e-10:
        return "0 %"
    if size >= 0.01:
        return f"{percent:.3g} %" if size < 100 else f"{percent:.0f} %"
    if size >= 0.99e-4:
        return f"{plain(percent)} %"
    digit, power = f"{percent:.0e}".split("e")
    return f"{digit.replace('-', '−')} × 10{str(int(power)).translate(_RAISED)} %"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(number: float) -> str:
    """A number with one digit that counts, never as 1e-06."""
    return str(np.format_float_positional(number, precision=1, unique=False, fractional=False, trim="-"))


def degrees(angle: float) -> str:
    """An angle in degrees."""
    return f"{angle:.1f}°" if angle >= 1 else f"{angle:.2g}°" if angle >= 0.001 else "under 0.001°"


def plan(settings: Settings) -> str:
    """What the button would train."""
    words = [word for word, on in (("tied", settings.tied), ("orthogonal", settings.orthogonal)) if on]
    extra = f", {' and '.join(words)} weights" if words else ""
    extra += ", nested dropout" if settings.ordered else ""
    biases = "with biases" if settings.bias else "no biases"
    if not settings.linear:
        return (
            f"784 → {HIDDEN} → {settings.code} → {HIDDEN} → 784, {settings.activation}, {biases}{extra}: "
            f"{EPOCHS * DIGITS:,} digits shown in mini-batches, for bends need the digits themselves."
            f"{'' if settings.bias else ' Biases help a network with bends.'}"
        )
    mean = "the mean digit subtracted first" if settings.centred else "digits as they are"
    return (
        f"784 → {settings.code} → 784, no activation, {biases}, {mean}{extra}: {settings.variant.training.steps:,} "
        "steps of gradient descent, each over all digits at once."
    )


def verdict(settings: Settings, last: Progress, trained: Trained) -> str:
    """What came of it, in two sentences."""
    if not settings.linear:
        change = trained.error / trained.pca_error - 1
        than = (
            f"{share(-change)} less than PCA's {trained.pca_error:.4f}: bends let it leave PCA behind"
            if change < 0
            else f"{share(change)} more than PCA's {trained.pca_error:.4f}: so short a training was not enough"
        )
        return (
            f"With {numbers(settings.code)}, the non-linear network's error on {trained.judged:,} digits it never saw "
            f"is {trained.error:.4f}, {than}. It took {last.seconds:.1f} s."
        )
    start = f"{last.steps:,} steps, {last.seconds:.1f} s: the network's error is "
    angle = last.angle or 0.0
    if last.excess <= 1e-6 and angle <= 0.05:
        return (
            f"{start}PCA's to within {share(max(last.excess, 0.0))}, and its subspace is PCA's to {degrees(angle)}. "
            "Gradient descent alone has found the principal components' subspace; nobody told it an eigenvector."
        )
    if not settings.bias and not settings.centred:
        return (
            f"{start}{share(last.excess)} above PCA's, and its subspace is off by {degrees(angle)}. Without biases and "
            "with the mean left in, part of the code is spent on drawing the mean digit."
        )
    return f"{start}{share(last.excess)} above PCA's, and its subspace is off by {degrees(angle)}."


def code_lines(settings: Settings, sample: bool) -> str:
    """The library's own lines for what is on screen; they run as they are."""
    shown: dict[str, object] = {"hidden": settings.network.hidden, "code": settings.code}
    if settings.linear:
        shown |= {"bias": settings.bias, "output": "linear"}
    else:
        shown |= {"activation": settings.activation, "bias": settings.bias}
    shown |= {name: True for name in ("tied", "orthogonal", "ordered") if getattr(settings, name)}
    arguments = ", ".join(f"{name}={value!r}" for name, value in shown.items())
    load = (
        [
            'images = aecore.load_digits("sample").images',
            "images = images[np.arange(len(images)) // 10 % 5 != 0]  # it is judged on the others",
        ]
        if sample
        else ['images = aecore.load_digits("train").images  # (55000, 28, 28)']
    )
    rows = [
        "import numpy as np",
        "import aecore",
        "",
        *load,
        f"network = aecore.build(aecore.NetworkConfig({arguments}))",
    ]
    if settings.linear:
        steps = settings.variant.training.steps
        rows += [
            f"moments = aecore.Moments.of(images){'.centred()' if settings.centred else ''}",
            f"yardstick = aecore.Yardstick.of(moments, {settings.code})",
            f"for report in aecore.train_linear(network, moments, aecore.LinearConfig(steps={steps})):",
            "    closeness = yardstick.judge(network)",
            "    print(report.step, closeness.loss, closeness.excess, closeness.angle)",
            "turned = aecore.rotate_onto_components(network, moments)",
            "print(np.abs((turned.decoder_basis() * yardstick.components).sum(axis=1)))  # cosines to the eigendigits",
        ]
    else:
        config = curved_training(SAMPLE if sample else DIGITS)
        rows += [
            f"config = aecore.TrainConfig(epochs={config.epochs}, batch_size={config.batch_size}, "
            f"learning_rate={config.learning_rate}, valid_fraction={config.valid_fraction})",
            f"for report in aecore.train(network, images[:{DIGITS}], config):",
            "    print(report.epoch, report.train_loss)",
        ]
    return "\n".join(rows)


def history_csv(reports: Sequence[Progress]) -> str:
    """The training as CSV, a report a row."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["step", "seconds", "mse", "pca_mse", "excess", "angle_degrees"])
    for one in reports:
        angle = "" if one.angle is None else f"{one.angle:.6g}"
        rows.writerow(
            [one.step, f"{one.seconds:.3f}", f"{one.loss:.9g}", f"{one.optimum:.9g}", f"{one.excess:.3e}", angle]
        )
    return file.getvalue()
