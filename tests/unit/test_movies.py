"""Movies whose neighbours are known beforehand: three corners of taste, and ratings that reveal which one it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

import aecore
from aecore import CheckpointError, ConfigError, DataError, ModelNotFoundError, MovieNotFoundError, Neighbours
from aecore.__main__ import main
from aecore.checkpoints import CONFIG, WEIGHTS
from aecore.movies import NOBODY, VOCABULARY, load_movies, save_movies
from tests.tiny_movies import CORNERS, TINY, tiny_movies


@pytest.fixture(scope="module")
def movies():
    return tiny_movies()


def titles(found):
    return [one.movie.title for one in found]


# ---------------------------------------------------------------------------------------------------------------------
# Similar
# ---------------------------------------------------------------------------------------------------------------------


def test_neighbours_are_of_the_same_corner_and_never_the_movie_itself(movies):
    for start in range(0, len(movies), CORNERS):
        index = start
        found = movies.similar(index, k=3)
        assert {one.index % CORNERS for one in found} == {index % CORNERS}
        assert index not in [one.index for one in movies.similar(index, k=len(movies))]


def test_scores_are_true_cosines(movies):
    everything = movies.similar("The Matrix", k=len(movies))
    assert len(everything) == len(movies) - 1
    for one in everything:
        cosine = float(movies.embeddings[movies.find("The Matrix")] @ movies.embeddings[one.index])
        assert one.score == pytest.approx(cosine, abs=1e-6)
        assert -1 <= one.score <= 1
        assert one.support == movies.support[one.index]
        assert one.movie == movies.movies[one.index]
    assert [one.score for one in everything] == sorted((one.score for one in everything), reverse=True)


def test_the_filters(movies):
    everything = movies.similar(0, k=99)
    assert {one.support >= 20 for one in everything} == {True, False}
    assert titles(movies.similar(0, k=99, min_support=20)) == [o.movie.title for o in everything if o.support >= 20]
    years = movies.similar(0, k=99, years=(1990, 1999))
    assert years
    assert all(1990 <= one.movie.year <= 1999 for one in years)
    assert all(one.movie.year >= 2000 for one in movies.similar(0, k=99, years=(2000, None)))
    assert titles(movies.similar(0, k=99, years=(None, None))) == [o.movie.title for o in everything if o.movie.year]
    comedies = movies.similar(0, k=99, genres=["Comedy"])
    assert 0 < len(comedies) < len(everything)
    assert all("Comedy" in one.movie.genres for one in comedies)
    either = movies.similar(0, k=99, genres={"Comedy", "Horror"})
    assert len(either) > len(comedies)
    assert movies.similar(0, k=5, years=(1700, 1701)) == []


def test_popularity_brings_the_well_known_up(movies):
    def mean_support(popularity):
        return np.mean([one.support for one in movies.similar(0, k=4, popularity=popularity)])

    assert mean_support(0.0) < mean_support(0.5) <= mean_support(1.0)
    everything = {one.index: one.score for one in movies.similar(0, k=99)}
    for one in movies.similar(0, k=99, popularity=1.0):
        assert one.score == everything[one.index]  # what is shown stays a cosine


def test_shrinkage_counts_the_opinion_of_two_people_for_less():
    index = tiny_movies().find("The Matrix")
    near = np.eye(len(TINY), dtype=np.float32)
    near[1, index], near[2, index] = 0.99, 0.9
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    support = np.full(len(TINY), 50)
    support[1] = 1
    for shrinkage, first in ((0.0, 1), (5.0, 2)):
        movies = tiny_movies(embeddings=near, support=support, shrinkage=shrinkage)
        assert movies.similar(index, k=1)[0].index == first


def test_rivals_answer_from_their_lists(movies):
    assert movies.methods == ("autoencoder", "cosine", "ease")
    lists = movies.rivals["ease"]
    found = movies.similar(3, k=99, by="ease")
    assert [one.index for one in found] == [i for i in lists.indices[3].tolist() if i != NOBODY]
    assert [one.score for one in found] == pytest.approx(lists.scores[3][: len(found)].tolist())
    assert len(found) < len(movies.similar(3, k=99))
    assert all(one.support >= 20 for one in movies.similar(3, k=99, by="ease", min_support=20))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "at least one"),
        ({"popularity": 1.5}, "from 0 to 1"),
        ({"popularity": float("nan")}, "from 0 to 1"),
        ({"by": "magic"}, "no method 'magic'; take one of autoencoder, cosine, ease"),
        ({"genres": ["Cooking"]}, "no genre Cooking; there are"),
    ],
)
def test_impossible_settings_are_told(movies, settings, message):
    with pytest.raises(ConfigError, match=message):
        movies.similar(0, **settings)


# ---------------------------------------------------------------------------------------------------------------------
# Recommend and why
# ---------------------------------------------------------------------------------------------------------------------

LIKES = {"The Matrix": 5, "Alien": 4.5, "Hate": 1}


def test_recommendations_are_of_the_corner_one_likes_and_never_what_was_rated(movies):
    found = movies.recommend(LIKES, k=3)
    assert {one.index % CORNERS for one in found} == {movies.find("The Matrix") % CORNERS}
    everything = movies.recommend(LIKES, k=99)
    assert len(everything) == len(movies) - len(LIKES)
    assert not {movies.find(title) for title in LIKES} & {one.index for one in everything}
    assert [one.score for one in everything] == sorted((one.score for one in everything), reverse=True)
    assert everything[-1].index % CORNERS == movies.find("Hate") % CORNERS


def test_the_filters_of_recommendations(movies):
    found = movies.recommend(LIKES, k=99, genres=["Comedy"], years=(1980, 2010), min_support=5)
    assert found
    assert all("Comedy" in o.movie.genres and 1980 <= o.movie.year <= 2010 and o.support >= 5 for o in found)


def test_why_is_what_leaving_a_rating_out_changes(movies):
    best = movies.recommend(LIKES, k=3)[0]
    reasons = movies.why(best.index, LIKES, k=3)
    assert [reason.contribution for reason in reasons] == sorted((r.contribution for r in reasons), reverse=True)
    assert {reason.movie.title: reason.stars for reason in reasons} == LIKES
    for reason in reasons:
        rest = {title: stars for title, stars in LIKES.items() if title != reason.movie.title}
        score = {one.index: one.score for one in movies.recommend(rest, k=99)}[best.index]
        assert reason.contribution == pytest.approx(best.score - score, abs=1e-5)
    assert reasons[0].movie.title in ("The Matrix", "Alien")
    assert reasons[0].contribution > 0 > movies.why("Titanic", {"The Matrix": 5, "Hate": 1})[-1].contribution


def test_what_would_be_there_without_a_rating(movies):
    ratings = {"The Matrix": 5, "Toy Story": 4}  # two corners
    explained = movies.explain(ratings, k=4)
    assert [one.recommendation for one in explained] == movies.recommend(ratings, k=4)
    listed = [one.recommendation.index for one in explained]
    rated = {movies.find(title) for title in ratings}
    seen = 0
    for one in explained:
        assert list(one.reasons) == movies.why(one.recommendation.index, ratings, k=4)
        for reason in one.reasons:
            rest = {title: stars for title, stars in ratings.items() if movies.find(title) != reason.index}
            without = [other.index for other in movies.recommend(rest, k=99) if other.index not in rated]
            assert reason.place == without.index(one.recommendation.index) + 1
            assert (reason.instead is None) == (reason.place <= 4)
            if reason.instead is not None:
                seen += 1
                assert reason.instead.index in without[:4]
                assert reason.instead.index not in listed
    assert seen


def test_why_of_a_movie_that_a_filter_hides_has_no_place(movies):
    hidden = next(i for i, movie in enumerate(movies.movies) if movie.year == 1979)
    ratings = {"The Matrix": 5, "Hate": 2}
    assert hidden not in [movies.find(title) for title in ratings]
    assert {reason.place for reason in movies.why(hidden, ratings, years=(1990, 2000))} == {None}


@pytest.mark.parametrize(
    ("ratings", "error", "message"),
    [
        ({}, ConfigError, "rate at least one"),
        ({"The Matrix": 6}, ConfigError, r"0\.5 to 5, got 6"),
        ({"The Matrix": 0}, ConfigError, r"0\.5 to 5"),
        ({"The Matrix": float("nan")}, ConfigError, r"0\.5 to 5"),
        ({"The Matrix": 5, "Matrix, The (1999)": 4}, ConfigError, "rated twice"),
        ({"The Matrlx": 5}, MovieNotFoundError, "did you mean: The Matrix"),
        ({99: 5}, MovieNotFoundError, "no movie at index 99"),
    ],
)
def test_impossible_ratings_are_told(movies, ratings, error, message):
    with pytest.raises(error, match=message):
        movies.recommend(ratings)


# ---------------------------------------------------------------------------------------------------------------------
# Titles
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("toy sto", "Toy Story"),
        ("TOY STORY", "Toy Story"),
        ("matrix", "The Matrix"),
        ("the matr", "The Matrix"),
        ("matrix, the", "The Matrix"),
        ("amelie", "Amélie"),
        ("AMÉLIE", "Amélie"),
        ("toy stroy", "Toy Story"),
        ("matrxi", "The Matrix"),
        ("story toy", "Toy Story"),
        ("wall-e", "WALL·E"),
        ("walle", "WALL·E"),
        ("la haine", "Hate"),
        ("haine", "Hate"),
        ("fabuleux destin", "Amélie"),
        ("hamlet 1990", "Hamlet"),
        ("1979 alien", "Alien"),
    ],
)
def test_search_is_forgiving(movies, query, title):
    assert movies.movies[movies.search(query)[0]].title == title


def test_search_orders_by_fit_then_by_ratings(movies):
    assert [movies.movies[i].label for i in movies.search("hamlet")] == ["Hamlet (1990)", "Hamlet (1996)"]
    assert movies.movies[movies.search("hamlet 1996")[0]].year == 1996
    assert [movies.movies[i].title for i in movies.search("toy story")][:2] == ["Toy Story", "Toy Story 2"]
    assert len(movies.search("a", k=2)) == 2


@pytest.mark.parametrize("query", ["", "   ", "?!", "zzzzzzzz", "\n"])
def test_search_finds_nothing_where_nothing_is(movies, query):
    assert movies.search(query) == []


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Matrix, The (1999)", "The Matrix (1999)"),
        ("The Matrix (1999)", "The Matrix (1999)"),
        ("the matrix", "The Matrix (1999)"),
        ("Matrix", "The Matrix (1999)"),
        ("Hamlet (1996)", "Hamlet (1996)"),
        ("Amelie", "Amélie (2001)"),
        ("La Haine", "Hate (1995)"),
        ("Titanic", "Titanic (1997)"),  # the other one has hardly any ratings
        ("Titanic (1953)", "Titanic (1953)"),
        ("Nameless Year", "Nameless Year"),
    ],
)
def test_find_knows_a_title_in_every_form(movies, title, label):
    assert movies.movies[movies.find(title)].label == label


def test_several_of_one_name_are_told_apart_by_year(movies):
    with pytest.raises(MovieNotFoundError, match="2 movies are called 'Hamlet'") as told:
        movies.find("Hamlet")
    assert told.value.suggestions == ("Hamlet (1990)", "Hamlet (1996)")
    assert {movies.find(label) for label in told.value.suggestions} == set(movies.search("hamlet"))


def test_an_unknown_title_gets_suggestions_that_work(movies):
    with pytest.raises(MovieNotFoundError, match="did you mean: Toy Story") as told:
        movies.find("Toy Sto")
    assert movies.movies[movies.find(told.value.suggestions[0])].title == "Toy Story"
    with pytest.raises(MovieNotFoundError, match="try fewer letters"):
        movies.find("qqqqqqq")


def test_every_title_is_found_by_its_unmistakable_form(movies):
    for index in range(len(movies)):
        assert movies.find(movies.titles.unmistakable(index)) == index
        assert movies.by_id(movies.movies[index].id) == index
    assert movies.by_id(10**9) is None


# ---------------------------------------------------------------------------------------------------------------------
# Shapes, and on disk
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"support": np.ones(3, int)}, "support has 3 rows"),
        ({"embeddings": np.ones((len(TINY), 4), np.float32)}, "rows of length 1"),
        ({"embeddings": np.full((len(TINY), 4), np.nan, np.float32)}, "NaN"),
        ({"map": np.zeros((len(TINY), 3), np.float32)}, "map must have shapes"),
        ({"shrinkage": -1.0}, "shrinkage"),
        (
            {"rivals": {"svd": Neighbours(np.full((len(TINY), 2), 999), np.zeros((len(TINY), 2), np.float32))}},
            "not among",
        ),
        (
            {"rivals": {"svd": Neighbours(np.zeros((len(TINY), 2), int), np.zeros((len(TINY), 3), np.float32))}},
            "indices",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        tiny_movies(**change)


def test_saved_and_loaded_they_answer_the_same(movies, tmp_path):
    folder = save_movies(movies, tmp_path / "mine", {"seed": 3})
    loaded = load_movies(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", CONFIG, VOCABULARY, WEIGHTS]
    assert loaded.card == {"seed": 3}
    assert loaded.movies == movies.movies
    np.testing.assert_array_equal(loaded.support, movies.support)
    np.testing.assert_allclose(np.linalg.norm(loaded.embeddings, axis=1), 1, atol=1e-6)
    for by in movies.methods:
        for index in range(len(movies)):
            before, after = movies.similar(index, by=by), loaded.similar(index, by=by)
            assert [one.score for one in after] == pytest.approx([one.score for one in before], abs=2e-3)
    assert titles(loaded.recommend(LIKES)) == titles(movies.recommend(LIKES))
    assert loaded.search("matrix") == movies.search("matrix")


def test_they_are_no_network_and_a_network_is_no_movies(movies, tmp_path):
    folder = save_movies(movies, tmp_path / "mine")
    with pytest.raises(CheckpointError, match="load_movies"):
        aecore.load(folder)
    network = aecore.save(aecore.build(aecore.NetworkConfig(hidden=(8,), code=2)), tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"aecore\.load"):
        load_movies(network)
    with pytest.raises(ModelNotFoundError):
        load_movies(tmp_path / "nowhere")


@pytest.mark.parametrize("name", [VOCABULARY, WEIGHTS, CONFIG])
@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_damaged_folders_are_told_not_thrown(movies, tmp_path, name, damage):
    path = save_movies(movies, tmp_path / "mine") / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(CheckpointError):
        load_movies(tmp_path / "mine")


def test_a_vocabulary_of_another_model_is_refused(movies, tmp_path):
    folder = save_movies(movies, tmp_path / "mine")
    vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    vocabulary["movies"].pop()
    (folder / VOCABULARY).write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(CheckpointError, match="do not fit one another"):
        load_movies(folder)


# ---------------------------------------------------------------------------------------------------------------------
# The command line
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model(movies, tmp_path):
    return str(save_movies(movies, tmp_path / "mine"))


def test_similar_on_the_command_line(movies, model, capsys):
    assert main(["similar", "toy story", "-k", "3", "--model", model]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "like Toy Story (1995), by autoencoder"
    for line, one in zip(lines[1:], movies.similar("Toy Story", k=3), strict=True):
        assert f"{one.movie.label}  (" in line
        assert float(line.split()[0]) == pytest.approx(one.score, abs=2e-3)
    filters = ["--by", "ease", "--years", "1990-", "--genre", "Comedy", "--min-support", "2", "--popularity", "0.2"]
    assert main(["similar", "Toy Story", "--json", "--model", model, *filters]) == 0
    told = json.loads(capsys.readouterr().out)
    expected = movies.similar(
        "Toy Story", by="ease", years=(1990, None), genres=["Comedy"], min_support=2, popularity=0.2
    )
    assert [row["id"] for row in told["similar"]] == [one.movie.id for one in expected]


def test_recommend_on_the_command_line(movies, model, capsys):
    rates = ["--rate", "The Matrix=5", "--rate", "Titanic=2"]
    assert main(["recommend", *rates, "-k", "2", "--model", model]) == 0
    shown = capsys.readouterr().out
    assert [one.movie.label in shown for one in movies.recommend({"The Matrix": 5, "Titanic": 2}, k=2)] == [True, True]
    assert "most by" in shown
    assert main(["recommend", *rates, "--json", "--model", model]) == 0
    told = json.loads(capsys.readouterr().out)["recommended"]
    assert {reason["movie"] for reason in told[0]["why"]} == {"The Matrix (1999)", "Titanic (1997)"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["similar", "hamlet"], "say which: Hamlet (1990); Hamlet (1996)"),
        (["similar", "toy sto"], "did you mean: Toy Story"),
        (["similar", "toy story", "--years", "recently"], "--years takes"),
        (["similar", "toy story", "--by", "magic"], "no method 'magic'"),
        (["recommend", "--rate", "The Matrix"], "TITLE=STARS"),
        (["recommend", "--rate", "The Matrix=five"], "TITLE=STARS"),
        (["recommend", "--rate", "The Matrix=9"], "stars go from 0.5 to 5"),
    ],
)
def test_the_command_line_says_what_to_do(model, arguments, message, capsys):
    assert main([*arguments, "--model", model]) == 2
    told = capsys.readouterr().err
    assert told.startswith("aecore: ")
    assert message in told


def test_answering_needs_no_torch(model):
    import subprocess
    import sys

    script = (
        f"import aecore, sys; movies = aecore.load_movies({model!r})\n"
        "movies.similar('Toy Story'); movies.explain({'Toy Story': 5}); movies.search('matrx')\n"
        "print({'torch', 'streamlit', 'sklearn', 'plotly'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr
