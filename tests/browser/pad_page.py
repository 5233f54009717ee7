"""A page with nothing but the drawing pad, and what Python received from it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.components.drawing_pad import drawing_pad

linked = None
if st.query_params.get("digit") == "cross":
    linked = np.zeros((28, 28), np.float32)
    linked[13:15, 6:22] = linked[6:22, 13:15] = 1

runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
if st.checkbox("Show the pad", value=True):
    digit = drawing_pad("pad", digit=linked, label="Draw a digit")
    st.subheader("Below the pad")
    greys = "none" if digit is None else "".join(f"{round(15 * value):x}" for value in digit.ravel().tolist())
    st.markdown(f"Received: `{greys}`")
st.button("Run again")
st.markdown(f"Runs: `{runs}`")
st.markdown("\n\n".join(f"Line {n} of a page long enough to scroll." for n in range(40)))
