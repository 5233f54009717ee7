"""Networks of ratings on worlds whose tastes are known: blocks of users who watch blocks of movies."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from aecore import ConfigError, DataError
from aecore.rating_networks import (
    ItemSettings,
    Rows,
    StarSettings,
    UserSettings,
    join_codes,
    movie_rows,
    train_item_autoencoder,
    train_item_embedding,
    train_star_autoencoder,
    train_user_model,
    unit_rows,
)

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = 4  # of tastes: user u and movie m belong together where u % BLOCKS == m % BLOCKS
ITEM = ItemSettings(numbers=8, members=((0.2, 0.2, 0.0), (0.5, 0.2, 1.0)), min_support=1, epochs=60, batch=20)
USER = UserSettings(numbers=8, epochs=30, batch=16)


@pytest.fixture(scope="module")
def world():
    """60 users, 40 movies: much of one's own block, a little of the others', which gets low stars."""
    random = np.random.default_rng(0)
    own = np.arange(60)[:, None] % BLOCKS == np.arange(40)[None] % BLOCKS
    rated = random.random((60, 40)) < np.where(own, 0.7, 0.08)
    stars = np.where(own, random.choice([4, 4.5, 5], (60, 40)), random.choice([1, 1.5, 2], (60, 40)))
    return sp.csr_array(np.where(rated, stars, 0).astype(np.float32))


@pytest.fixture(scope="module")
def embedding(world):
    return train_item_embedding(world, ITEM)


@pytest.fixture(scope="module")
def user_model(world):
    return train_user_model(world, USER)


def test_rows_are_read_as_they_stand_in_the_matrix():
    matrix = sp.csr_array(np.array([[0, 2, 0], [0, 0, 0], [1, 0, 3]], np.float32))
    rows = Rows.of(matrix, np.array([2, 1, 0, 2]))
    expected = matrix.toarray()[[2, 1, 0, 2]]
    np.testing.assert_array_equal(rows.dense(3).numpy(), expected)
    weights = torch.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(rows.times(weights).numpy(), expected @ weights.numpy())


def test_damage_leaves_entries_out_and_lengths_at_one():
    matrix = sp.csr_array(np.ones((1, 1000), np.float32))
    generator = torch.Generator().manual_seed(0)
    damaged = Rows.of(matrix, np.array([0])).damaged(0.7, generator).values
    assert 250 < int((damaged > 0).sum()) < 350
    assert float(damaged.square().sum()) == pytest.approx(1, abs=1e-5)
    thinned = Rows.of(matrix, np.array([0])).thinned(0.7, generator).values
    assert float(thinned.sum()) == pytest.approx(1000, rel=0.15)


def test_a_movies_vector_by_hand():
    matrix = sp.csr_array(np.array([[4, 0], [2, 3]], np.float32))
    rows = movie_rows(matrix, 0.5, 1.0).toarray()
    first = np.array([5, 3 / np.sqrt(2)])  # the second user rated two movies
    np.testing.assert_allclose(rows, [first / np.linalg.norm(first), [0, 1]], rtol=1e-6)


def test_embeddings_find_the_movies_of_a_taste(embedding):
    assert embedding.shape == (40, 8)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)
    cosines = embedding @ embedding.T
    np.fill_diagonal(cosines, -1)
    nearest = np.argsort(-cosines, axis=1)[:, :9]
    assert (nearest % BLOCKS == np.arange(40)[:, None] % BLOCKS).all()


def test_the_same_seed_gives_the_same_embeddings_and_progress_ends_at_one(world, embedding):
    told = []
    again = train_item_embedding(world, ITEM, told.append)
    np.testing.assert_array_equal(again, embedding)
    assert told == sorted(told)
    assert told[-1] == 1
    assert not np.array_equal(train_item_embedding(world, dataclasses.replace(ITEM, seed=1)), embedding)


def test_a_movie_without_ratings_is_like_nothing(world):
    wider = sp.csr_array((world.data, world.indices, world.indptr), shape=(60, 41))
    rows = train_item_embedding(wider, dataclasses.replace(ITEM, epochs=1))
    assert not rows[40].any()
    assert np.isfinite(rows).all()


def test_an_epoch_at_a_time_and_the_loss_falls(world):
    reports = list(train_item_autoencoder(world, ITEM))
    assert [report.epoch for report in reports] == list(range(1, 61))
    assert reports[-1].loss < 0.8 * reports[0].loss
    assert all(report.seconds > 0 for report in reports)


PEAK = """
import resource
import numpy as np
import scipy.sparse as sp
from aecore.rating_networks import ItemSettings, train_item_autoencoder

