"""Recommenders whose answer is known: EASE by hand and by both routes, low stars that push down, exact low rank."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from aecore import ConfigError, DataError
from aecore.recommenders import (
    StarAutoencoder,
    UserModel,
    als,
    at_entries,
    ease,
    fit_biases,
    opinions,
    svd_embedding,
    svd_of_residuals,
)


def sparse(rows):
    return sp.csr_array(np.array(rows, np.float32))


@pytest.fixture(scope="module")
def watched():
    random = np.random.default_rng(0)
    return sp.csr_array((random.random((30, 50)) < 0.2).astype(np.float32))


# ---------------------------------------------------------------------------------------------------------------------
# EASE
# ---------------------------------------------------------------------------------------------------------------------


def test_ease_by_hand():
    # Two movies seen by the same two users: to predict one from the other, ridge regression: 2 / (2 + penalty).
    both = sparse([[1, 1], [1, 1]])
    for way in ("users", "movies"):
        np.testing.assert_allclose(ease(both, 0.5, through=way).weights(), [[0, 0.8], [0.8, 0]], rtol=1e-5)


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_both_ways_give_the_same_weights_with_a_zero_diagonal(watched, penalty):
    for matrix in (watched, sp.csr_array(watched.T)):
        through_users, through_movies = (ease(matrix, penalty, through=way) for way in ("users", "movies"))
        assert not np.diag(through_users.weights()).any()
        assert not np.diag(through_movies.weights()).any()
        np.testing.assert_allclose(through_users.weights(), through_movies.weights(), atol=1e-5)
        np.testing.assert_allclose(through_users.scores(matrix), through_movies.scores(matrix), atol=1e-4)


def test_the_weights_minimise_what_ease_minimises(watched):
    """No other weight without a diagonal does better: the gradient is zero everywhere else."""
    weights, dense = ease(watched, 3.0).weights().astype(np.float64), watched.toarray().astype(np.float64)
    gradient = -2 * dense.T @ (dense - dense @ weights) + 2 * 3.0 * weights
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 1e-3


def test_it_goes_through_the_smaller_side(watched):
    assert ease(watched, 1.0).left.shape[1] == 30
    assert ease(sp.csr_array(watched.T), 1.0).left.shape[1] == 30


def test_some_rows_and_the_scores_are_those_of_all_weights(watched):
    model = ease(watched, 2.0)
    chosen = np.array([7, 3])
    np.testing.assert_allclose(model.weights(chosen), model.weights()[chosen], atol=1e-6)
    np.testing.assert_allclose(model.scores(watched), watched.toarray() @ model.weights(), atol=1e-4)


@pytest.mark.parametrize(("penalty", "through"), [(0.0, None), (-1.0, None), (1.0, "genres")])
def test_what_ease_does_not_take(watched, penalty, through):
    with pytest.raises(ConfigError):
        ease(watched, penalty, through=through)


# ---------------------------------------------------------------------------------------------------------------------
# The user model
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    """Two corners of taste, two movies each."""
    corners = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    return UserModel(corners, np.zeros(2, np.float32), corners, np.array([0, 0, 0.1, 0.1], np.float32))


def test_stars_are_opinions():
    assert opinions(sparse([[5, 0, 0.5], [2.75, 0, 0]])).toarray().tolist() == [[1, 0, -1], [0, 0, 0]]


def test_scores_by_hand(model):
    scores = model.scores(sparse([[5, 0, 0, 0], [5, 0, 5, 0]]))
    np.testing.assert_allclose(scores[0], [np.tanh(1), np.tanh(1), 0.1, 0.1], rtol=1e-6)
    both = np.tanh(np.sqrt(0.5))
    np.testing.assert_allclose(scores[1], [both, both, both + 0.1, both + 0.1], rtol=1e-6)


def test_low_stars_push_similar_movies_down(model):
    nothing, low, high = model.scores(sparse([[0, 0, 0, 0], [1, 0, 0, 0], [5, 0, 0, 0]]))
    assert low[1] < nothing[1] < high[1]
    assert low[3] == nothing[3] == pytest.approx(0.1)


def test_a_rating_in_the_middle_says_nothing_and_no_rating_neither(model):
    np.testing.assert_allclose(model.scores(sparse([[2.75, 0, 0, 0], [0, 0, 0, 0]])), [model.bias, model.bias])


def test_the_arrays_make_the_same_model_again(model):
    again = UserModel.from_arrays(model.arrays())
    stars = sparse([[4, 1, 0, 3]])
    np.testing.assert_array_equal(again.scores(stars), model.scores(stars))
    with pytest.raises(DataError, match="decoder is missing"):
        UserModel.from_arrays({name: part for name, part in model.arrays().items() if name != "decoder"})
    with pytest.raises(DataError, match="do not fit one another"):
        UserModel.from_arrays({**model.arrays(), "bias": np.zeros(3, np.float32)})
    with pytest.raises(DataError, match="scores 4 movies, got ratings of 5"):
        model.scores(sparse([[0, 0, 0, 0, 5]]))


# ---------------------------------------------------------------------------------------------------------------------
# Stars
# ---------------------------------------------------------------------------------------------------------------------


def test_biases_are_found_again():
    random = np.random.default_rng(0)
    users, movies = random.normal(0, 0.5, 40), random.normal(0, 0.5, 30)
    stars = 3.5 + users[:, None] + movies[None]
    given = sp.csr_array(np.where(random.random(stars.shape) < 0.5, stars, 0).astype(np.float32))
    biases = fit_biases(given, 1e-6, 1e-6, sweeps=100)
    rows, columns = np.indices(stars.shape)
    np.testing.assert_allclose(biases.at(rows, columns), stars, atol=1e-3)
    assert np.abs(biases.residuals(given).data).max() < 1e-3


def test_doubt_draws_a_bias_to_zero():
    one = sparse([[5, 0], [0, 3], [0, 3], [0, 3]])
    assert fit_biases(one, 0, 100).movies[0] < 0.1 < fit_biases(one, 1e9, 0).movies[0]


def test_als_finds_a_hidden_low_rank_from_a_part_of_the_entries():
    random = np.random.default_rng(1)
    full = random.normal(size=(60, 2)) @ random.normal(size=(2, 40))
    there = random.random(full.shape) < 0.5
    given = sp.csr_array(np.where(there, full, 0).astype(np.float32))
    users, movies = als(given, 2, 1e-4, sweeps=30)
    rows, columns = np.nonzero(~there)
    assert np.abs(at_entries(users, movies, rows, columns) - full[~there]).max() < 0.1


def test_the_truncated_svd_gives_an_exact_low_rank_back():
    random = np.random.default_rng(2)
    full = sp.csr_array((random.normal(size=(20, 3)) @ random.normal(size=(3, 15))).astype(np.float32))
    users, movies = svd_of_residuals(full, 3)
    np.testing.assert_allclose(users @ movies.T, full.toarray(), atol=1e-4)
    coordinates = svd_embedding(full, 3)
    np.testing.assert_allclose(coordinates @ coordinates.T, (full.T @ full).toarray(), atol=1e-3)
    lengths = np.linalg.norm(coordinates, axis=0)
    assert (np.diff(lengths) <= 0).all()  # the strongest first
    with pytest.raises(ConfigError, match="between 1 and 14"):
        svd_embedding(full, 15)


def test_a_star_autoencoder_by_hand():
    network = StarAutoencoder(
        np.array([[1.0], [-1.0]], np.float32),
        np.array([0.0], np.float32),
        np.array([[2.0], [4.0]], np.float32),
        np.array([0.5, 0], np.float32),
    )
    rows = sparse([[0, 0], [3, 3]])  # both add up to 0: sigmoid 0.5
    np.testing.assert_allclose(network.codes(rows), [[0.5], [0.5]])
    np.testing.assert_allclose(network.at(rows, np.array([0, 1]), np.array([0, 1])), [1.5, 2.0])
