"""Home: what an autoencoder is, in a minute."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui import charts, frame, resources

NUMBERS = 16


@st.cache_data(show_spinner=False)
def strip() -> str:
    """Ten digits above what the shipped network gives back, as one picture."""
    digits = resources.digits()
    places = [int(np.flatnonzero(digits.labels == label)[7]) for label in range(10)]
    images = digits.images[places]
    back = resources.model(f"digits-{NUMBERS}").reconstruct(images)
    rows = [charts.side_by_side(row, gap=3) for row in (images, back)]
    pixels = np.concatenate([rows[0], np.zeros((3, rows[0].shape[1]), np.uint8), rows[1]])
    return charts.pixel_image(
        pixels, f"The digits 0 to 9 in handwriting, and below each what came back through {NUMBERS} numbers"
    )


with frame.page("Home"):
    st.markdown(charts.autoencoder_drawing(NUMBERS), unsafe_allow_html=True)
    st.header("Can a network give back what it gets?", anchor=False)
    without, through = st.columns(2, gap="medium")
    without.markdown(
        "**Without a bottleneck: of course.** It copies each of the 784 pixels, and has learned nothing about digits."
    )
    through.markdown(
        f"**Through {NUMBERS} numbers: only if it has understood something.** It must find out what makes a digit this "
        "digit, and spend its few numbers on that."
    )
    shown = st.empty()
    st.header("Try it", anchor=False)
    st.page_link(
        "pages/1_Compress.py",
        label="Draw a digit and squeeze it",
        icon=":material/draw:",
        query_params={"source": "draw"},
    )
    frame.cards()
    with frame.friendly(), shown:
        st.html(
            f'<figure style="margin:0">{strip()}<figcaption class="ae-muted">Above: digits that the network never saw '
            f"in training. Below: what came back through {NUMBERS} numbers.</figcaption></figure>"
        )
