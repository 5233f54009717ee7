"""One digit, damaged, and what the networks and the classical filters make of it: pictures, figures, and words.

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
from aecore.denoising import HEADLINES, PLAIN, TITLES, best_filter, noise_left, psnr
from aecore.filters import METHODS
from aecore.noise import NOISES
from aecore.recipes import TRAINED_NOISES
from ui import resources

Array = NDArray[np.float32]

NAMES = {noise.title.lower(): name for name, noise in NOISES.items()}  # as the page and its address say it -> aecore's
BLACK, WHITE, UNTOUCHED = 0.0, 1.0, 7 / 15  # what a painted map says of a pixel
PAINTED_AS = "salt_and_pepper"  # the noise that filters are told where the damage was painted by hand
MEANING = {  # what a strength is, for people
    "gaussian": "standard deviation {0:.2g}, clipped to black and white",
    "salt_and_pepper": "{1:.0f} % of the pixels are black or white at random",
    "masking": "{1:.0f} % of the pixels are gone",
    "occlusion": "a square of {2} × {2} pixels is covered",
    "speckle": "each pixel times a random factor; its logarithm has standard deviation {3:.2g}",
    "blur": "blurred over {4:.2g} pixels",
    "stripes": "a wave of amplitude {5:.2g} on top",
    "scratches": "{6:.2g} bright lines across",
}


@dataclass(frozen=True, eq=False)
class Damage:
    """What is done to the digit."""

    noise: str = "gaussian"  # a key of NOISES; with paint, what the filters are told
    strength: float = 0.5
    seed: int = 0
    paint: Array | None = None  # (28, 28) of BLACK, WHITE and UNTOUCHED: painted by hand instead of noise
    packed: str = ""  # the paint as the address has it

    def apply(self, image: Array) -> Array:
        """(28, 28) -> (28, 28), damaged."""
        if self.paint is None:
            return aecore.add_noise(image[None], self.noise, self.strength, self.seed)[0]
        return np.where(self.paint < 0.25, 0, np.where(self.paint > 0.75, 1, image)).astype(np.float32)

    @property
    def name(self) -> str:
        """The noise, or the one that filters are told, for people."""
        return NOISES[self.noise].title

    @property
    def title(self) -> str:
        """What it is, for people."""
        return "painted by hand" if self.paint is not None else f"{self.name.lower()} {self.strength:g}"

    @property
    def known(self) -> bool:
        """Whether the denoiser was trained on this kind of damage."""
        return self.paint is None and self.noise in TRAINED_NOISES

    @property
    def meaning(self) -> str:
        """What the strength is."""
        s = self.strength
        parts = (2 * s * s, 100 * s, round(28 * s), 3 * s, 4 * s, 1.5 * s, 12 * s)
        return MEANING[self.noise].format(*parts)


def painted(paint: Array, packed: str) -> Damage:
    """Damage that was painted by hand. The filters are told of salt and pepper on as many pixels."""
    share = float((np.abs(paint - UNTOUCHED) > 0.25).mean())
    return Damage(PAINTED_AS, max(0.05, round(share, 2)), 0, paint, packed)


class Restored(NamedTuple):
    """What one method made of the damaged digit."""

    name: str  # a key of aecore.denoising.TITLES
    picture: Array  # (28, 28) in [0, 1]
    psnr: float  # dB, at most 60
    ssim: float
    left: float | None  # share of the noise that survives; None where there is no noise

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES[self.name]


@dataclass(frozen=True, eq=False)
class Comparison:
    """All methods on one damaged digit."""

    image: Array  # (28, 28), clean
    damage: Damage
    noisy: Restored
    plain: Restored  # the network of the Compress page
    denoiser: Restored
    filters: tuple[Restored, ...]  # the best on training digits first

    @property
    def rows(self) -> tuple[Restored, ...]:
        """All of them, as the table shows them."""
        return (self.noisy, self.plain, self.denoiser, *self.filters)


def compare(image: Array, damage: Damage) -> Comparison:
    """Damage a digit (28, 28) and let every method restore it.

    Raises
    ------
    CheckpointError
        If one of the models is missing or broken.
    """
    filters = resources.model("filters")
    settings = filters.settings(damage.noise, damage.strength)
    order = sorted(METHODS, key=lambda name: -settings[name]["psnr"])
    noisy = damage.apply(image)

    def judged(name: str, restore: Any) -> Restored:
        back, calm = (np.clip(picture, 0, 1) for picture in restore(np.stack([noisy, image])))
        changed = bool((noisy != image).any())
        left = noise_left(back[None], calm[None], image[None], noisy[None]) if changed else None
        return Restored(name, back, *_figures(image, back), left)

    return Comparison(
        image=image,
        damage=damage,
        noisy=judged("noisy", lambda images: images),
        plain=judged("plain", resources.model(PLAIN).reconstruct),
        denoiser=judged("denoiser", resources.model("denoiser").reconstruct),
        filters=tuple(
            judged(name, lambda images, name=name: filters.denoise(images, damage.noise, damage.strength, name))
            for name in order
        ),
    )


def overcomplete(image: Array, damage: Damage) -> Restored:
    """What the overcomplete network makes of the damaged digit."""
    noisy = damage.apply(image)
    back, calm = np.clip(resources.model("overcomplete").reconstruct(np.stack([noisy, image])), 0, 1)
    left = noise_left(back[None], calm[None], image[None], noisy[None]) if (noisy != image).any() else None
    return Restored("overcomplete", back, *_figures(image, back), left)


def _figures(image: Array, picture: Array) -> tuple[float, float]:
    return float(psnr(image[None], picture[None])[0]), float(aecore.ssim(image[None], picture[None])[0])


def verdict(result: Comparison) -> str:
    """What is seen, in two sentences."""
    ours, rival = result.denoiser, result.filters[0]
    start = (
        f"The damage leaves {decibels(result.noisy.psnr)}; the denoiser brings the digit back to {decibels(ours.psnr)}"
    )
    kind = "best filter" if result.damage.paint is None else "filter"
    if f"{ours.psnr:.1f}" == f"{rival.psnr:.1f}":
        return f"{start}, and so does the {kind}, {rival.title.lower()}."
    if ours.psnr > rival.psnr:
        gain = ours.psnr - rival.psnr
        return f"{start}, {gain:.1f} dB above the {kind}, {rival.title.lower()} ({decibels(rival.psnr)})."
    return f"{start}. Here the {kind} wins: {rival.title.lower()} reaches {decibels(rival.psnr)}."


def decibels(value: float) -> str:
    """A PSNR for people."""
    return "no error to speak of" if value >= 60 else f"{value:.1f} dB"


def share(left: float | None) -> str:
    """A share of noise for people."""
    return "–" if left is None else f"{100 * left:.0f} %".replace("-0 %", "0 %").replace("-", "−")


# ---------------------------------------------------------------------------------------------------------------------
# From the card
# ---------------------------------------------------------------------------------------------------------------------


class Curve(NamedTuple):
    """PSNR over strength, of one method."""

    name: str
    title: str
    strengths: list[float]
    psnr: list[float]


def curves(noise: str) -> list[Curve]:
    """PSNR over strength at a noise, of every method, from the denoiser's card.

    Raises
    ------
    CheckpointError
        If the card is missing, broken or without them.
    """
    measured = _card_part("curves")
    methods = measured["noises"][noise]["methods"]
    return [Curve(name, TITLES[name], measured["strengths"], methods[name]["psnr"]) for name in methods]


def at(curve: Curve, strength: float) -> float:
    """The curve's PSNR at a strength, straight between those measured."""
    return float(np.interp(strength, curve.strengths, curve.psnr))


