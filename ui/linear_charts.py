"""What the PCA page shows: curves of a training, pictures of weights, variance explained. No Streamlit, no model."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ui import charts
from ui.linear_training import Progress, Trained, degrees, plain, share

if TYPE_CHECKING:
    import plotly.graph_objects as go

LAYERS = (2, 4, 8, 16, 32, 64, 128, 256, 512)  # sizes that a layer often has
GREY = "#808a96"


class Axis(NamedTuple):
    """A logarithmic axis of values that fall."""

    title: str
    low: float  # what is smaller is drawn here
    high: float
    ticks: tuple[tuple[float, str], ...]


EXCESS = Axis(
    "Error above PCA's",
    1e-10,
    10.0,
    ((1, "100 %"), (1e-2, "1 %"), (1e-4, "0.01 %"), (1e-6, "0.0001 %"), (1e-8, "10⁻⁶ %")),
)
ANGLE = Axis(
    "Largest angle to PCA's subspace",
    1e-5,
    200.0,
    ((90, "90°"), (1, "1°"), (0.1, "0.1°"), (0.01, "0.01°"), (1e-3, "0.001°"), (1e-4, "0.0001°")),
)
LOSS = Axis(
    "Mean squared error on the digits trained on",
    0.002,
    0.2,
    ((0.1, "0.1"), (0.05, "0.05"), (0.02, "0.02"), (0.01, "0.01"), (0.005, "0.005")),
)


def curves_html(reports: Sequence[Progress]) -> str:
    """The training so far: error above PCA's and largest angle; of a non-linear network its error beside PCA's.

    Drawn as SVG, not by plotly: live curves come twice a second, and the processor is there for the training.
    """
    last = reports[-1]
    if last.angle is None:
        points = [(one.step, one.loss) for one in reports]
        curves = [curve_svg(LOSS, points, last.steps, (last.optimum, "PCA"), "passes over the digits")]
    else:
        excess = [(one.step, one.excess) for one in reports]
        angles = [(one.step, one.angle or 0.0) for one in reports]
        curves = [
            curve_svg(EXCESS, excess, last.steps, (1e-6, "goal")),
            curve_svg(ANGLE, angles, last.steps, (0.05, "goal")),
        ]
    return f'<div class="ae-curves">{"".join(curves)}</div>'


def curve_svg(
    axis: Axis,
    points: Sequence[tuple[int, float]],
    steps: int,
    level: tuple[float, str],
    below: str = "steps",
) -> str:
    """A curve with a level to reach, as `<figure>`; the frame stands still while the curve grows."""
    left, right, top, bottom = 72, 508, 12, 212

    def across(step: float) -> float:
        return left + (right - left) * step / max(steps, 1)

    def down(value: float) -> float:
        part = np.log(np.clip(value, axis.low, axis.high) / axis.low) / np.log(axis.high / axis.low)
        return float(bottom - (bottom - top) * part)

    ticks = "".join(
        f'<path class="ae-grid" d="M{left} {down(value):.1f}H{right}"/>'
        f'<text class="ae-tick" x="{left - 8}" y="{down(value) + 4:.1f}">{text}</text>'
        for value, text in axis.ticks
    )
    marks = "".join(
        f'<text{_class("tick" if step == steps else "")} x="{across(step):.0f}" y="{bottom + 20}">{step:,}</text>'
        for step in (0, steps // 2, steps)
    )
    path = " ".join(f"{across(step):.1f},{down(value):.1f}" for step, value in points)
    x, y = across(points[-1][0]), down(points[-1][1])
    height = down(level[0])
    (_, start), (step, now) = points[0], points[-1]
    said = f"{axis.title}: {start:.3g} at the start, {now:.3g} after {step:,} of {steps:,} {below}"
    return (
        f'<figure><figcaption>{escape(axis.title)}</figcaption><svg viewBox="0 0 520 252" role="img" '
        f'aria-label="{escape(said)}">{ticks}{marks}<text x="{(left + right) / 2}" y="{bottom + 37}">'
        f'{escape(below)}</text><path class="ae-level" d="M{left} {height:.1f}H{right}"/>'
        f'<text class="ae-level-name" x="{right}" y="{height - 6:.1f}">{escape(level[1])}</text>'
        f'<polyline points="{path}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="5"/></svg></figure>'
    )


def explained_variance(parts: Sequence[float], wanted: float, needed: int) -> go.Figure:
    """Variance that the first k components carry together, and each alone, with a marker where `wanted` is reached."""
    import plotly.graph_objects as go

    together = np.cumsum(parts)
    k = np.arange(1, len(parts) + 1)
    figure = go.Figure()
    figure.add_scatter(
        x=k, y=together, name="the first k together", mode="lines", line={"color": charts.ORANGE, "width": 3},
        hovertemplate="first %{x}: %{y:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=k, y=list(parts), name="each alone", mode="lines", line={"color": charts.BLUE, "width": 2, "dash": "dot"},
        hovertemplate="number %{x} alone: %{y:.2%}<extra></extra>",
    )  # fmt: skip
    layers = [size for size in LAYERS if size <= len(parts)]
    figure.add_scatter(
        x=layers, y=[together[size - 1] for size in layers], name="layers of this size", mode="markers",
        marker={"color": charts.ORANGE, "size": 9}, hovertemplate="a layer of %{x}: %{y:.1%}<extra></extra>",
    )  # fmt: skip
    for line in ({"x": [1, needed], "y": [wanted, wanted]}, {"x": [needed, needed], "y": [wanted, 0]}):
        figure.add_scatter(
            **line, mode="lines", line={"color": GREY, "width": 1.5, "dash": "dash"}, showlegend=False, hoverinfo="skip"
        )
    figure.add_scatter(
        x=[needed], y=[together[needed - 1]], name=f"{100 * wanted:.0f} % in {needed}", mode="markers",
        hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 17, "color": GREY, "line": {"width": 3.5}},
    )  # fmt: skip
    ticks = [1, *LAYERS]
    figure.update_xaxes(type="log", title="numbers in the code", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(title="part of the variance", tickformat=".0%", range=[0, 1.03])
    figure.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        dragmode=False,
    )
    return figure


def layer_in_words(parts: Sequence[float], wanted: float) -> tuple[int, str]:
    """How many components carry a part of the variance, and which layers are wide enough, in a sentence."""
    together = np.cumsum(parts)
    needed = min(int(np.searchsorted(together, wanted - 1e-9)) + 1, len(parts))
    text = f"**{needed} numbers** hold {100 * wanted:.0f} % of the variance, if they are the principal components."
    fitting = [size for size in LAYERS if size >= needed and size <= len(parts)]
    narrow = [size for size in LAYERS if size < needed]
    if fitting:
        text += f" In a network that halves its layers, the layer of {fitting[0]} is the last one that can: it"
        text += f" holds up to {100 * together[fitting[0] - 1]:.1f} %"
        text += f"; the next one, of {narrow[-1]}, only {100 * together[narrow[-1] - 1]:.1f} %." if narrow else "."
    return needed, text


# ---------------------------------------------------------------------------------------------------------------------
# HTML
# ---------------------------------------------------------------------------------------------------------------------


def figures_html(last: Progress) -> str:
    """The figures of the moment, in a row."""
    cells = [("Network's error", f"{last.loss:.5f}", "network"), ("PCA's error", f"{last.optimum:.5f}", "pca")]
    sign = "+" if last.excess >= 0 else "−"
    cells.append(("Above PCA" if last.excess >= 0 else "Below PCA", f"{sign}{share(abs(last.excess))}", ""))
    if last.angle is not None:
        cells.append(("Largest angle", degrees(last.angle), ""))
    cells.append(("Training", f"{last.seconds:.1f} s", ""))
    body = "".join(
        f"<div><dt{f' class=ae-{kind}' if kind else ''}>{escape(title)}</dt><dd>{escape(text)}</dd></div>"
        for title, text, kind in cells
    )
    return f'<dl class="ae-readings">{body}</dl>'


def reconstructions_html(trained: Trained) -> str:
    """Ten digits, what the network gives back, what PCA gives back, and the difference of the two."""
    apart = trained.network - trained.pca
    largest = float(np.abs(apart).max())
    times = magnification(largest)
    rows = [
        ("Input", "", charts.side_by_side(trained.inputs, 2), "Ten digits that were not trained on"),
        ("Network", "network", charts.side_by_side(trained.network, 2), "What the network gives back"),
        ("PCA", "pca", charts.side_by_side(trained.pca, 2), "What PCA gives back"),
        (
            f"Network − PCA{f', {times:,} times' if times > 1 else ''}",
            "",
            signed_row(apart * times, 2, charts.ERROR_LIMIT),
            f"Their difference, at most {plain(largest)}",
        ),
    ]
    return _rows(rows) + (
        f'<p class="ae-muted ae-small-print">The largest difference of any pixel is {plain(largest)}, of 1 for full ink'
        f"{f'; drawn {times:,} times as strong, it can be seen' if times > 1 else ''}.</p>"
    )


def weights_html(trained: Trained, ordered: bool) -> str:
    """Columns of the decoder as trained, after the rotation, and the eigendigits."""
    if trained.columns is None or trained.turned is None:
        return ""
    first = "As trained, already in order" if ordered else "As trained"
    rows = [
        (first, "network", signed_row(trained.columns), "Columns of the decoder's weights as trained"),
        ("Turned", "network", signed_row(trained.turned), "The same columns after the rotation"),
        ("Eigendigits", "pca", signed_row(trained.eigendigits), "PCA's components"),
    ]
    return _rows(rows)


def magnification(largest: float) -> int:
    """A power of ten that makes a difference visible."""
    times = 1
    while largest * times < 0.05 and times < 10**6:
        times *= 10
    return times


def signed_row(pictures: NDArray[np.float32], gap: int = 2, limit: float | None = None) -> NDArray[np.uint8]:
    """Signed pictures (n, h, w) in a row, blue below zero, orange above; without a limit each on a scale of its own."""
    scale = np.abs(pictures).max(axis=(1, 2), keepdims=True) if limit is None else np.float32(limit)
    scaled = pictures / np.maximum(scale, 1e-12) * charts.ERROR_LIMIT
    padded = np.pad(scaled, ((0, 0), (0, 0), (0, gap)))  # (n, h, w + gap); zero is black
    row = padded.transpose(1, 0, 2).reshape(padded.shape[1], -1)
    return charts.error_pixels(row[:, : row.shape[1] - gap] if gap else row)


def why_tables(card: dict[str, Any]) -> str:
    """The card's variants as two tables: linear ones beside PCA, and networks with hidden layers."""
    parts = []
    if rows := card.get("equivalence"):
        body = [
            (
                row["title"],
                f"{row['parameters']:,}",
                share(row["excess"]),
                degrees(row["angle"]),
                f"{row['cpu_seconds']:.1f} s",
            )
            for row in rows.values()
        ]
        parts.append(_table("Linear", ("parameters", "error above PCA's", "angle", "processor"), body))
    if rows := card.get("variants"):
        least = min(row["mse"] for row in rows.values())
        body = [
            (
                row["title"],
                f"{row['parameters']:,}",
                f"{row['mse']:.4f}",
                share(row["mse"] / least - 1),
                f"{row['cpu_seconds']:.0f} s",
            )
            for row in rows.values()
        ]
        parts.append(_table("With hidden layers", ("parameters", "test error", "above the best", "processor"), body))
    return f'<div class="ae-why">{"".join(parts)}</div>' if parts else ""


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in (title, *columns))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rows(rows: Sequence[tuple[str, str, NDArray[np.uint8], str]]) -> str:
    # Ten digits and more take the whole width; fewer are drawn as large as ten would be.
    figures = "".join(
        f'<figure style="--ae-part:{min(1.0, pixels.shape[1] / 298):.3f}"><figcaption{_class(kind)}>{escape(title)}'
        f"</figcaption>{charts.pixel_image(pixels, alt)}</figure>"
        for title, kind, pixels, alt in rows
    )
    return f'<div class="ae-rows">{figures}</div>'


def _class(kind: str) -> str:
    return f' class="ae-{kind}"' if kind else ""


def picture(trained: Trained) -> bytes:
    """All rows of pictures as one PNG to keep."""
    rows = [charts.side_by_side(part, 2) for part in (trained.inputs, trained.network, trained.pca)]
    coloured = [np.repeat(row[..., None], 3, axis=2) for row in rows]
    coloured.append(signed_row(trained.network - trained.pca, 2))
    if trained.columns is not None and trained.turned is not None:
        coloured += [signed_row(part) for part in (trained.columns, trained.turned)]
    coloured.append(signed_row(trained.eigendigits))
    width = max(row.shape[1] for row in coloured)
    padded = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in coloured]
    return charts.png(np.repeat(np.repeat(np.concatenate(padded), 3, axis=0), 3, axis=1))
