"""Arrays in; pictures, HTML and plotly figures out. It calls no Streamlit and knows no model.

The HTML is styled by ui/style.css. Whatever text comes in is escaped.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import plotly.graph_objects as go

Array = NDArray[np.float32]

BLUE, ORANGE = "#3b8ee5", "#e07b2a"  # the autoencoder and PCA: 3 : 1 and more on light and dark
ERROR_LIMIT = 0.5  # signed errors beyond this have the last colour of the scale
# From "ink is missing" over "as it was" to "too much ink": blue and orange differ for every kind of colour blindness,
# and black in the middle is the background of the digits themselves. ui/style.css draws the legend with the same stops.
_ERROR_COLOURS = np.array([(166, 211, 255), (34, 116, 214), (10, 10, 10), (204, 100, 8), (255, 210, 154)], float)


# ---------------------------------------------------------------------------------------------------------------------
# Pictures
# ---------------------------------------------------------------------------------------------------------------------


def grey_pixels(image: Array) -> NDArray[np.uint8]:
    """Pixels in [0, 1] as bytes, white on black; what lies outside is clipped."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def error_pixels(error: Array) -> NDArray[np.uint8]:
    """Signed errors (h, w) as colours (h, w, 3): blue where ink is missing, orange where there is too much."""
    place = (np.clip(error / ERROR_LIMIT, -1, 1) + 1) * 2  # 0 to 4: along the scale's five colours
    left = np.minimum(place.astype(int), 3)
    part = (place - left)[..., None]
    return np.rint(_ERROR_COLOURS[left] * (1 - part) + _ERROR_COLOURS[left + 1] * part).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of bytes (h, w) or (h, w, 3)."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=6)
    return file.getvalue()


def data_url(pixels: NDArray[np.uint8]) -> str:
    """A PNG as an address that can stand in `<img src>`."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def side_by_side(images: Array, gap: int = 0) -> NDArray[np.uint8]:
    """Digits (n, 28, 28) in a row: (28, n * 28 + (n - 1) * gap), the gaps black."""
    pixels = np.pad(grey_pixels(images), ((0, 0), (0, 0), (0, gap)))  # (n, 28, 28 + gap)
    row = pixels.transpose(1, 0, 2).reshape(pixels.shape[1], -1)
    return row[:, : row.shape[1] - gap] if gap else row


def labelled_picture(parts: Sequence[tuple[str, NDArray[np.uint8]]], scale: int = 8) -> bytes:
    """A PNG to keep: pictures side by side, enlarged, each under its label."""
    from PIL import Image, ImageDraw, ImageFont

    side, margin, head = 28 * scale, 16, 30
    sheet = Image.new("RGB", (margin + len(parts) * (side + margin), head + side + margin), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (label, pixels) in enumerate(parts):
        x = margin + place * (side + margin)
        draw.text((x, 8), label, fill="black", font=ImageFont.load_default(15))
        sheet.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST).convert("RGB"), (x, head))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


# ---------------------------------------------------------------------------------------------------------------------
# HTML
# ---------------------------------------------------------------------------------------------------------------------


class Panel(NamedTuple):
    """One picture of a comparison."""

    title: str
    note: str
    picture: str  # HTML: an <img> or an <svg>
    kind: str = ""  # "network" or "pca" colours the title


def pixel_image(pixels: NDArray[np.uint8], alt: str) -> str:
    """An `<img>` with crisp pixels, at the size its place has."""
    height, width = pixels.shape[:2]
    return (
        f'<img class="ae-pixels" src="{data_url(pixels)}" alt="{escape(alt)}" width="{width}" height="{height}" '
        'decoding="sync">'
    )


def code_bars(code: Array) -> str:
    """The numbers of a code as bars about a line at zero, the longest as long as there is room for."""
    limit = float(np.abs(code).max()) or 1.0
    step = min(100 / len(code), 12.5)
    start = 50 - step * len(code) / 2
    bars = "".join(
        f'<i style="left:{start + step * (place + 0.12):.2f}%;width:{step * 0.76:.2f}%;height:{46 * abs(part):.1f}%;'
        f'{"bottom" if part > 0 else "top"}:50%"></i>'
        for place, part in enumerate((code / limit).tolist())
    )
    numbers = ", ".join(f"{number:.2f}" for number in code.tolist())
    return f'<div class="ae-code" role="img" aria-label="The code as bars: {numbers}">{bars}</div>'


def panels(items: Sequence[Panel]) -> str:
    """Pictures in two rows, column by column; on a phone two a row."""
    figures = "".join(
        f"<figure>{item.picture}<figcaption><b{_class(item.kind)}>{escape(item.title)}</b>"
        f"<span>{escape(item.note)}</span></figcaption></figure>"
        for item in items
    )
    return f'<div class="ae-pictures">{figures}</div>'


def error_legend() -> str:
    """What the colours of the signed errors mean."""
    limit = f"{ERROR_LIMIT:g}"
    return (
        f'<p class="ae-scale"><span>ink missing, −{limit}</span><i role="img" aria-label="Blue over black to orange">'
        f"</i><span>+{limit}, too much ink</span></p>"
    )


def figures_table(rows: Sequence[tuple[str, str, Sequence[str]]], columns: Sequence[str], best: Sequence[int]) -> str:
    """A table of figures, a method a row: (title, kind, cells); `best` is the row that wins each column, or -1."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row"{_class(kind)}>{escape(title)}</th>'
        + "".join(
            f"<td{_class('best') if best[place] == row else ''}>{escape(cell)}</td>" for place, cell in enumerate(cells)
        )
        + "</tr>"
        for row, (title, kind, cells) in enumerate(rows)
    )
    return f'<table><thead><tr><th scope="col">This digit</th>{head}</tr></thead><tbody>{body}</tbody></table>'


