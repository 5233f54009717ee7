"""A field to find a movie by a few letters. It knows nothing of how titles are found, nor of what is done with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
LONGEST = 80  # letters of a query; what is longer is cut off


class Found(NamedTuple):
    """One line of the list below the field."""

    index: int
    title: str
    note: str  # year, genres, ratings


def movie_search(
    key: str,
    *,
    search: Callable[[str], Sequence[Found]],
    on_pick: Callable[[int], None],
    label: str,
    value: str = "",
    placeholder: str = "A few letters of a title",
) -> None:
    """Show a field that lists titles while one types, to be picked by pointer or keyboard.

    Every pause in typing runs the script (in a fragment: only that), which answers with what `search` gives.

    Parameters
    ----------
    key : str
        Names the field in the session.
    search : callable
        From what was typed to the titles to offer.
    on_pick : callable
        Called with the index of the one picked, before the page runs again.
    label : str
        Stands above the field.
    value : str
        What the field holds while nobody types; "" empties it after each pick.
    placeholder : str
        Shown in the empty field.
    """
    state = st.session_state.get(key)
    typed = state.get("query") if isinstance(state, Mapping) else None
    typed = typed[:LONGEST] if isinstance(typed, str) else ""  # anybody can send anything
    found = list(search(typed)) if typed.strip() else []

    def picked() -> None:
        state = st.session_state.get(key)
        index = state.get("pick") if isinstance(state, Mapping) else None
        if type(index) is int and index >= 0:
            on_pick(index)

    _component()(
        key=key,
        data={
            "label": label,
            "value": value,
            "placeholder": placeholder,
            "query": typed,
            "found": [one._asdict() for one in found],
        },
        on_query_change=lambda: None,
        on_pick_change=picked,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_movie_search",
        html=(HERE / "movie_search.html").read_text(encoding="utf-8"),
        css=(HERE / "movie_search.css").read_text(encoding="utf-8"),
        js=(HERE / "movie_search.js").read_text(encoding="utf-8"),
    )