def epoch(users):
    places = np.random.default_rng(0).permutation(users)
    stars = np.full(users, 4, np.float32)
    matrix = sp.csr_array((stars, (np.arange(users), places)), shape=(users, users))
    settings = ItemSettings(numbers=4, members=((0.5, 0.2, 0.0),), min_support=1, epochs=1, batch=4000)
    next(train_item_autoencoder(matrix, settings))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before = epoch(1000)
print(epoch(100_000) - before)
"""


def test_memory_grows_with_the_ratings_and_not_with_users_times_movies():
    """100,000 ratings of as many users and movies: 40 GB written out, and 1.6 GB a batch."""
    ran = subprocess.run([sys.executable, "-c", PEAK], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) < 150e6


def test_joined_codes_keep_their_products():
    random = np.random.default_rng(0)
    parts = [random.normal(size=(30, 3)).astype(np.float32) for _ in range(2)]
    joined = join_codes(parts, 6)
    np.testing.assert_allclose(joined @ joined.T, sum(part @ part.T for part in parts), atol=1e-4)
    assert join_codes(parts, 2).shape == (30, 2)
    assert unit_rows(np.array([[3, 4], [0, 0]], np.float32)).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)],
        [0, 0],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"numbers": 0},
        {"members": ()},
        {"members": ((1.0, 0.2, 0.0),)},
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 0},
    ],
)
def test_bad_settings_fail_before_training(wrong):
    with pytest.raises(ConfigError):
        ItemSettings(**wrong)
    if "members" not in wrong:
        name = "hidden" if "numbers" in wrong else None
        with pytest.raises(ConfigError):
            UserSettings(**wrong)
        with pytest.raises(ConfigError):
            StarSettings(**({name: 0} if name else wrong))


def test_too_little_to_train_on():
    one = sp.csr_array(np.array([[4.0, 0, 0], [5, 0, 0]], np.float32))
    nothing = sp.csr_array((5, 5), dtype=np.float32)
    with pytest.raises(DataError, match="training needs 2"):
        train_item_embedding(one, ITEM)
    with pytest.raises(DataError, match="training needs 2"):
        train_user_model(nothing)
    with pytest.raises(DataError, match="nothing to train on"):
        train_star_autoencoder(nothing)


def test_the_user_model_recommends_the_taste_of_a_few_ratings(user_model):
    for block in range(BLOCKS):
        stars = np.zeros((1, 40), np.float32)
        stars[0, [block, block + BLOCKS, block + 2 * BLOCKS]] = 5
        scores = user_model.scores(sp.csr_array(stars))[0]
        scores[stars[0] > 0] = -np.inf
        assert (np.argsort(-scores)[:7] % BLOCKS == block).all()


def test_low_stars_are_no_signal_in_favour(user_model):
    """One star for a movie pushes those that go with it below where they stand for somebody unknown."""
    for block in range(BLOCKS):
        stars = np.zeros((2, 40), np.float32)
        stars[1, block] = 1
        unknown, disliked = user_model.scores(sp.csr_array(stars))
        alike = np.arange(block + BLOCKS, 40, BLOCKS)
        others = np.setdiff1d(np.arange(40), np.arange(block, 40, BLOCKS))
        change = disliked - unknown
        assert change[alike].mean() < change[others].mean()
        assert (change[alike] < 0).mean() > 0.8


def test_the_masked_network_predicts_stars_and_the_unmasked_one_collapses(world):
    by_movie = world.T.tocsr()
    rows, columns = by_movie.nonzero()
    settings = StarSettings(hidden=20, epochs=60, batch=8, corruption=0.1, learning_rate=0.02)
    told = []
    masked = train_star_autoencoder(by_movie, settings, told.append).at(by_movie, rows, columns)
    unmasked = train_star_autoencoder(by_movie, dataclasses.replace(settings, masked=False))
    assert told[-1] == 1
    assert np.sqrt(np.mean((masked - by_movie[rows, columns]) ** 2)) < 0.6
    gaps = np.argwhere(by_movie.toarray() == 0)
    assert unmasked.at(by_movie, gaps[:, 0], gaps[:, 1]).mean() < 1
