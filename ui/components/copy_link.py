"""A button that puts the page's address on the clipboard. It knows nothing of what the address says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent


def copy_link(key: str, *, label: str = "Copy link") -> None:
    """Show a button that copies the address of the page as it is at that moment, with every choice in it.

    The browser does it alone, no script runs. Where it may not write to the clipboard (a page served over plain HTTP
    from another machine), a text field shows the link, selected, to be copied by hand.

    Parameters
    ----------
    key : str
        Names the button in the session.
    label : str
        What the button says.
    """
    _component()(key=key, data={"label": label}, width="content")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "aecore_copy_link",
        html=(HERE / "copy_link.html").read_text(encoding="utf-8"),
        css=(HERE / "copy_link.css").read_text(encoding="utf-8"),
        js=(HERE / "copy_link.js").read_text(encoding="utf-8"),
    )
