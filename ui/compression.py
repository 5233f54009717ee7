"""One digit through a bottleneck, by the network and by PCA: what came back, how good it is, and how to say so.

It knows models and figures; it draws nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import aecore
from aecore.recipes import CODE_SIZES, LARGEST_CODE
from ui import resources

Array = NDArray[np.float32]
RAW = 28 * 28  # bytes of a digit, a byte a pixel


@dataclass(frozen=True)
class Dials:
    """What is set on the page."""

    k: int  # numbers in the code
    bits: int  # of each number
    ordered: bool  # the first k numbers of the ordered network, or the network made for k

    @property
    def network(self) -> str:
        """Name of the shipped network."""
        return "ordered" if self.ordered else f"digits-{self.k}"

    @property
    def kinds(self) -> tuple[str, str]:
        """Which of `curves` these settings lie on."""
        return ("ordered" if self.ordered else "network", "pca")


@dataclass(frozen=True)
class Result:
    """What one method made of a digit."""

    code: Array  # (k,), rounded to the bits
    picture: Array  # (28, 28) in [0, 1]
    mse: float
    psnr: float  # dB
    ssim: float
    kept: float  # part of the digit's distance from the mean digit that survives


@dataclass(frozen=True)
class Comparison:
    """The network and PCA on one digit, at the same number of numbers and bits."""

    image: Array  # (28, 28)
    dials: Dials
    network: Result
    pca: Result
    code_bytes: int
    png_bytes: int


def sizes(ordered: bool) -> tuple[int, ...]:
    """Code sizes that there are: any with the ordered network, else one network each."""
    return tuple(range(1, LARGEST_CODE + 1)) if ordered else CODE_SIZES


def nearest_size(k: int) -> int:
    """The dedicated network's code size nearest to k."""
    return min(CODE_SIZES, key=lambda size: abs(np.log(size / k)))


def compress(image: Array, dials: Dials) -> Comparison:
    """Compress one digit (28, 28) by both methods.

    Raises
    ------
    CheckpointError
        If one of the models is missing or broken.
    """
    network, pca = resources.model(dials.network), resources.model("pca")
    mean = pca.mean
    return Comparison(
        image=image,
        dials=dials,
        network=_through(network, image, dials, mean),
        pca=_through(pca, image, dials, mean),
        code_bytes=aecore.code_bytes(dials.k, dials.bits),
        png_bytes=aecore.png_bytes(image),
    )


def _through(model: Any, image: Array, dials: Dials, mean: Array) -> Result:
    batch = image[None]
    code = model.quantise(model.encode(batch), dials.bits)[:, : dials.k]
    picture = np.clip(model.decode(code), 0, 1)
    return Result(
        code=code[0],
        picture=picture[0],
        mse=float(aecore.mse(batch, picture)[0]),
        psnr=float(aecore.psnr(batch, picture)[0]),
        ssim=float(aecore.ssim(batch, picture)[0]),
        kept=aecore.information_kept(batch, picture, mean),
    )


def verdict(result: Comparison) -> str:
    """What is seen, in two sentences."""
    dials, ours, theirs = result.dials, result.network.kept, result.pca.kept
    size = "1 byte" if result.code_bytes == 1 else f"{result.code_bytes} bytes"
    verb = "is" if dials.k == 1 else "are"
    times = RAW / result.code_bytes
    fewer = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    start = f"{numbers(dials.k)} at {dials.bits} bits {verb} {size}: {fewer} times fewer than the {RAW} raw bytes."
    if percent(ours) == percent(theirs):
        return f"{start} The autoencoder and PCA both keep {percent(ours)} of this digit's variation."
    if ours > theirs:
        return f"{start} The autoencoder keeps {percent(ours)} of this digit's variation, PCA {percent(theirs)}."
    return (
        f"{start} PCA wins on this digit: it keeps {percent(theirs)} of the variation, the autoencoder {percent(ours)}."
    )


def numbers(k: int) -> str:
    """1 number, 2 numbers."""
    return "1 number" if k == 1 else f"{k} numbers"


def percent(part: float) -> str:
    """A part as whole percent; the last two percent in tenths, where the differences are."""
    if part <= 0:
        return "nothing" if part < -0.005 else "0 %"
    return f"{100 * part:.1f} %" if part >= 0.98 else f"{100 * part:.0f} %"


def rank(error: float, percentiles: Sequence[float]) -> int:
    """How many percent of the test digits have a smaller error: 0 to 100 from the card's 101 percentiles."""
    return int(np.searchsorted(np.asarray(percentiles), error, side="left"))


