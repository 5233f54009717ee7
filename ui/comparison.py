"""What the network and PCA made of a digit, as HTML and as a picture to keep. It calls no Streamlit."""

from __future__ import annotations

from html import escape

import numpy as np

import aecore
from ui import charts
from ui.compression import RAW, Comparison, Dials, Result, numbers, percent, percentiles, standing, unrounded
from ui.digit_input import ChosenDigit

COLUMNS = ("MSE\u00a0↓", "PSNR\u00a0↑", "SSIM\u00a0↑", "Information kept\u00a0↑")  # an arrow stays with its word


def comparison_html(result: Comparison, verdict: str, digit: str) -> str:
    """The verdict, six pictures, the scale of the errors, the figures and the sizes in bytes."""
    dials = result.dials
    code = numbers(dials.k)
    panels = [
        charts.Panel("Input", digit, charts.pixel_image(charts.grey_pixels(result.image), f"The input: {digit}")),
        charts.Panel("Its code", f"{code}, {dials.bits} bits each", charts.code_bars(result.network.code), "network"),
        *_of("Autoencoder", "network", result.image, result.network, code),
        *_of("PCA", "pca", result.image, result.pca, code),
    ]
    methods = (("Autoencoder", "network", result.network), ("PCA", "pca", result.pca))
    sizes = (("Raw pixels", RAW, ""), ("As PNG", result.png_bytes, ""), ("Code", result.code_bytes, "network"))
    table = charts.figures_table(
        [(title, kind, _cells(figures)) for title, kind, figures in methods], COLUMNS, _best(result)
    )
    return (
        f'<p class="ae-verdict">{escape(verdict)}</p>{charts.panels(panels)}{charts.error_legend()}'
        f'<div class="ae-figures">{table}{charts.byte_bars(sizes)}</div>'
    )


def _of(title: str, kind: str, image: charts.Array, made: Result, code: str) -> tuple[charts.Panel, charts.Panel]:
    back = charts.pixel_image(charts.grey_pixels(made.picture), f"{title}: what came back from {code}")
    error = charts.pixel_image(
        charts.error_pixels(made.picture - image),
        f"{title}: the signed error, from {(made.picture - image).min():+.2f} to {(made.picture - image).max():+.2f}",
    )
    return (
        charts.Panel(title, f"{percent(made.kept)} kept", back, kind),
        charts.Panel("Its error", f"MSE {made.mse:.4f}", error, kind),
    )


def _cells(figures: Result) -> tuple[str, ...]:
    return f"{figures.mse:.4f}", f"{figures.psnr:.1f} dB", f"{figures.ssim:.2f}", percent(figures.kept)


def _best(result: Comparison) -> list[int]:
    """Which row wins each column; none where the figures read the same."""
    ours, theirs = _cells(result.network), _cells(result.pca)
    better = result.network.mse < result.pca.mse, result.network.psnr > result.pca.psnr
    wins = (*better, result.network.ssim > result.pca.ssim, result.network.kept > result.pca.kept)
    return [-1 if a == b else int(not win) for a, b, win in zip(ours, theirs, wins, strict=True)]


def comparison_png(result: Comparison) -> bytes:
    """Input, reconstructions and errors side by side, to keep."""
    parts = [("Input", charts.grey_pixels(result.image))]
    for title, made in (("Autoencoder", result.network), ("PCA", result.pca)):
        parts.append((f"{title}, {result.dials.k} x {result.dials.bits} bits", charts.grey_pixels(made.picture)))
        parts.append((f"Error, MSE {made.mse:.4f}", charts.error_pixels(made.picture - result.image)))
    return charts.labelled_picture(parts)


def strangers_html(dials: Dials, own: ChosenDigit | None) -> str:
    """Pictures that no network here was trained on, the visitor's own first, each beside what came back."""
    outsiders = aecore.outsiders()
    titles = [outsider.title for outsider in outsiders]
    images = [outsider.image for outsider in outsiders]
    if own is not None:
        titles.insert(0, own.title[0].upper() + own.title[1:])
        images.insert(0, own.image)
    pictures, errors = unrounded(np.stack(images), dials)
    known = percentiles(dials)
    notes = ["Error " + standing(float(error), known) + "." for error in errors]
    credits = " ".join(dict.fromkeys(escape(outsider.credit) for outsider in outsiders))
    return (
        charts.pairs(list(zip(titles, notes, images, pictures, strict=True)))
        + f'<p class="ae-credits ae-muted">{credits}</p>'
    )
