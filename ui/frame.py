"""What every page has around it: configuration, menu, header, footer, and a sentence in place of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from aecore import AecoreError, CheckpointError
from ui import resources, share
from ui.components.copy_link import copy_link

HERE = Path(__file__).parent
NAME = "Autoencoder Playground"
VERSION = "0.1.0"
SIDEBAR = 244  # pixels


@dataclass(frozen=True)
class Page:
    """A page of the app, as the menu and the cards of Home show it."""

    title: str
    path: str  # of its file
    icon: str
    story: str  # one line, below the title
    group: str = ""  # heading in the menu
    question: str = ""  # on its card; empty: no card
    kept: tuple[str, ...] = ()  # address parameters of its own, beside those bound to widgets


# In the order of the menu. A new page takes a line here, and nothing else has to know it.
PAGES = (
    Page(
        "Home",
        "app.py",
        ":material/home:",
        "An autoencoder squeezes a picture through a few numbers and tries to give it back.",
    ),
    Page(
        "Compress",
        "pages/1_Compress.py",
        ":material/compress:",
        "Pick, draw or upload a digit, turn the dial, and watch what survives the bottleneck.",
        group="Digits",
        question="How few numbers does a digit need? A network against PCA, number by number.",
        kept=("digit", "shuffle", "pixels"),
    ),
    Page(
        "Denoise",
        "pages/2_Denoise.py",
        ":material/auto_fix_high:",
        "Damage a digit, by noise or by hand, and see who can mend it: a network trained on noise, or a filter.",
        group="Digits",
        question="Giving back what one gets is useless. Giving back what one should have got is not: noise, taken out.",
        kept=("digit", "shuffle", "pixels", "seed", "paint"),
    ),
    Page(
        "PCA",
        "pages/3_PCA.py",
        ":material/rotate_90_degrees_ccw:",
        "A linear autoencoder, trained while you watch, becomes principal component analysis.",
        group="Digits",
        question="Is an autoencoder without bends just PCA? Train one in seconds, and measure the angle.",
        kept=("train",),
    ),
    Page(
        "Movies",
        "pages/6_Movies.py",
        ":material/movie:",
        "An autoencoder that has seen nothing but stars knows which movies are alike, and what you may like.",
        group="Movies",
        question="What is like The Matrix, what should you watch next, and why? From ratings alone.",
        kept=("movie", "ratings"),
    ),
)


@contextmanager
def page(title: str) -> Iterator[None]:
    """Draw everything around a page; the page's own body goes inside `with page(...)`.

    Parameters
    ----------
    title : str
        As in PAGES.
    """
    here = next(entry for entry in PAGES if entry.title == title)
    st.set_page_config(
        page_title=NAME if here.path == "app.py" else f"{title} · {NAME}",
        page_icon=(HERE / "icon.svg").read_text(encoding="utf-8"),
        layout="wide",
        initial_sidebar_state=SIDEBAR,
    )
    st.html(HERE / "style.css")
    share.remember(title, here.kept)
    _menu()
    _header(here)
    with friendly():
        yield
    _footer()
    resources.warm_up()


@contextmanager
def friendly() -> Iterator[None]:
    """Say what went wrong in a sentence, where the library gave one, and go on after the block."""
    try:
        yield
    except AecoreError as error:
        st.error(sentence(error), icon=":material/error:")


def sentence(error: AecoreError) -> str:
    """An error of the library for the reader of a page."""
    text = str(error).rstrip(".") + "."
    return f"{text} `make models` trains every shipped model anew." if isinstance(error, CheckpointError) else text


def cards() -> None:
    """A card for each page that has a question."""
    asking = [entry for entry in PAGES if entry.question]
    across = 2 if len(asking) in (2, 4) else 3
    for start in range(0, len(asking), across):
        for column, entry in zip(st.columns(across), asking[start : start + across], strict=False):
            with column.container(border=True, height="stretch"):
                st.page_link(entry.path, label=f"**{entry.title}**", icon=entry.icon)
                st.markdown(entry.question)


def _menu() -> None:
    with st.sidebar:
        st.markdown(f"**{NAME}**")
        group = ""
        for entry in PAGES:
            if entry.group != group:
                group = entry.group
                st.caption(group)
            st.page_link(entry.path, label=entry.title, icon=entry.icon, query_params=share.link_to(entry.title))


def _header(here: Page) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title(NAME if here.path == "app.py" else here.title, anchor=False, width="content")
        if here.kept:
            copy_link("copy-link")
    st.html(f'<p class="ae-lead">{here.story}</p>')


def _footer() -> None:
    st.html(
        f'<footer class="ae-foot ae-muted">{NAME} {VERSION}, MIT licence. Digits: MNIST by Yann LeCun, Corinna Cortes '
        "and Chris Burges, CC BY-SA 3.0. Movies: MovieLens by GroupLens. Everything runs on this server; nothing "
        "is fetched from elsewhere and nothing you draw, upload or rate is kept.</footer>"
    )
