"""A field to draw a digit on with mouse, pen, finger or keyboard, which shows the 28x28 digit it becomes.

It knows Streamlit and the browser's side of the pad (the .js, .css and .html files beside it); it knows nothing of what
a page does with the digit.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SIDE = 28
GREYS = 16  # grey levels of a drawn digit: one hexadecimal figure a pixel
MOST_NUMBERS = 60_000  # of all strokes of a drawing together; the pad itself stops at 54,000
HERE = Path(__file__).parent
SCRIPTS = ("digit_from_ink.js", "drawing.js", "drawing_pad.js", "drawing_pad_streamlit.js")  # each uses those before it


def drawing_pad(key: str, *, digit: np.ndarray | None = None, label: str = "Draw a digit") -> np.ndarray | None:
    """Show a drawing pad and return the digit that is on it.

    The drawing outlives reruns and visits to other pages (it is kept in the session under ``key``). Python is told
    at the end of each stroke, undo, redo and clear; while one draws, only the browser follows.

    Parameters
    ----------
    key : str
        Names the pad in the session. Pads of the same key on two pages share their drawing.
    digit : ndarray (28, 28), optional
        A digit that came from elsewhere (a shared link), values in [0, 1]. The pad shows it as a picture; the first
        stroke starts afresh, and undo brings it back. A digit that the pad itself returned before is no news, so a
        page may write the drawing into its URL and pass on what the URL holds. None changes nothing.
    label : str
        Stands above the pad and names it for screen readers.

    Returns
    -------
    ndarray (28, 28) float32 or None
        Values are multiples of 1/15 in [0, 1], 1 = ink; None where the pad is empty.

    Raises
    ------
    ValueError
        ``digit`` is not a 28x28 array of numbers in [0, 1].
    """
    memory: _Memory = st.session_state.setdefault(f"{key}:memory", _Memory())
    if digit is not None:
        memory.link(_greys_from_digit(digit))
    state = st.session_state.get(key)
    memory.receive(state.get("drawing") if isinstance(state, Mapping) else None)
    _component()(
        key=key,
        data={
            "label": label,
            "revision": memory.revision,
            "linked": memory.linked,
            "drawing": memory.drawing,
        },
        on_drawing_change=lambda: None,
    )
    greys = memory.linked if memory.drawing is None else memory.drawing["digit"]
    return _digit_from_greys(greys) if greys else None


@dataclass
class _Memory:
    """What the session keeps of a pad. Digits are texts of 784 hexadecimal grey levels; "" is an empty pad."""

    linked: str = ""  # the digit that came from elsewhere
    drawing: dict[str, Any] | None = None  # what the browser sent last, checked
    revision: int = 0  # grows with each digit from elsewhere; the browser answers with the one it has seen
    own: deque[str] = field(default_factory=lambda: deque(maxlen=32))  # digits that were drawn here: no news

    def link(self, greys: str) -> None:
        if greys != self.linked and greys not in self.own:
            self.linked, self.drawing, self.revision = greys, None, self.revision + 1

    def receive(self, value: object) -> None:
        drawing = _checked_drawing(value)
        if drawing is not None and drawing["revision"] == self.revision and drawing != self.drawing:
            self.drawing = drawing
            self.own.append(drawing["digit"])


def _checked_drawing(value: object) -> dict[str, Any] | None:
    """The drawing that the browser sent, or None where it is not one: anybody can send anything."""
    if not isinstance(value, Mapping):
        return None
    revision, digit, strokes = value.get("revision"), value.get("digit"), value.get("strokes")
    if type(revision) is not int or not isinstance(digit, str) or not re.fullmatch("([0-9a-f]{784})?", digit):
        return None
    if not isinstance(strokes, list) or not all(isinstance(stroke, list) for stroke in strokes):
        return None
    if sum(map(len, strokes)) > MOST_NUMBERS or len(strokes) > MOST_NUMBERS:
        return None
    for stroke in strokes:
        if not stroke or len(stroke) % 3 or not all(type(n) is int and -1000 <= n <= 2000 for n in stroke):
            return None
    return {
        "revision": revision,
        "digit": digit if digit.strip("0") else "",
        "strokes": strokes,
        "pictureShown": value.get("pictureShown") is True,
    }


def _greys_from_digit(digit: np.ndarray) -> str:
    values = np.asarray(digit)
    if values.shape != (SIDE, SIDE) or not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"digit must be a 28x28 array of numbers in [0, 1], got shape {values.shape}")
    levels = np.floor(values.astype(np.float64) * (GREYS - 1) + 0.5).astype(int)
    return "".join(f"{level:x}" for level in levels.ravel()) if levels.any() else ""


def _digit_from_greys(greys: str) -> np.ndarray:
    levels = np.array([int(grey, GREYS) for grey in greys], dtype=np.float32)
    return (levels / np.float32(GREYS - 1)).reshape(SIDE, SIDE)


def script(names: tuple[str, ...] = SCRIPTS) -> str:
    """The pad's JavaScript, or that of the files given, as the one module that an inline component may have.

    The files are modules of their own, each usable without those after it. Here they follow one another in one scope,
    so the lines that import one from another, and the word ``export``, fall away; only the last, ``export default``,
    stays, for Streamlit calls it. A new file goes into SCRIPTS after those it uses.
    """
    text = "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
    text = re.sub(r'^import \{[^}]*\} from "\./[\w.]+";\n', "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_drawing_pad",
        html=(HERE / "drawing_pad.html").read_text(encoding="utf-8"),
        css=(HERE / "drawing_pad.css").read_text(encoding="utf-8"),
        js=script(),
    )
