"""From ratings to the model folder and its card, in a world of three tastes small enough to train in a moment."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse as sp

from aecore import load_movies, movie_card
from aecore.__main__ import main
from aecore.datasets.movielens import Movie, Ratings
from aecore.rating_networks import ItemSettings, StarSettings, UserSettings
from aecore.recommenders import ease

TASTES, USERS, MOVIES = 3, 90, 45
QUICK = movie_card.MovieRecipe(
    item=ItemSettings(numbers=6, members=((0.2, 0.2, 0.0), (0.5, 0.2, 1.0)), epochs=25, batch=16),
    user=UserSettings(numbers=6, epochs=60, batch=30),
    ease_similar=50.0,
    ease_recommend=50.0,
    svd_recommend=3,
    svd_residuals=3,
    als=(3, 0.1),
    stars=StarSettings(hidden=40, epochs=120, batch=8, corruption=0.3, learning_rate=0.02, weight_decay=0.1),
    residuals=StarSettings(hidden=12, epochs=5, batch=8),
    ensemble=1,
)


@pytest.fixture(scope="module")
def world():
    random = np.random.default_rng(0)
    own = np.arange(USERS)[:, None] % TASTES == np.arange(MOVIES)[None] % TASTES
    rated = random.random((USERS, MOVIES)) < np.where(own, 0.7, 0.1)
    stars = np.where(own, random.choice([4, 4.5, 5], rated.shape), random.choice([1, 1.5, 2], rated.shape))
    names = [f"{['Alpha', 'Beta', 'Gamma'][m % TASTES]} {m // TASTES + 1}" for m in range(MOVIES)]
    return Ratings(
        matrix=sp.csr_array(np.where(rated, stars, 0).astype(np.float32)),
        users=np.arange(USERS, dtype=np.int64),
        movies=tuple(Movie(m, names[m], names[m], 1990 + m % 9, (f"Genre {m % TASTES}",)) for m in range(MOVIES)),
        release="a world of three tastes",
    )


@pytest.fixture(scope="module")
def judged(world):
    told = []
    return movie_card.figures(world, QUICK, lambda text, part: told.append(part)), told


def test_progress_rises_to_one(judged):
    _, told = judged
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)


def test_every_method_is_judged_and_tastes_are_found(judged):
    figures, _ = judged
    assert list(figures["similar"]) == ["autoencoder", "masked", "svd", "cosine", "ease", "popularity", "random"]
    ours, chance = figures["similar"]["autoencoder"], figures["similar"]["random"]
    assert ours["dimensions"] == figures["similar"]["svd"]["dimensions"] == 6
    assert figures["similar"]["cosine"]["dimensions"] == 72
    for figure in ("recall@20", "mrr", "pmauc", "sequels@10", "genre@10"):
        assert ours[figure] > chance[figure], figure
    assert ours["genre@10"] > 0.95
    assert ours["pmauc"] > 0.9
    assert list(figures["recommend"]) == ["autoencoder", "ease", "svd", "popularity", "random"]
    assert figures["recommend"]["autoencoder"]["ndcg@100"] > figures["recommend"]["random"]["ndcg@100"] + 0.1
    assert set(figures["rating"]) == {
        *("mean", "biases", "svd", "als", "unmasked", "masked", "residuals", "together"),
    }
    # Here a rating is a matter of taste alone: what the mean and the biases know is worth nothing.
    assert figures["rating"]["masked"]["rmse"] < 0.8 * figures["rating"]["biases"]["rmse"]
    assert figures["rating"]["mean"]["rmse"] > 1.2
    assert set(figures["similar"]) | set(figures["recommend"]) | set(figures["rating"]) <= set(movie_card.TITLES)


def test_the_mask_picture_counts_every_held_out_rating(world, judged):
    figures, _ = judged
    mask = figures["mask"]
    assert len(mask["edges"]) == len(mask["masked"]["histogram"]) + 1
    for name in ("masked", "unmasked", "actual"):
        assert sum(mask[name]["histogram"]) == figures["split"]["held-out ratings"] == round(0.1 * len(world))
    assert mask["unmasked"]["mean"] < mask["masked"]["mean"]
    assert mask["masked"]["rmse"] < mask["unmasked"]["rmse"]
    assert mask["actual"]["mean"] == pytest.approx(mask["masked"]["mean"], abs=0.5)


def test_the_table_names_every_figure(judged):
    lines = "\n".join(movie_card.table(judged[0]))
    assert "truncated SVD" in lines
    assert f"{judged[0]['similar']['autoencoder']['recall@20']:.4f}".rstrip("0") in lines
    assert "without it" in lines


def test_the_model_is_trained_on_everybody_with_the_rivals_lists(world):
    movies = movie_card.make(world, QUICK)
    assert movies.support.tolist() == world.support.tolist()
    assert movies.map.shape == (MOVIES, 2)
    assert np.abs(movies.map).max() == pytest.approx(1)
    weights = ease(movie_card.watched(world.matrix), QUICK.ease_similar).weights()
    for name, (indices, scores) in movies.rivals.items():
        assert indices.shape == scores.shape == (MOVIES, MOVIES - 1)
        assert (indices != np.arange(MOVIES)[:, None]).all(), name
        assert all(len(set(row)) == MOVIES - 1 for row in indices.tolist())
    np.testing.assert_allclose(
        movies.rivals["ease"].scores, np.take_along_axis(weights, movies.rivals["ease"].indices, axis=1), atol=1e-5
    )
    dense = world.matrix.toarray()
    cosine = (dense[:, 0] @ dense[:, 3]) / np.linalg.norm(dense[:, 0]) / np.linalg.norm(dense[:, 3])
    place = movies.rivals["cosine"].indices[0].tolist().index(3)
    assert movies.rivals["cosine"].scores[0, place] == pytest.approx(cosine, abs=1e-4)
    for method in movies.methods:
        assert {one.movie.genres for one in movies.similar(0, k=5, by=method)} == {("Genre 0",)}, method
    liked = dict.fromkeys((0, 3, 6, 9, 12), 5.0)
    assert {one.movie.genres for one in movies.recommend(liked, k=5)} == {("Genre 0",)}


def test_train_saves_what_evaluate_measures_again(world, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("aecore.__main__.load_ratings", lambda *_, **__: world)
    quick = dataclasses.replace(QUICK, user=dataclasses.replace(QUICK.user, epochs=2))
    monkeypatch.setattr(movie_card, "MovieRecipe", lambda: quick)
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path))
    assert main(["train", "movies", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["movies"]
    assert load_movies().card == card
    assert card["parameters"] == 2 * 90 * 6 + 2 * 45 * 6 + 6 + 45
    assert card["data"]["users"] == USERS
    assert main(["evaluate", "movies", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["movies"]
    assert {part: again[part] for part in ("similar", "recommend", "rating", "mask", "split")} == {
        part: card[part] for part in ("similar", "recommend", "rating", "mask", "split")
    }
    assert main(["evaluate", "movies"]) == 0
    assert "held-out users" in capsys.readouterr().out
