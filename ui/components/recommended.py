"""Recommended movies, each with its reasons and stars to rate it too. It knows nothing of how they were found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from ui.components.star_shelf import last_seen, rating_taker, script, styles

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


class Why(NamedTuple):
    """What one rating did for a movie."""

    title: str
    stars: float
    amount: str  # "+0.31"
    part: float  # length of the bar, -1 to 1
    without: str  # what happens without this rating


class Recommended(NamedTuple):
    """One movie of the list."""

    index: int
    title: str
    note: str  # year, genres
    support: str
    because: str  # a sentence
    reasons: Sequence[Why]


def recommended(
    key: str,
    movies: Sequence[Recommended],
    *,
    on_rate: Callable[[int, int], None],
    on_pick: Callable[[int], None],
) -> None:
    """Show a list of recommendations.

    Parameters
    ----------
    key : str
        Names the list in the session.
    movies : sequence of Recommended
        Best first.
    on_rate : callable
        Called with index and stars of a movie that the visitor rated, before the page runs again.
    on_pick : callable
        Called with the index of a movie of which similar ones are asked for, before the page runs again.
    """

    def picked() -> None:
        state = st.session_state.get(key)
        index = state.get("pick") if isinstance(state, Mapping) else None
        if type(index) is int and index >= 0:  # anybody can send anything
            on_pick(index)

    rows = [{**movie._asdict(), "reasons": [reason._asdict() for reason in movie.reasons]} for movie in movies]
    data = {"seen": last_seen(key), "movies": rows}
    _component()(key=key, data=data, on_rate_change=rating_taker(key, on_rate), on_pick_change=picked)


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_recommended",
        html='<ol class="recommended"></ol>',
        css=styles("recommended.css"),
        js=script("recommended.js"),
    )
