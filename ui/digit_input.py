"""Pick, draw or upload a digit: one function, one return type, and all of it in the page's address."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import aecore
from ui import charts, resources, share
from ui.components.drawing_pad import drawing_pad
from ui.components.gallery import gallery

SOURCES = ("gallery", "draw", "upload")
CLASSES = ("any", *map(str, range(10)))
SHOWN = 24  # digits in the gallery
SEEDS = 1_000_000  # of the gallery's shuffling
OPENING = 8  # an arbitrary number that makes the first gallery open on a well-written digit


@dataclass(frozen=True, eq=False)
class ChosenDigit:
    """The digit that a page works on.

    Attributes
    ----------
    image : ndarray (28, 28) float32
        Values in [0, 1], 1 = ink. Drawn and uploaded digits have 16 grey levels, as the address carries them.
    title : str
        What it is, for people.
    own : bool
        Whether the visitor drew or uploaded it.
    lines : tuple of str
        Lines of Python that make `image`, shape (1, 28, 28), with aecore.
    """

    image: NDArray[np.float32]
    title: str
    own: bool
    lines: tuple[str, ...]


def digit_input() -> ChosenDigit | None:
    """Let the visitor choose a digit; None where nothing is drawn or uploaded yet.

    The address keeps `source` (gallery, draw or upload), `class` (any or 0 to 9), `shuffle` (a seed), `digit` (its
    place among the digits in use) and `pixels` (a drawn or uploaded digit, packed).
    """
    source = st.segmented_control(
        "Where the digit comes from",
        SOURCES,
        default="gallery",
        required=True,
        key="source",
        bind="query-params",
        on_change=_forget,
        label_visibility="collapsed",
    )
    if source == "draw":
        return _drawn()
    if source == "upload":
        return _uploaded()
    return _picked()


def _forget() -> None:
    """Another source: what was chosen in the one before leaves the address."""
    share.drop("digit", "pixels")
    st.session_state.pop("upload-problem", None)


# ---------------------------------------------------------------------------------------------------------------------
# From the gallery
# ---------------------------------------------------------------------------------------------------------------------


def _picked() -> ChosenDigit:
    digits = resources.digits()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            "Class", CLASSES, key="class", bind="query-params", on_change=share.drop, args=("digit",), width=112
        )
        st.button("Shuffle", icon=":material/shuffle:", on_click=_shuffle)
    seed = share.whole_number("shuffle", 0, SEEDS - 1) or 0
    shown = _gallery_of(digits.labels, kind, seed)
    chosen = share.whole_number("digit", 0, len(digits) - 1)
    chosen = int(shown[0]) if chosen is None else chosen
    name = "test digit" if digits.source == "mnist" else "digit of the sample"
    gallery(
        "gallery",
        sprite=charts.data_url(charts.side_by_side(digits.images[shown])),
        names=[f"{digits.labels[place]}, {name} {place}" for place in shown],
        chosen=int(np.flatnonzero(shown == chosen)[0]) if chosen in shown else None,
        on_pick=lambda place: share.put("digit", int(shown[place])),
    )
    if digits.source == "mnist":
        st.caption(f"From MNIST's {len(digits):,} test digits. No model here has seen one of them in training.")
        split = '"test"'
    else:
        st.caption(
            f"From {len(digits):,} MNIST digits that come with the app, held out of every training run. MNIST's own "
            "test digits are not on this machine: `python -m aecore download` fetches them."
        )
        split = '"sample"'
    return ChosenDigit(
        image=digits.images[chosen],
        title=f"a {digits.labels[chosen]}, {name} {chosen}",
        own=False,
        lines=(f"image = aecore.load_digits({split}).images[[{chosen}]]  # (1, 28, 28)",),
    )


def _gallery_of(labels: NDArray[np.int64], kind: str, seed: int) -> NDArray[np.int64]:
    """Places of the digits to show: always the same for a class and a seed."""
    places = np.arange(len(labels)) if kind == "any" else np.flatnonzero(labels == int(kind))
    return np.random.default_rng((OPENING, seed)).choice(places, min(SHOWN, len(places)), replace=False)


def _shuffle() -> None:
    share.put("shuffle", ((share.whole_number("shuffle", 0, SEEDS - 1) or 0) + 1) % SEEDS)
    share.drop("digit")


# ---------------------------------------------------------------------------------------------------------------------
# Drawn and uploaded
# ---------------------------------------------------------------------------------------------------------------------


def _drawn() -> ChosenDigit | None:
    image = drawing_pad("pad", digit=_linked(), label="Draw a digit")
    if image is None:
        share.drop("pixels")
        return None
    return _own(image, "your drawing")


def _uploaded() -> ChosenDigit | None:
    st.file_uploader(
        "A picture of one digit",
        type=["png", "jpg", "jpeg", "webp"],
        key="upload",
        on_change=_take_upload,
        help="PNG, JPEG or WebP. Light paper is inverted by itself; the digit is cut out and centred.",
    )
    if problem := st.session_state.get("upload-problem"):
        st.error(problem, icon=":material/broken_image:")
    st.caption("It becomes a digit in MNIST's form: cut out, scaled to 20 × 20 pixels, centred in 28 × 28, 16 greys.")
    image = _linked()
    return None if image is None else _own(image, "your picture")


def _take_upload() -> None:
    st.session_state.pop("upload-problem", None)
    file = st.session_state.get("upload")
    if file is None:
        return
    try:
        share.put("pixels", aecore.pack_digit(aecore.digit_from_picture(file.getvalue())))
    except aecore.PictureError as error:  # the last good digit stays
        st.session_state["upload-problem"] = str(error)


def _linked() -> NDArray[np.float32] | None:
    """The digit in the address; one that is damaged is dropped with a word about it."""
    packed = share.text("pixels")
    if packed is None:
        return None
    try:
        return aecore.unpack_digit(packed)
    except aecore.PictureError as error:
        share.drop("pixels")
        st.warning(f"The digit in this link could not be read: {error}.", icon=":material/link_off:")
        return None


def _own(image: NDArray[np.float32], title: str) -> ChosenDigit | None:
    if not image.any():
        share.drop("pixels")
        return None
    packed = aecore.pack_digit(image)
    share.put("pixels", packed)
    return ChosenDigit(
        image=aecore.unpack_digit(packed),  # what a visitor of the link will see, to the last bit
        title=title,
        own=True,
        lines=(f'image = aecore.unpack_digit("{packed}")[None]  # (1, 28, 28)',),
    )
