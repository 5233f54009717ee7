"""Movies with five stars each to be filled. It knows nothing of what the ratings are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
MOST = 5


class Rateable(NamedTuple):
    """One movie of the shelf."""

    index: int
    title: str
    note: str  # year, genres
    stars: float  # 0: not rated


def star_shelf(key: str, movies: Sequence[Rateable], *, on_rate: Callable[[int, int], None], label: str) -> None:
    """Show movies with stars. One star is one click; a click on the last filled one takes the rating back.

    Parameters
    ----------
    key : str
        Names the shelf in the session.
    movies : sequence of Rateable
        What stands on it.
    on_rate : callable
        Called with a movie's index and its stars (1 to 5, or 0: no longer rated), before the page runs again.
    label : str
        Names the shelf for screen readers.
    """
    _component()(
        key=key,
        data={"label": label, "seen": last_seen(key), "movies": [movie._asdict() for movie in movies]},
        on_rate_change=rating_taker(key, on_rate),
    )


def rating_taker(key: str, on_rate: Callable[[int, int], None]) -> Callable[[], None]:
    """A callback that hands on what a component with stars sent, if it is a rating: anybody can send anything."""

    def rated() -> None:
        state = st.session_state.get(key)
        sent = state.get("rate") if isinstance(state, Mapping) else None
        for one in sent if isinstance(sent, list) else ():
            if not isinstance(one, Mapping):
                continue
            index, stars, number = one.get("index"), one.get("stars"), one.get("number")
            whole = all(type(value) is int for value in (index, stars, number))
            if whole and index >= 0 and 0 <= stars <= MOST and number > last_seen(key):
                on_rate(index, stars)
                st.session_state[f"{key}:seen"] = number

    return rated


def last_seen(key: str) -> int:
    """Number of the last rating that came from a component with stars: those after it are still on their way."""
    return int(st.session_state.get(f"{key}:seen", 0))


def script(name: str) -> str:
    """A component's JavaScript with the stars' before it, as the one module that an inline component may have."""
    stars = (HERE / "stars.js").read_text(encoding="utf-8").replace("export function", "function")
    own = (HERE / name).read_text(encoding="utf-8").replace('import { make, outbox, starRow } from "./stars.js";\n', "")
    return stars + own


def styles(name: str) -> str:
    """A component's CSS with the stars' before it."""
    return "".join((HERE / part).read_text(encoding="utf-8") for part in ("stars.css", name))


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_star_shelf",
        html='<div class="shelf" role="list"></div>',
        css=styles("star_shelf.css"),
        js=script("star_shelf.js"),
    )
