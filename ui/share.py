"""What stands in a page's address beside the widgets that Streamlit binds to it. It knows no page.

Widgets with `bind="query-params"` keep their own values in the address. What no widget holds (the digit that was
picked, the drawing) is written and read here. Streamlit gives a bound value back when one returns to a page from
another; `remember` and `link_to` do the same for these, also where only a fragment of the page has run.
"""

from __future__ import annotations

import streamlit as st

_MEMORY = "address of each page"  # in the session: page -> its parameters here
_HERE = "page and its parameters"  # in the session: the page that is open, and the names to keep


def text(name: str) -> str | None:
    """The value of a parameter, or None where the address has none; the last one where it has several."""
    return st.query_params.get(name)


def whole_number(name: str, low: int, high: int) -> int | None:
    """The value of a parameter as a whole number from low to high; anything else is dropped from the address."""
    value = text(name)
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 12 and low <= int(value) <= high:
        return int(value)
    drop(name)
    return None


def put(name: str, value: object) -> None:
    """Write a parameter, unless the address has it already."""
    if text(name) != str(value):
        st.query_params[name] = str(value)
    _keep()


def drop(*names: str) -> None:
    """Remove parameters that are there."""
    for name in names:
        st.query_params.pop(name, None)
    _keep()


def remember(page: str, names: tuple[str, ...]) -> None:
    """Keep these parameters of the page that is opened, as they are now and as they change, for the way back to it."""
    st.session_state[_HERE] = page, names
    _keep()


def _keep() -> None:
    page, names = st.session_state.get(_HERE, ("", ()))
    found = {name: value for name in names if (value := text(name)) is not None}
    st.session_state.setdefault(_MEMORY, {})[page] = found


def link_to(page: str) -> dict[str, str]:
    """The parameters that lead back to a page as it was left."""
    return dict(st.session_state.get(_MEMORY, {}).get(page, {}))
