"""A map of all movies, and marks on it, as two components: the thousands of points travel to the browser once, and what
is marked on them with every step. It knows nothing of where the places come from.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
SIDE = 65_535  # places are whole numbers from 0 to this


class Colour(NamedTuple):
    """What one colour of the map means."""

    title: str
    light: str
    dark: str


def map_data(
    places: NDArray[np.float32],
    titles: Sequence[str],
    colours: Sequence[Colour],
    colour_of: NDArray[Any],
    support: NDArray[Any],
) -> dict[str, Any]:
    """Everything about the points, packed; make it once and keep it.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        Anywhere in the plane. Each axis gets the scale that nearly all of them need; a few far out stand at the edge.
    titles : sequence of str
        One a movie.
    colours : sequence of Colour
        The legend.
    colour_of : ndarray, shape (n,)
        Place of each movie's colour in it.
    support : ndarray, shape (n,)
        How often each was rated: its size, and whose title is written first.
    """
    low, high = np.quantile(places, (0.002, 0.998), axis=0) if len(places) else np.array([[0.0, 0.0], [1.0, 1.0]])
    span = np.maximum(high - low, 1e-9)
    whole = np.rint(np.clip((places - low) / span * 0.96 + 0.02, 0, 1) * SIDE).astype("<u2")
    order = np.argsort(-np.asarray(support), kind="stable")
    return {
        "places": base64.b64encode(whole.tobytes()).decode(),
        "colours": base64.b64encode(np.asarray(colour_of).astype(np.uint8).tobytes()).decode(),
        "sizes": base64.b64encode(_sizes(np.asarray(support)).tobytes()).decode(),
        "order": base64.b64encode(order.astype("<u2" if len(order) <= SIDE else "<u4").tobytes()).decode(),
        "titles": "\n".join(title.replace("\n", " ") for title in titles),
        "legend": [colour._asdict() for colour in colours],
    }


def _sizes(support: NDArray[Any]) -> NDArray[np.uint8]:
    """0 to 255, by the logarithm of the number of ratings."""
    logs = np.log1p(support.astype(np.float64))
    return np.rint(255 * logs / max(float(logs.max()), 1e-9)).astype(np.uint8)


def movie_map(key: str, data: Mapping[str, Any], *, label: str, on_pick: Callable[[int], None]) -> None:
    """Show the map; a click on a point picks it. Drag to move, buttons, pinch or Ctrl + wheel to zoom.

    Parameters
    ----------
    key : str
        Names the map in the session.
    data : mapping
        From `map_data`; the same each time.
    label : str
        What it shows, for screen readers.
    on_pick : callable
        Called with the index of the movie picked, before the page runs again.
    """

    def picked() -> None:
        state = st.session_state.get(key)
        index = state.get("pick") if isinstance(state, Mapping) else None
        if type(index) is int and index >= 0:  # anybody can send anything
            on_pick(index)

    _map()(key=key, data={**data, "label": label}, on_pick_change=picked)


def map_marks(key: str, *, query: int | None, marked: Sequence[int]) -> None:
    """Mark points on the map: one as the query, others as its neighbours.

    Parameters
    ----------
    key : str
        Names the marks in the session.
    query : int, optional
        Index of the movie in the middle of it.
    marked : sequence of int
        Neighbours, nearest first.
    """
    _marks()(key=key, data={"query": query, "marked": list(marked)})


@cache
def _map() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_movie_map",
        html=(HERE / "movie_map.html").read_text(encoding="utf-8"),
        css=(HERE / "movie_map.css").read_text(encoding="utf-8"),
        js=(HERE / "movie_map.js").read_text(encoding="utf-8"),
    )


@cache
def _marks() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_movie_marks",
        html="<span></span>",
        css=":host { display: none; }",
        js=(HERE / "movie_marks.js").read_text(encoding="utf-8"),
    )