def byte_bars(sizes: Sequence[tuple[str, int, str]]) -> str:
    """Sizes in bytes as bars of one scale: (title, bytes, kind)."""
    most = max(size for _, size, _ in sizes)
    rows = "".join(
        f'<dt>{escape(title)}</dt><dd><i{_class(kind)} style="width:{60 * size / most:.1f}%"></i>{size:,} B</dd>'
        for title, size, kind in sizes
    )
    return f'<dl class="ae-bytes">{rows}</dl>'


def pairs(items: Sequence[tuple[str, str, Array, Array]]) -> str:
    """Pictures beside what came back: (title, note, picture, reconstruction) each."""
    figures = "".join(
        "<figure>"
        + pixel_image(side_by_side(np.stack([picture, back]), gap=2), f"{title}, and what came back")
        + f"<figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption></figure>"
        for title, note, picture, back in items
    )
    return f'<div class="ae-strangers">{figures}</div>'


def _class(name: str) -> str:
    return f' class="ae-{name}"' if name else ""


# ---------------------------------------------------------------------------------------------------------------------
# The drawing of an autoencoder
# ---------------------------------------------------------------------------------------------------------------------

_SEVEN = (".......", ".#####.", ".....#.", "....##.", "...##..", "...#...", "...#...")  # seen from afar
_BLURRED = (".......", ".=###=.", "..-==#-", "...=#=.", "..-#=..", "..=#-..", "..-#-..")  # what comes back
_OPACITY = {".": 0.05, "-": 0.25, "=": 0.55, "#": 1.0}


