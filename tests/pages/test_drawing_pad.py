"""The Python side of the drawing pad: what it takes from a browser, what it remembers, and that AppTest can run it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ui.components import drawing_pad as pad

GREYS = "0" * 400 + "3f" + "0" * 382
STROKE = [500, 500, 100, 510, 700, 100]


def sent(**changes: Any) -> dict[str, Any]:
    return {"revision": 0, "digit": GREYS, "strokes": [STROKE], "pictureShown": False, **changes}


def page() -> None:
    import numpy as np
    import streamlit as st

    from ui.components.drawing_pad import drawing_pad

    linked = st.session_state.get("linked")
    digit = drawing_pad("pad", digit=None if linked is None else np.array(linked))
    st.session_state["got"] = digit


def test_runs_in_apptest_without_a_browser() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["got"] is None
    linked = np.zeros((28, 28))
    linked[3, 4] = 0.39
    app.session_state["linked"] = linked.tolist()
    app.run()
    assert not app.exception
    got = app.session_state["got"]
    assert got.shape == (28, 28)
    assert got.dtype == np.float32
    assert got[3, 4] == np.float32(6) / np.float32(15)
    assert got.sum() == got[3, 4]


def test_a_drawing_comes_through() -> None:
    memory = pad._Memory()
    memory.receive(sent())
    assert memory.drawing == sent()
    digit = pad._digit_from_greys(GREYS)
    assert digit.ravel()[400] == np.float32(3) / np.float32(15)
    assert digit.ravel()[401] == 1
    assert pad._greys_from_digit(digit) == GREYS


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        7,
        [],
        {},
        sent(revision=1),
        sent(revision="0"),
        sent(revision=True),
        sent(digit=GREYS[:-1]),
        sent(digit=GREYS + "\n"),
        sent(digit="g" * 784),
        sent(digit="٣" * 784),
        sent(digit=5),
        sent(strokes=None),
        sent(strokes=[5]),
        sent(strokes=[[]]),
        sent(strokes=[[1, 2]]),
        sent(strokes=[[1, 2, 100.5]]),
        sent(strokes=[[1, 2, 10**9]]),
        sent(strokes=[["<b>", 2, 3]]),
        sent(strokes=[[1, 2, 100] * 30_000]),
    ],
    ids=repr,
)
def test_what_is_no_drawing_is_not_taken(value: object) -> None:
    memory = pad._Memory()
    memory.receive(value)
    assert memory.drawing is None


def test_an_empty_digit_is_an_empty_pad() -> None:
    memory = pad._Memory()
    memory.receive(sent(digit="0" * 784, strokes=[]))
    assert memory.drawing is not None
    assert memory.drawing["digit"] == ""


def test_the_digit_in_the_url_lags_behind_the_pad_and_is_no_news() -> None:
    """A page that writes the drawing into its URL passes the one before the last: the pad must not go back to it."""
    memory = pad._Memory()
    first, second, third = (f"{n:x}" * 784 for n in (1, 2, 3))
    memory.receive(sent(digit=first))
    memory.link(first)
    memory.receive(sent(digit=second))
    memory.link(first)
    assert (memory.revision, memory.drawing) == (0, sent(digit=second))

    memory.link(third)  # another link: this is news
    assert (memory.revision, memory.drawing, memory.linked) == (1, None, third)
    memory.receive(sent(digit=second))  # the browser has not seen it yet
    assert memory.drawing is None
    memory.receive(sent(digit=first, revision=1))
    assert memory.drawing is not None


@pytest.mark.parametrize(
    "digit", [np.zeros((27, 28)), np.full((28, 28), 1.5), np.full((28, 28), np.nan), np.zeros(784)]
)
def test_a_digit_that_is_none_is_refused(digit: np.ndarray) -> None:
    with pytest.raises(ValueError, match="28x28 array of numbers in"):
        pad._greys_from_digit(digit)


def test_the_script_is_one_module() -> None:
    """Inline components have one script: no import is left, and one export, the function that Streamlit calls."""
    lines = pad.script().splitlines()
    assert not [line for line in lines if line.lstrip().startswith("import ")]
    assert [line.split("(")[0] for line in lines if line.startswith("export")] == ["export default function "]
    declared = [line.split()[1].split("(")[0] for line in lines if line.startswith(("const ", "function ", "class "))]
    assert len(declared) == len(set(declared)), "two files declare the same name"
