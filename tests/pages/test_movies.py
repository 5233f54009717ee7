"""Movies, run without a browser: links opened cold, absurd addresses, a missing model, and the code shown."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from aecore.movies import Movies, load_movies, save_movies
from tests.tiny_movies import CARD, tiny_movies
from ui import movies as page
from ui import movies_view, resources
from ui.components.star_shelf import rating_taker

ROOT = Path(__file__).resolve().parents[2]
RATED = "2571-5_1214-4_97-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder that holds sixteen movies and nothing else."""
    models = tmp_path_factory.mktemp("models")
    save_movies(tiny_movies(), models / "movies")
    return models


@pytest.fixture
def model(folder: Path) -> Movies:
    return load_movies(folder / "movies")


@pytest.fixture(autouse=True)
def tiny_model(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    monkeypatch.setattr(resources, "warm_up", lambda: None)
    monkeypatch.setenv("AECORE_MODELS", str(folder))
    monkeypatch.setattr(page, "SHOWN", 4)
    monkeypatch.setattr(page, "OPENING", 1)  # Toy Story: of the tiny ones
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def movies(**address: str | list[str]) -> AppTest:
    """The page opened cold at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/6_Movies.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


def data(app: AppTest, component: str) -> list[dict[str, Any]]:
    """What the components of a name were given."""
    found = [part.proto for part in app.get("bidi_component") if part.proto.component_name.endswith(component)]
    return [json.loads(proto.json) for proto in found]


def titles(rows: list[dict[str, Any]]) -> list[str]:
    return [row["title"] for row in rows]


def test_it_opens_on_a_movie_with_its_neighbours_marked_on_the_map(model: Movies) -> None:
    app = movies()
    assert not app.error
    assert app.title[0].value == "Movies"
    assert "<b>Toy Story <small>1995</small></b>" in html(app)
    (lists,) = data(app, "movie_lists")
    expected = model.similar("Toy Story", 4, min_support=page.SUPPORT)
    assert titles(lists["columns"][0]["rows"]) == [one.movie.title for one in expected]
    assert [row["score"] for row in lists["columns"][0]["rows"]] == [f"{one.score:.2f}" for one in expected]
    (marks,) = data(app, "movie_marks")
    assert marks["query"] == model.find("Toy Story")
    assert marks["marked"] == [one.index for one in expected]
    (drawn,) = data(app, "movie_map")
    assert drawn["titles"].split("\n") == [movie.label for movie in model.movies]
    assert any("10.1145/2827872" in caption.value for caption in app.caption)


def test_a_link_opened_cold_sets_everything(model: Movies) -> None:
    app = movies(movie="2571", support="1", popularity="0.5", years=["1980", "2000"], genres="Sci-Fi", compare="true")
    assert not app.error
    settings: dict[str, Any] = {"popularity": 0.5, "years": (1980, 2000), "genres": ["Sci-Fi"]}
    own, others = data(app, "movie_lists")
    assert titles(own["columns"][0]["rows"]) == [o.movie.title for o in model.similar("The Matrix", 4, **settings)]
    assert [column["title"] for column in others["columns"]] == ["Raw cosine", "EASE"]
    for column, by in zip(others["columns"], ("cosine", "ease"), strict=True):
        expected = model.similar("The Matrix", 4, by=by, **settings)
        assert titles(column["rows"]) == [one.movie.title for one in expected]
    assert any("the others list" in caption.value for caption in app.caption)


def test_turning_a_dial_makes_another_list() -> None:
    app = movies(movie="2571")
    before = data(app, "movie_lists")
    app.slider(key="popularity").set_value(1.0).run()
    assert data(app, "movie_lists") != before
    app.multiselect(key="genres").set_value(["Comedy"]).run()
    assert all("Comedy" in row["note"] for row in data(app, "movie_lists")[0]["columns"][0]["rows"])


def test_the_order_of_a_list_is_explained(model: Movies) -> None:
    assert not any("In order of" in caption.value for caption in movies().caption)  # by the scores alone
    assert "(n / 90) to the power of 0.5, n being" in next(
        caption.value for caption in movies(popularity="0.5").caption if "In order of" in caption.value
    )
    assert page.ranking(tiny_movies(shrinkage=2.0), 0.0).startswith("In order of score × n / (n + 2), n being")


def test_ratings_of_a_link_are_on_the_shelf_and_make_the_list(model: Movies) -> None:
    app = movies(show="recommend", ratings=RATED)
    (shelf,) = data(app, "star_shelf")
    assert {row["title"]: row["stars"] for row in shelf["movies"] if row["stars"]} == {
        "The Matrix": 5.0,
        "Alien": 4.0,
        "Hate": 1.0,
    }
    assert shelf["movies"][0]["title"] == "Hate"  # not of the shelf itself: it comes first
    explained = model.explain({"The Matrix": 5, "Alien": 4, "Hate": 1}, 4, min_support=page.SUPPORT)
    (listed,) = data(app, "recommended")
    assert titles(listed["movies"]) == [one.recommendation.movie.title for one in explained]
    for row, one in zip(listed["movies"], explained, strict=True):
        assert titles(row["reasons"]) == [reason.movie.title for reason in one.reasons]
        assert one.reasons[0].movie.title in row["because"]
    assert any("3 of 5 ratings" in caption.value for caption in app.caption)


def test_without_ratings_it_asks_for_some_and_a_taste_gives_them() -> None:
    app = movies(show="recommend")
    assert "Give stars" in app.info[0].value
    next(button for button in app.button if button.label == "Bent realities").click().run()
    assert app.query_params["ratings"] in ("2571-5_541-5_1214-4_1721-2", ["2571-5_541-5_1214-4_1721-2"])
    assert data(app, "recommended")
    next(button for button in app.button if button.label == "Clear").click().run()
    assert "ratings" not in app.query_params
    assert not data(app, "recommended")


@pytest.mark.parametrize(
    ("ratings", "kept"),
    [("2571-5_1214-9_97-1", "2571-5_97-1"), ("x", None), ("2571-4.5_8-5", "2571-4.5"), ("2571--5", None), ("", None)],
)
def test_ratings_that_make_no_sense_are_dropped_with_a_word(ratings: str, kept: str | None) -> None:
    app = movies(show="recommend", ratings=ratings)
    assert "could not be read" in app.warning[0].value
    left = app.query_params.get("ratings")
    assert left in (kept, [kept])


@pytest.mark.parametrize(
    "address",
    [
        {"movie": "4242424242"},
        {"movie": "-1"},
        {"movie": "<b>"},
        {"movie": "²"},
        {"popularity": "7"},
        {"popularity": "nan"},
        {"support": "4"},
        {"years": "soon"},
        {"years": ["3000", "1"]},
        {"genres": "Cooking"},
        {"show": "nothing"},
        {"compare": "perhaps"},
    ],
)
def test_an_absurd_address_falls_back_to_the_default(address: dict[str, Any]) -> None:
    app = movies(**address)
    assert not app.error
    assert app.code[0].value == movies().code[0].value


def test_a_movie_that_is_not_known_gets_a_sentence() -> None:
    app = movies(movie="999999")
    assert "not one that the model knows" in app.warning[0].value
    assert "movie" not in app.query_params


def test_the_figures_come_from_the_card() -> None:
    app = movies(show="the mask")
    assert [heading.value for heading in app.header] == [
        "Only the rated entries count",
        "Guessing stars",
        "Similar titles",
        "Recommending",
    ]
    words = " ".join(block.value for block in app.markdown)
    assert "**EASE** wins NDCG@100" in words  # honest about who does
    assert "**Raw cosine** wins MRR" in words
    assert "RMSE 0.85" in words
    assert "RMSE 2.50" in words
    assert 'aria-label="Histogram of predicted stars' in words
    cells = re.findall(r'<th scope="row"[^>]*>([^<]*)</th>', html(app))
    assert {"Autoencoder, masked", "Autoencoder, unmasked", "Raw cosine", "EASE"} <= set(cells)
    assert html(app).count('class="ae-best"') == 1 + 2 + 1  # genre@10 is a draw, and 6 numbers win nothing


def test_a_card_without_figures_leaves_them_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    save_movies(tiny_movies(card={}), tmp_path / "movies")
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    app = movies(show="the mask")
    assert not app.error
    assert not app.header


def test_a_missing_model_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    for section in ("similar", "recommend"):
        app = movies(show=section)
        assert "no model 'movies'" in app.error[0].value
        assert "`make models`" in app.error[0].value


@pytest.mark.parametrize(
    "address",
    [
        {"movie": "1411"},
        {"movie": "2571", "compare": "true", "years": ["1980", "2000"], "genres": "Sci-Fi", "popularity": "0.25"},
    ],
)
def test_the_code_for_similar_movies_prints_what_is_shown(address: dict[str, Any]) -> None:
    app = movies(**address)
    shown = [row["title"] for part in data(app, "movie_lists") for column in part["columns"] for row in column["rows"]]
    lines = [line for line in printed(app.code[0].value) if "ratings" in line]
    assert len(lines) == len(shown)
    for line, title in zip(lines, shown, strict=True):
        assert title in line


def test_the_code_for_recommendations_prints_what_is_shown() -> None:
    app = movies(show="recommend", ratings=RATED, support="1", genres="Sci-Fi")
    lines = printed(app.code[0].value)
    (listed,) = data(app, "recommended")
    for row, line, reason in zip(listed["movies"], lines[::2], lines[1::2], strict=True):
        assert row["title"] in line
        assert row["reasons"][0]["title"] in reason
        assert row["reasons"][0]["amount"].replace("−", "-") in reason


def printed(code: str) -> list[str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "shown code", "exec"), {})
    return out.getvalue().splitlines()


def test_the_lists_to_keep(model: Movies) -> None:
    answers = [page.answer(model, 0, page.Sieve(), 0.0, by) for by in ("autoencoder", "ease")]
    rows = list(csv.DictReader(io.StringIO(page.similar_csv(model.movies[0], answers))))
    assert [row["title"] for row in rows] == [one.movie.title for each in answers for one in each.near]
    assert {row["query"] for row in rows} == {"The Matrix (1999)"}
    assert float(rows[0]["score"]) == pytest.approx(answers[0].near[0].score, rel=1e-5)
    explained = model.explain({"The Matrix": 5, "Hate": 2}, 3)
    rows = list(csv.DictReader(io.StringIO(page.recommend_csv(explained))))
    assert [row["because_of"] for row in rows] == [one.reasons[0].movie.label for one in explained]
    assert [row["movie_id"] for row in rows] == [str(one.recommendation.movie.id) for one in explained]


def test_reasons_in_words(model: Movies) -> None:
    explained = model.explain({"The Matrix": 5, "Toy Story": 4}, 4)
    for rank, one in enumerate(explained, 1):
        for reason in one.reasons:
            told = page.without(reason, rank)
            if reason.instead is not None:
                assert f"{reason.instead.movie.title} would be here instead" in told
            elif reason.place == rank:
                assert "nothing would change" in told
            else:
                assert told.endswith(page.ordinal(reason.place or 0))


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ([{"index": 3, "stars": 5, "number": 8}], [(3, 5)]),
        ([{"index": 3, "stars": 0, "number": 8}, {"index": 4, "stars": 2, "number": 9}], [(3, 0), (4, 2)]),
        ([{"index": 3, "stars": 5, "number": 7}, {"index": 4, "stars": 2, "number": 8}], [(4, 2)]),  # 7 was seen
        ([{"index": -1, "stars": 5, "number": 8}], []),
        ([{"index": 3, "stars": 6, "number": 8}], []),
        ([{"index": True, "stars": 5, "number": 8}], []),
        ([{"index": "3", "stars": 5, "number": 8}], []),
        ([{"index": 3, "stars": 5}], []),
        (["five"], []),
        ({"index": 3}, []),
        (None, []),
    ],
)
def test_what_the_stars_send_is_checked(
    sent: Any, taken: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(st, "session_state", {"shelf": {"rate": sent}, "shelf:seen": 7})
    rating_taker("shelf", lambda index, stars: given.append((index, stars)))()
    assert given == taken


def test_the_map_holds_every_movie_even_those_far_out(model: Movies) -> None:
    import base64

    import numpy as np

    places = np.random.default_rng(0).normal(size=(len(model), 2)).astype(np.float32)
    places[3] = 1e6
    packed = movies_view.the_map(tiny_movies(map=places))
    whole = np.frombuffer(base64.b64decode(packed["places"]), "<u2").reshape(-1, 2)
    assert whole.shape == (len(model), 2)
    assert whole[3].tolist() == whole.max(axis=0).tolist()
    order = np.frombuffer(base64.b64decode(packed["order"]), "<u2")
    assert sorted(order.tolist()) == list(range(len(model)))
    assert model.support[order[0]] == model.support.max()
    colours = np.frombuffer(base64.b64decode(packed["colours"]), np.uint8)
    assert colours.max() < len(packed["legend"])
    assert packed["legend"][colours[model.find("Toy Story")]]["title"] == "Animation, children"
    assert packed["legend"][colours[model.find("Nameless Year")]]["title"] == "No genre"


def test_every_genre_of_movielens_has_a_colour() -> None:
    known = {genre for group in movies_view.GROUPS.values() for genre in group}
    assert known == {
        *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
        *("Film-Noir", "Horror", "IMAX", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
    }


def test_the_picture_of_the_mask_tells_both_means() -> None:
    drawn = movies_view.mask_picture(CARD["mask"])
    assert "With the mask</b> 3.8 stars on average, RMSE 0.85" in drawn
    assert "Without</b> 0.8 stars on average, RMSE 2.50" in drawn
    assert drawn.count('class="ae-hist ') == 2