def autoencoder_drawing(numbers: int) -> str:
    """An autoencoder as a drawing: pixels, encoder, bottleneck, decoder, pixels. An `<svg>` for light and dark."""

    def pixels(x: float, rows: Sequence[str]) -> str:
        squares = "".join(
            f'<rect class="ae-ink" x="{x + 18 * column:.0f}" y="{57 + 18 * row}" width="17" height="17" '
            f'opacity="{_OPACITY[cell]}"/>'
            for row, cells in enumerate(rows)
            for column, cell in enumerate(cells)
        )
        return f'<rect class="ae-frame" x="{x - 4:.0f}" y="53" width="133" height="133" rx="6"/>{squares}'

    def arrow(x: float) -> str:
        return f'<path class="ae-arrow" d="M{x} 119.500h20m-7-6 7 6-7 6"/>'

    dots = "".join(f'<circle class="ae-number" cx="330" cy="{96 + 12 * i}" r="4.500"/>' for i in range(5))
    return (
        '<svg class="ae-drawing" viewBox="0 0 660 236" role="img" aria-labelledby="ae-title ae-desc">'
        '<title id="ae-title">An autoencoder</title>'
        f'<desc id="ae-desc">A picture of 784 pixels goes into the encoder, which narrows to {numbers} numbers, the '
        "bottleneck. The decoder widens them again to a picture of 784 pixels, a little blurred.</desc>"
        + pixels(10, _SEVEN)
        + arrow(144)
        + '<path class="ae-funnel" d="M172 53 308 88V151L172 186z"/>'
        + dots
        + '<path class="ae-funnel" d="M488 53 352 88V151L488 186z"/>'
        + arrow(494)
        + pixels(527, _BLURRED)
        + '<text x="73" y="30">Input</text><text x="233" y="125">encoder</text><text x="330" y="30">Bottleneck</text>'
        '<text x="427" y="125">decoder</text><text x="589" y="30">Output</text>'
        '<g class="ae-small"><text class="ae-small" x="73" y="216">784 pixels</text>'
        f'<text class="ae-small" x="330" y="216">{numbers} numbers</text>'
        '<text class="ae-small" x="589" y="216">784 pixels</text></g></svg>'
    )


# ---------------------------------------------------------------------------------------------------------------------
# Plotly
# ---------------------------------------------------------------------------------------------------------------------


_LINES: dict[str, dict[str, Any]] = {
    "network": {"color": BLUE, "dash": "solid", "symbol": "circle", "mode": "lines+markers"},
    "ordered": {"color": BLUE, "dash": "dot", "symbol": "diamond", "mode": "lines"},
    "pca": {"color": ORANGE, "dash": "dash", "symbol": "square", "mode": "lines"},
}


def rate_distortion(
    curves: Sequence[tuple[str, str, dict[int, float]]], here: Sequence[tuple[int, float]]
) -> go.Figure:
    """Test error over code size, both axes logarithmic, with a ring around each point where one is.

    Parameters
    ----------
    curves : sequence of (title, kind, errors)
        kind is "network", "ordered" or "pca"; errors is code size -> mean squared error.
    here : sequence of (code size, error)
        Points to mark.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for title, kind, errors in curves:
        look = _LINES[kind]
        figure.add_scatter(
            x=list(errors),
            y=list(errors.values()),
            name=title,
            mode=look["mode"],
            line={"color": look["color"], "dash": look["dash"], "width": 2.5},
            marker={"symbol": look["symbol"], "size": 8},
            hovertemplate="%{x} numbers: MSE %{y:.4f}",
        )
    if here:
        figure.add_scatter(
            x=[size for size, _ in here],
            y=[error for _, error in here],
            name="you are here",
            mode="markers",
            marker={"symbol": "circle-open", "size": 17, "color": "#808a96", "line": {"width": 3.5}},
            hoverinfo="skip",
        )
    ticks = [1, 2, 4, 8, 16, 32, 64]
    levels = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
    figure.update_xaxes(type="log", title="numbers in the code", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    figure.update_yaxes(
        type="log", title="mean squared error", tickvals=levels, ticktext=[f"{level:g}" for level in levels]
    )
    figure.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        dragmode=False,  # a finger scrolls the page
        hovermode="x unified",
    )
    return figure
