"""Ranked movies side by side, one column a method, each a button. It knows nothing of where the rankings come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent


class Row(NamedTuple):
    """One movie of a list."""

    index: int
    title: str
    note: str  # year, genres
    support: str  # how many ratings
    score: str
    part: float  # length of the bar, 0 to 1
    common: bool = False  # whether the first column has it too


class Column(NamedTuple):
    """One list."""

    title: str
    note: str
    kind: str  # "network", "pca" or "": colours it
    rows: Sequence[Row]


def movie_lists(key: str, columns: Sequence[Column], *, on_pick: Callable[[int], None]) -> None:
    """Show ranked lists; a click (or Enter) on a movie picks it. The one under the pointer is shown on the map.

    Parameters
    ----------
    key : str
        Names the lists in the session.
    columns : sequence of Column
        Side by side where there is room.
    on_pick : callable
        Called with the index of the movie picked, before the page runs again.
    """

    def picked() -> None:
        state = st.session_state.get(key)
        index = state.get("pick") if isinstance(state, Mapping) else None
        if type(index) is int and index >= 0:  # anybody can send anything
            on_pick(index)

    _component()(
        key=key,
        data={"columns": [{**column._asdict(), "rows": [row._asdict() for row in column.rows]} for column in columns]},
        on_pick_change=picked,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_movie_lists",
        html='<div class="lists"></div>',
        css=(HERE / "movie_lists.css").read_text(encoding="utf-8"),
        js=(HERE / "movie_lists.js").read_text(encoding="utf-8"),
    )
