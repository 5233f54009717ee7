"""Compress: a digit through a bottleneck, by a network and by PCA, and what survives."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui import charts, comparison, compression, frame
from ui.compression import Dials
from ui.digit_input import ChosenDigit, digit_input

PAINT = 0.06  # seconds that the browser gets to paint the pictures before the charts keep it busy


def turn_dials() -> Dials:
    """The dial for the code size, the one for the bits, and the switch for the ordered code."""
    with st.container(key="dials"):
        size, bits, switch = st.columns([5, 4, 3], gap="medium", vertical_alignment="bottom")
    ordered = switch.toggle(
        "Every size",
        key="ordered",
        bind="query-params",
        on_change=keep_size_possible,
        help="On: one network whose first k numbers are a code of their own, like PCA's. Off: one network a size.",
    )
    k = size.select_slider("Bottleneck (numbers)", compression.sizes(ordered), value=32, key="k", bind="query-params")
    return Dials(k, bits.slider("Bits of each number", 2, 8, 8, key="bits", bind="query-params"), ordered)


def keep_size_possible() -> None:
    """Switched off: the dial goes to the nearest size that has a network of its own."""
    if not st.session_state["ordered"]:
        st.session_state["k"] = compression.nearest_size(st.session_state["k"])


def show_result(digit: ChosenDigit, dials: Dials) -> None:
    """Input, code, both reconstructions, errors, figures; the same in Python; files to keep."""
    result = compression.compress(digit.image, dials)
    st.html(comparison.comparison_html(result, compression.verdict(result), digit.title))
    st.markdown(compression.place_among_digits(digit.image, dials))
    with st.expander("Show the code", icon=":material/code:"):
        st.code(compression.code_lines(digit.lines, dials), language="python")
    with st.container(horizontal=True):
        download = partial(st.download_button, on_click="ignore", icon=":material/download:")
        download("Download picture", partial(comparison.comparison_png, result), "digit.png", key="picture")
        download("Download code (CSV)", partial(compression.code_csv, result), "code.csv", key="csv")


def show_curve(dials: Dials) -> None:
    """Test error over code size, from the cards."""
    curves = compression.curves()
    here = [
        (dials.k, curve.errors[dials.k]) for curve in curves if curve.kind in dials.kinds and dials.k in curve.errors
    ]
    alt = "Test error over the numbers in the code. " + compression.curve_in_words(curves)
    st.header("How few numbers are enough?", anchor=False)
    figure = charts.rate_distortion(curves, here)
    st.plotly_chart(figure, config={"displayModeBar": False}, key="curve", alt=alt)
    st.caption(
        "Measured on 10,000 test digits, before rounding to bits. To measure again: `python -m aecore evaluate all`"
    )


def show_strangers(digit: ChosenDigit | None, dials: Dials) -> None:
    """Pictures that are no digits, each beside what came back."""
    st.header("What it was not trained on", anchor=False)
    st.markdown(
        "Left what went in, right what came back: the network knows digits only, and draws everything as one. "
        f"Errors are set beside those of 10,000 test digits at {dials.k} numbers, before rounding."
    )
    st.html(comparison.strangers_html(dials, digit if digit and digit.own else None))


@st.fragment
def explore(digit: ChosenDigit | None, curve: DeltaGenerator, strangers: DeltaGenerator) -> None:
    """All that follows the dials: a step runs this alone, and sends the pictures first."""
    dials = turn_dials()
    with frame.friendly():
        if digit is None:
            st.info("Draw or upload a digit, and see here what is left of it.", icon=":material/draw:")
        else:
            show_result(digit, dials)
        time.sleep(PAINT)
        with strangers:
            show_strangers(digit, dials)
    with frame.friendly(), curve:
        show_curve(dials)


with frame.page("Compress"):
    left, right = st.columns([4, 9], gap="medium")
    curve, strangers = st.container(), st.container()
    with left:
        digit = digit_input()
    with right:
        explore(digit, curve, strangers)