def standing(error: float, percentiles: Sequence[float]) -> str:
    """Where an error lies among those of the test digits, and what that says."""
    place = rank(error, percentiles)
    if place > 100:
        return "higher than of any test digit: this does not look like a digit"
    if place >= 99:
        return "higher than 99 % of digits: this does not look like a digit"
    if place >= 95:
        return f"higher than {place} % of digits: an unusual digit, if it is one"
    if place >= 50:
        return f"higher than {place} % of digits: still in the range of digits"
    if place == 0:
        return "lower than of any test digit: as easy as a digit gets"
    return f"higher than {place} % of digits only: as easy as a digit"


def place_among_digits(image: Array, dials: Dials) -> str:
    """Where this digit's error lies among those of the test digits, in a sentence."""
    _, errors = unrounded(image[None], dials)
    return f"The network's error here, before rounding, is {standing(float(errors[0]), percentiles(dials))}."


def unrounded(images: Array, dials: Dials) -> tuple[Array, NDArray[np.float64]]:
    """Reconstructions (n, 28, 28) and errors (n,) before rounding to bits, as the card's percentiles were measured."""
    model = resources.model(dials.network)
    pictures = np.clip(model.reconstruct(images, dials.k), 0, 1)
    return pictures, aecore.mse(images, pictures)


def percentiles(dials: Dials) -> list[float]:
    """The 0th to 100th percentile of the test digits' errors, from the network's card.

    Raises
    ------
    CheckpointError
        If the card is missing, broken or without them.
    """
    try:
        return list(resources.card(dials.network)["sizes"][str(dials.k)]["model"]["mse_percentiles"])
    except (KeyError, TypeError) as error:
        raise aecore.CheckpointError(
            f"the card of {dials.network} has no percentiles of the test digits' errors at {dials.k} numbers"
        ) from error


class Curve(NamedTuple):
    """Test error over code size, of one method, from the cards."""

    title: str
    kind: str  # "network", "ordered" or "pca"
    errors: dict[int, float]  # code size -> mean squared error


def curves() -> list[Curve]:
    """The curves of all shipped models whose cards can be read."""
    dedicated: dict[int, float] = {}
    for size in CODE_SIZES:
        dedicated.update(_test_errors(f"digits-{size}"))
    found = [
        Curve("autoencoder, a network for each size", "network", dedicated),
        Curve("autoencoder, one ordered code", "ordered", _test_errors("ordered")),
        Curve("PCA", "pca", _test_errors("pca")),
    ]
    return [curve for curve in found if curve.errors]


def curve_in_words(found: Sequence[Curve]) -> str:
    """The ends of each curve, for those who do not see it."""
    return " ".join(
        f"{curve.title}: {curve.errors[min(curve.errors)]:.4f} at {min(curve.errors)}, "
        f"{curve.errors[max(curve.errors)]:.4f} at {max(curve.errors)}."
        for curve in found
    )


def _test_errors(name: str) -> dict[int, float]:
    try:
        return {int(k): float(figures["model"]["mse"]) for k, figures in resources.card(name)["sizes"].items()}
    except (aecore.CheckpointError, KeyError, TypeError, ValueError):  # the rest of the page still says something
        return {}


def code_lines(image_lines: Sequence[str], dials: Dials) -> str:
    """The library's own lines for what is on screen; they run as they are."""
    k = dials.k
    cut = f"[:, :{k}]"
    rows = [
        "import numpy as np",
        "import aecore",
        "",
        *image_lines,
        f'network, pca = aecore.load("{dials.network}"), aecore.load("pca")',
        "",
        "for model in network, pca:",
        f"    code = model.quantise(model.encode(image), bits={dials.bits}){cut}  # (1, {k})",
        "    picture = np.clip(model.decode(code), 0, 1)  # (1, 28, 28)",
        "    print(aecore.mse(image, picture), aecore.psnr(image, picture), aecore.ssim(image, picture))",
        "    print(aecore.information_kept(image, picture, pca.mean))",
        f"print(aecore.code_bytes({k}, {dials.bits}), aecore.png_bytes(image[0]))",
    ]
    return "\n".join(rows)


def code_csv(result: Comparison) -> str:
    """Both codes as CSV, a number a row."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["number", "autoencoder", "pca"])
    for place, (ours, theirs) in enumerate(zip(result.network.code, result.pca.code, strict=True), start=1):
        rows.writerow([place, f"{ours:.6g}", f"{theirs:.6g}"])
    return file.getvalue()
