"""What all sessions share and nobody changes: models, their cards, digits; and how they come to be loaded late.

Importing torch takes seconds and holds up everything else in the process, so it happens after the page has painted.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import streamlit as st

import aecore

if TYPE_CHECKING:
    from aecore.networks import Autoencoder
    from aecore.pca import PCA

PAINT = 0.35  # seconds that the first page gets to reach the browser and be painted
MOVIES = "movies"  # the model folder that is loaded in a way of its own
THREADS = 1  # of torch: one digit is too little work to share, and every visitor's thread may compute at once


@st.cache_resource(show_spinner=False, max_entries=64)
def model(name: str) -> Autoencoder | PCA:
    """Load a shipped model; it is shared by every session, so never train or change it.

    Raises
    ------
    CheckpointError
        If it is missing or broken. Nothing is remembered then: once it is there, the next run finds it.
    """
    import_torch()
    return aecore.load(name)


@st.cache_resource(show_spinner=False, max_entries=64)
def card(name: str) -> dict[str, Any]:
    """Read a shipped model's card; raises as `model` does."""
    return aecore.read_card(name)


@st.cache_resource(show_spinner=False)
def movies() -> aecore.Movies:
    """The shipped movies, without torch; raises as `model` does."""
    return aecore.load_movies(MOVIES)


@st.cache_resource(show_spinner=False)
def digits() -> aecore.Digits:
    """Digits that no shipped model was trained on: MNIST's test digits where they are, else the offline sample."""
    return aecore.load_digits("test", download=False)  # a page never waits for a network


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load torch and every shipped model in the background, once a server, after the first page has painted."""
    thread = threading.Thread(target=_load_all, name="warm-up", daemon=True)
    thread.start()
    return thread


def _load_all() -> None:
    try:
        digits()
        for name in aecore.shipped_names():
            if name == MOVIES:
                movies().search("the matrxi")  # a slip: makes the index of titles, and that of their letters
            else:
                model(name)
    except Exception:  # whatever it is, the page that needs the model says it
        return
    finally:
        _settle()


def _settle() -> None:
    """Let the garbage collector forget what stays anyway.

    Streamlit collects garbage after each run of a script, and walks through all that torch and its like have made: a
    tenth of a second in which no thread of the server can do anything. A background training feels that most.
    """
    gc.collect()
    gc.freeze()


_importing = threading.Lock()


def import_torch() -> None:
    """Import torch, once the first page has had its moment to paint, with threads set on purpose."""
    with _importing:
        if "torch" in sys.modules and "aecore.networks" in sys.modules:
            return
        time.sleep(PAINT)
        import torch
        from threadpoolctl import threadpool_limits

        import aecore.networks  # noqa: F401

        torch.set_num_threads(THREADS)
        threadpool_limits(THREADS, user_api="blas")  # numpy's too
        _settle()
