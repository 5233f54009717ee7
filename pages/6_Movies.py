"""Movies: which are alike, what to watch next and why, and why only the rated entries count."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from aecore.movies import Movies
from ui import frame, movies, movies_view, resources
from ui.components.movie_lists import movie_lists
from ui.components.movie_map import map_marks, movie_map
from ui.components.movie_search import movie_search
from ui.components.recommended import recommended
from ui.components.star_shelf import star_shelf
from ui.movies import Sieve

SECTIONS = ("similar", "recommend", "the mask")


@st.cache_resource(show_spinner=False)
def the_map(_model: Movies) -> dict[str, Any]:
    """The points of the map: the same for everybody."""
    return movies_view.the_map(_model)


def choose_sieve(model: Movies) -> Sieve:
    """Which movies may be listed; the same in both lists."""
    low, high = movies.span(model)
    with st.container(key="dials"):
        support, years, genres = st.columns([3, 4, 4], gap="medium", vertical_alignment="bottom")
    least = support.select_slider(
        "Ratings, at least", movies.SUPPORTS, value=movies.SUPPORT, key="support", bind="query-params"
    )
    chosen = years.slider("Years", low, high, (low, high), key="years", bind="query-params")
    kinds = genres.multiselect(
        "Genres", sorted(model.genres), key="genres", bind="query-params", placeholder="any of them"
    )
    return Sieve(least, None if chosen == (low, high) else chosen, tuple(kinds))


@st.fragment
def show_similar(model: Movies) -> None:
    """A movie, its neighbours, the map."""
    pick = partial(movies.ask, model)
    with frame.friendly():
        index, problem = movies.asked(model)
        if problem:
            st.warning(problem, icon=":material/link_off:")
        with st.container(key="ask"):
            field, slider = st.columns([6, 5], gap="medium", vertical_alignment="bottom")
        with field:
            movie_search(
                "search",
                search=partial(movies.find, model),
                on_pick=pick,
                label="A movie",
                value=model.movies[index].label,
            )
        popularity = slider.slider(
            "More alike ↔ better known",
            0.0,
            1.0,
            0.0,
            0.05,
            key="popularity",
            bind="query-params",
            help="0 ranks by similarity alone. To the right, how often a movie was rated counts more and more.",
        )
        with st.expander("Filters", icon=":material/filter_list:"):
            sieve = choose_sieve(model)
        own = movies.answer(model, index, sieve, popularity)
        near, beside = st.columns([5, 8], gap="medium")
        with near:
            st.html(movies_view.query_html(model, index))
            movie_lists("near", [own.column()], on_pick=pick)
            if order := movies.ranking(model, popularity):
                st.caption(order)
        with beside:
            movie_map("map", the_map(model), label="A map of all movies", on_pick=pick)
            map_marks("marks", query=index, marked=[one.index for one in own.near])
            st.caption(movies_view.map_words(model))
        answers = [own]
        if st.toggle("Ask the others too: raw cosine, SVD, EASE", key="compare", bind="query-params"):
            answers += [movies.answer(model, index, sieve, popularity, by) for by in model.rivals]
            shown = [one.index for one in own.near]
            movie_lists("rivals", [each.column(shown) for each in answers[1:]], on_pick=pick)
            st.caption(movies.agreement(own, answers[1:]))
        keep(
            movies.similar_code(model, index, sieve, popularity, [each.by for each in answers]),
            partial(movies.similar_csv, model.movies[index], answers),
            "similar.csv",
        )


def to_similar(model: Movies, index: int) -> None:
    """Leave for the movies similar to one."""
    movies.ask(model, index)
    st.session_state["show"] = SECTIONS[0]
    st.session_state["leave"] = True


@st.fragment
def show_recommend(model: Movies) -> None:
    """Stars on the left, what follows from them on the right."""
    if st.session_state.pop("leave", False):
        st.rerun()
    rate = partial(movies.rate, model)
    with frame.friendly():
        ratings, problem = movies.read_ratings(model)
        if problem:
            st.warning(problem, icon=":material/link_off:")
        with st.container(horizontal=True, vertical_alignment="center", key="tastes"):
            st.markdown("Start from a taste:", width="content")
            for name in movies.TASTES:
                taste = movies.taste(model, name)
                st.button(name, on_click=movies.write_ratings, args=(model, taste), disabled=not taste)
            clear = {"icon": ":material/close:", "disabled": not ratings, "type": "tertiary"}
            st.button("Clear", on_click=movies.write_ratings, args=(model, {}), **clear)
        given, follows = st.columns([5, 6], gap="large")
        with given:
            st.subheader("What you have seen", anchor=False)
            movie_search(
                "add",
                search=partial(movies.find, model),
                on_pick=lambda index: rate(index, 4),
                label="Another movie (it starts with four stars)",
            )
            star_shelf("shelf", movies.shelf(model, ratings), on_rate=rate, label="Movies to rate")
        with follows:
            st.subheader("What you may like", anchor=False)
            show_list(model, ratings)


def show_list(model: Movies, ratings: Mapping[int, float]) -> None:
    """The recommendations."""
    missing = movies.ENOUGH - len(ratings)
    if not ratings:
        st.info("Give stars to a few movies you know, good ones and bad ones.", icon=":material/star:")
        return
    if missing > 0:
        st.caption(f"{len(ratings)} of {movies.ENOUGH} ratings: with {missing} more it begins to know you.")
    st.caption(movies.in_short(model, ratings))
    with st.expander("Filters", icon=":material/filter_list:"):
        sieve = choose_sieve(model)
    explained = model.explain(ratings, movies.SHOWN, **sieve.settings)
    if not explained:
        st.info("Nothing passes the filters.", icon=":material/filter_list_off:")
        return
    recommended(
        "list",
        movies.recommendations(explained),
        on_rate=partial(movies.rate, model),
        on_pick=partial(to_similar, model),
    )
    st.caption(
        "A reason unfolds: each rating is left out in turn, and the list made again. Your ratings are in this page's "
        "address and nowhere else: copy the link to share them."
    )
    keep(movies.recommend_code(model, ratings, sieve), partial(movies.recommend_csv, explained), "recommended.csv")


def keep(code: str, table: Any, name: str) -> None:
    """The same in Python, and as a file."""
    with st.expander("Show the code", icon=":material/code:"):
        st.code(code, language="python")
    st.download_button("Download list (CSV)", table, name, on_click="ignore", icon=":material/download:", key="csv")


def show_figures(model: Movies) -> None:
    """The mask, and who wins what, from the card."""
    card = model.card
    if mask := card.get("mask"):
        st.header("Only the rated entries count", anchor=False)
        st.markdown(movies_view.mask_words(card, model))
        st.markdown(movies_view.mask_picture(mask), unsafe_allow_html=True)  # st.html would leave out the SVG
    for part, head, told in movies_view.TABLES:
        if rows := card.get(part):
            st.header(head, anchor=False)
            st.markdown(f"{told} {movies_view.winners(rows)}")
            st.html(movies_view.table_html(rows, "Method"))
    st.caption(movies_view.measured(card))


with frame.page("Movies"):
    with st.container(key="sections"):
        section = st.segmented_control(
            "What to look at",
            SECTIONS,
            default=SECTIONS[0],
            required=True,
            key="show",
            bind="query-params",
            label_visibility="collapsed",
        )
    model = resources.movies()
    {SECTIONS[0]: show_similar, SECTIONS[1]: show_recommend}.get(section, show_figures)(model)
    st.caption(movies_view.CREDITS)
