"""A brush to paint over a digit with, black or white. It knows nothing of what a page does with the damage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.components.drawing_pad import script

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
SIDE = 28
SCRIPTS = ("digit_from_ink.js", "drawing.js", "damage_brush.js")  # each uses those before it
LETTERS = {"b": 0.0, ".": 7 / 15, "w": 1.0}  # in the browser's map -> what the returned map holds


def damage_brush(key: str, digit: np.ndarray, paint: np.ndarray | None = None) -> np.ndarray | None:
    """Show a digit with a brush over it and return what was painted.

    Parameters
    ----------
    key : str
        Names the brush in the session.
    digit : ndarray (28, 28)
        The digit below the paint, values in [0, 1].
    paint : ndarray (28, 28), optional
        Paint that came from elsewhere (a shared link), as this function returns it. What the visitor paints goes
        before it.

    Returns
    -------
    ndarray (28, 28) float32 or None
        0 where it is painted black, 1 where white, 7/15 where untouched (values that `aecore.pack_digit` keeps); None
        where nothing is painted.
    """
    state = st.session_state.get(key)
    sent = state.get("map") if isinstance(state, Mapping) else None
    known = isinstance(sent, str) and re.fullmatch(f"([.bw]{{{SIDE * SIDE}}})?", sent) is not None  # anybody can send
    letters = sent if known and isinstance(sent, str) else _letters(paint)
    greys = np.rint(np.clip(digit, 0, 1) * 255).astype(int).ravel()
    _component()(
        key=key,
        data={"digit": "".join(f"{grey:02x}" for grey in greys), "map": letters},
        on_map_change=lambda: None,
    )
    if not letters.strip("."):
        return None
    return np.array([LETTERS[letter] for letter in letters], np.float32).reshape(SIDE, SIDE)


def _letters(paint: np.ndarray | None) -> str:
    if paint is None:
        return ""
    return "".join("b" if value < 0.25 else "w" if value > 0.75 else "." for value in paint.ravel())


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_damage_brush",
        html=(HERE / "damage_brush.html").read_text(encoding="utf-8"),
        css=(HERE / "damage_brush.css").read_text(encoding="utf-8"),
        js=script(SCRIPTS),
    )