def curve_digits() -> int:
    """How many test digits the curves were measured on."""
    return int(_card_part("curves")["digits"])


def headlines() -> dict[str, dict[str, Any]]:
    """By noise: strength, digits and figures of all methods, from the denoiser's card; raises as `curves`."""
    found: dict[str, dict[str, Any]] = _card_part("headlines")
    return {noise: found[noise] for noise in HEADLINES}


def who_wins() -> str:
    """Where the denoiser wins and where it does not, in words, from the card's curves; raises as `curves`."""
    measured = _card_part("curves")
    strengths = measured["strengths"]
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for noise, result in measured["noises"].items():
        methods = result["methods"]
        best = [methods[best_filter(methods, place=place)]["psnr"][place] for place in range(len(strengths))]
        gains = np.array(methods["denoiser"]["psnr"]) - best
        lost = [strength for strength, gain in zip(strengths, gains, strict=True) if gain < 0]
        title = NOISES[noise].title.lower()
        middle = f"by {gains[np.abs(np.array(strengths) - 0.5).argmin()]:+.1f} dB at 0.5".replace("+", "")
        if not lost:
            text = f"{title} everywhere ({middle})"
        elif len(lost) == len(strengths):
            text = f"{title} nowhere ({-gains.max():.1f} dB behind at best)"
        else:
            text = f"{title} except at {', '.join(f'{strength:g}' for strength in lost)}"
        kinds[bool(result["trained"])].append(text)
    return (
        f"**Where the denoiser beats the best filter:** {'; '.join(kinds[True])}. **At damage it never saw in "
        f"training:** {'; '.join(kinds[False])}. The filters have an advantage throughout: they are told which noise "
        "it is and how strong, and were tuned for each; the denoiser is one network that must see it for itself."
    )


