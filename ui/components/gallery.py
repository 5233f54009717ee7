"""A grid of small digits, one of which is chosen. It knows nothing of where the digits come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent


def gallery(
    key: str,
    *,
    sprite: str,
    names: Sequence[str],
    chosen: int | None,
    on_pick: Callable[[int], None],
    label: str = "Choose a digit",
) -> None:
    """Show digits as buttons, to be picked by pointer or keyboard (arrows move, Enter or Space picks).

    Parameters
    ----------
    key : str
        Names the gallery in the session.
    sprite : str
        Address of one picture that holds all the digits side by side (a data URL).
    names : sequence of str
        What each digit is called for screen readers and in its tooltip.
    chosen : int, optional
        Place of the digit that is in use; none where it is not in this gallery.
    on_pick : callable
        Called with the place of the digit that was picked, before the page runs again.
    label : str
        Names the whole for screen readers.
    """

    def picked() -> None:
        state = st.session_state.get(key)
        place = state.get("pick") if isinstance(state, Mapping) else None
        if type(place) is int and 0 <= place < len(names):  # anybody can send anything
            on_pick(place)

    _component()(
        key=key,
        data={"sprite": sprite, "names": list(names), "chosen": chosen, "label": label},
        on_pick_change=picked,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_gallery",
        html='<div class="gallery" role="group"></div>',
        css=(HERE / "gallery.css").read_text(encoding="utf-8"),
        js=(HERE / "gallery.js").read_text(encoding="utf-8"),
    )
