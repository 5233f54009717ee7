"""What was made of a damaged digit, as HTML, as a chart and as a picture to keep. It calls no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore.denoising import TITLES
from aecore.noise import NOISES
from ui import charts, denoising
from ui.denoising import Comparison, Curve, Restored

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("PSNR ↑", "SSIM ↑", "Noise left ↓")
KINDS = {"denoiser": "network", "plain": "plain", "noisy": "", "overcomplete": "over"}  # all else is a filter


def comparison_html(result: Comparison, verdict: str, digit: str) -> str:
    """The verdict and six pictures."""
    best, second = result.filters[:2]
    told = "best on training digits" if result.damage.paint is None else "as for salt and pepper"
    noisy = _panel(result.noisy, result.damage.title)
    panels = [
        charts.Panel("Clean", digit, _picture(result.image, f"The clean picture: {digit}")),
        noisy if result.damage.paint is None else noisy._replace(title="Damaged picture"),
        _panel(result.denoiser, "has to see by itself what it is"),
        _panel(result.plain, "trained without noise"),
        _panel(best, told),
        _panel(second, "second best"),
    ]
    return f'<p class="ae-verdict">{escape(verdict)}</p><div class="ae-mended">{charts.panels(panels)}</div>'


def _panel(made: Restored, note: str) -> charts.Panel:
    figures = f"{denoising.decibels(made.psnr)}, SSIM {made.ssim:.2f}"
    alt = f"{made.title}: {figures}"
    return charts.Panel(made.title, f"{figures} · {note}", _picture(made.picture, alt), kind(made.name))


def _picture(image: charts.Array, alt: str) -> str:
    return charts.pixel_image(charts.grey_pixels(image), alt)


def kind(name: str) -> str:
    """Which colour a method has."""
    return KINDS.get(name, "pca")


def table_html(result: Comparison) -> str:
    """The figures of every method on this digit."""
    rows = [(made.title, kind(made.name), _cells(made)) for made in result.rows]
    return f'<div class="ae-figures ae-wide">{charts.figures_table(rows, COLUMNS, _best(result))}</div>'


def _cells(made: Restored) -> tuple[str, ...]:
    return f"{made.psnr:.1f} dB", f"{made.ssim:.2f}", denoising.share(made.left)


def _best(result: Comparison) -> list[int]:
    """Which row wins PSNR and SSIM; none wins the last column, where a picture wiped blank would."""
    rows = result.rows
    return [
        max(range(len(rows)), key=lambda row: rows[row].psnr),
        max(range(len(rows)), key=lambda row: rows[row].ssim),
        -1,
    ]


def headlines_html(headlines: dict[str, dict[str, Any]]) -> str:
    """PSNR and SSIM of every method on all test digits."""
    names = list(next(iter(headlines.values()))["methods"])
    columns = [
        f"{NOISES[noise].title} {result['strength']:g}: {figure}"
        for noise, result in headlines.items()
        for figure in ("PSNR ↑", "SSIM ↑")
    ]
    values = [
        [part for result in headlines.values() for part in (result["methods"][name][f] for f in ("psnr", "ssim"))]
        for name in names
    ]
    best = np.array(values).argmax(axis=0).tolist()
    rows = [
        (
            TITLES[name],
            kind(name),
            [f"{value:.1f} dB" if place % 2 == 0 else f"{value:.3f}" for place, value in enumerate(row)],
        )
        for name, row in zip(names, values, strict=True)
    ]
    table = charts.figures_table(rows, columns, best).replace("This digit", "All test digits")
    return f'<div class="ae-figures ae-wide">{table}</div>'


def identity_html(noisy: Restored, made: Sequence[tuple[Restored, str]]) -> str:
    """The noisy digit and what three networks make of it, each with the share of the noise that survives."""
    figures = "".join(
        f"<figure>{_picture(one.picture, f'{one.title}: {denoising.share(one.left)} of the noise survives')}"
        f'<figcaption><b class="ae-{kind(one.name) or "muted"}">{escape(one.title)}</b>'
        f'<strong class="ae-share">{denoising.share(one.left)}</strong>'
        f"<span>{escape(note)}</span></figcaption></figure>"
        for one, note in ((noisy, "of the noise is in what goes in"), *made)
    )
    return f'<div class="ae-identity">{figures}</div>'


def comparison_png(result: Comparison) -> bytes:
    """Clean, damaged and restored side by side, to keep."""
    parts = [("Clean", charts.grey_pixels(result.image))]
    for made in (result.noisy, result.plain, result.denoiser, result.filters[0]):
        parts.append((f"{made.title}, {made.psnr:.1f} dB", charts.grey_pixels(made.picture)))
    return charts.labelled_picture(parts)


_LINES: dict[str, dict[str, Any]] = {
    "denoiser": {"color": charts.BLUE, "dash": "solid", "width": 3.5},
    "plain": {"color": "#b3609a", "dash": "dashdot", "width": 2.5},
    "noisy": {"color": "#808a96", "dash": "dot", "width": 2.5},
    "median": {"color": charts.ORANGE, "dash": "solid", "width": 1.5},
    "nl_means": {"color": charts.ORANGE, "dash": "dash", "width": 1.5},
    "tv": {"color": charts.ORANGE, "dash": "dot", "width": 1.5},
    "wavelet": {"color": charts.ORANGE, "dash": "longdash", "width": 1.5},
    "ridge": {"color": charts.ORANGE, "dash": "dashdot", "width": 1.5},
}
_SYMBOLS = {"median": "square", "nl_means": "diamond", "tv": "triangle-up", "wavelet": "x", "ridge": "cross"}


def strength_curves(curves: Sequence[Curve], here: Sequence[tuple[float, float]]) -> go.Figure:
    """PSNR over strength, with a ring around each point where one is.

    Parameters
    ----------
    curves : sequence of Curve
        One a method.
    here : sequence of (strength, PSNR)
        Points to mark.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for curve in curves:
        symbol = _SYMBOLS.get(curve.name)
        figure.add_scatter(
            x=curve.strengths,
            y=curve.psnr,
            name=curve.title,
            mode="lines+markers" if symbol else "lines",
            line=_LINES[curve.name],
            marker={"symbol": symbol or "circle", "size": 6},
            hovertemplate="%{y:.1f} dB",
        )
    if here:
        figure.add_scatter(
            x=[strength for strength, _ in here],
            y=[value for _, value in here],
            name="you are here",
            mode="markers",
            marker={"symbol": "circle-open", "size": 17, "color": "#808a96", "line": {"width": 3.5}},
            hoverinfo="skip",
        )
    figure.update_xaxes(title="strength of the noise", range=[0.06, 1.04], dtick=0.1)
    figure.update_yaxes(title="PSNR, dB", rangemode="normal")
    figure.update_layout(
        height=400,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        dragmode=False,  # a finger scrolls the page
        hovermode="x unified",
    )
    return figure