def _card_part(name: str) -> dict[str, Any]:
    try:
        part: dict[str, Any] = resources.card("denoiser")[name]
    except (KeyError, TypeError) as error:
        raise aecore.CheckpointError(f"the card of denoiser has no {name}") from error
    return part


def survival_on_card(name: str) -> float | None:
    """Share of Gaussian noise that survives a method on test digits, from the cards; None where there is none."""
    try:
        card = resources.card("overcomplete" if name == "overcomplete" else "denoiser")
        return float(card["headlines"]["gaussian"]["methods"][name]["noise_left"])
    except (aecore.CheckpointError, KeyError, TypeError):
        return None


# ---------------------------------------------------------------------------------------------------------------------
# To keep
# ---------------------------------------------------------------------------------------------------------------------


def code_lines(image_lines: Sequence[str], damage: Damage) -> str:
    """The library's own lines for what is on screen; they run as they are."""
    if damage.paint is None:
        noisy = [f'noisy = aecore.add_noise(image, "{damage.noise}", {damage.strength:g}, seed={damage.seed})']
    else:
        noisy = [
            f'paint = aecore.unpack_digit("{damage.packed}")  # 0 is black paint, 1 is white, all else none',
            "noisy = np.where(paint < 0.25, 0, np.where(paint > 0.75, 1, image)).astype(np.float32)",
        ]
    rows = [
        "import numpy as np",
        "import aecore",
        "",
        *image_lines,
        *noisy,
        'filters = aecore.load("filters")',
        "restored = {",
        '    "noisy": noisy,',
        f'    "plain": aecore.load("{PLAIN}").reconstruct(noisy),',
        '    "denoiser": aecore.load("denoiser").reconstruct(noisy),',
        "} | {",
        f'    name: filters.denoise(noisy, "{damage.noise}", {damage.strength:g}, name)',
        f'    for name in filters.settings("{damage.noise}", {damage.strength:g})',
        "}",
        "for name, picture in restored.items():",
        "    print(name, aecore.psnr(image, picture)[0], aecore.ssim(image, picture)[0])",
    ]
    return "\n".join(rows)


def figures_csv(result: Comparison) -> str:
    """The figures of all methods on this digit as CSV."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["method", "psnr_db", "ssim", "noise_left"])
    for row in result.rows:
        left = "" if row.left is None else f"{row.left:.6g}"
        rows.writerow([row.title, f"{row.psnr:.6g}", f"{row.ssim:.6g}", left])
    return file.getvalue()
