"""Measures of taste on cases small enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp

from aecore import DataError
from aecore.datasets.movielens import Movie
from aecore.taste import (
    SimilarJudge,
    franchises,
    genre_overlap,
    judge_recommendations,
    part_likes,
    rmse,
    split_ratings,
    split_users,
)


def movie(title, *genres):
    return Movie(0, title, title, None, genres)


def matrix(rows):
    return sp.csr_array(np.array(rows, np.float32))


# Five movies; four training users make them 4, 4, 2, 2 and 1 times rated.
TRAINING = matrix([[4, 4, 3, 3, 3], [4, 4, 3, 3, 0], [5, 5, 0, 0, 0], [2, 2, 0, 0, 0]])
MOVIES = [movie("Toy Story", "A", "B"), movie("Toy Story 2", "A"), movie("Heat", "C"), movie("Casino", "C"), movie("X")]


def judge_of(held_out, least=1):
    return SimilarJudge.of(MOVIES, TRAINING, matrix(held_out), least=least)


def test_users_are_split_once_and_for_all():
    training, held_out = split_users(610)
    assert (len(training), len(held_out)) == (488, 122)
    assert sorted([*training, *held_out]) == list(range(610))
    assert np.array_equal(split_users(610)[1], held_out)
    assert not np.array_equal(split_users(610, seed=1)[1], held_out)


def test_ratings_are_split_without_loss():
    ratings = sp.random_array((30, 40), density=0.3, rng=np.random.default_rng(0), dtype=np.float32).tocsr()
    kept, taken = split_ratings(ratings, seed=3)
    assert len(taken.stars) == round(0.1 * ratings.nnz)
    assert kept.nnz + len(taken.stars) == ratings.nnz
    back = kept.toarray()
    assert not back[taken.rows, taken.columns].any()
    back[taken.rows, taken.columns] = taken.stars
    np.testing.assert_array_equal(back, ratings.toarray())


def test_rmse_by_hand_is_clipped_to_the_scale():
    assert rmse(np.array([9.0, 3.0]), np.array([5.0, 4.0])) == pytest.approx(math.sqrt(0.5))
    assert rmse(np.array([-3.0]), np.array([0.5])) == 0


def test_series_are_found_by_their_titles():
    titles = [
        *("Star Wars: Episode IV - A New Hope", "Star Wars: Episode V - The Empire Strikes Back", "Rocky", "Rocky III"),
        *("The Godfather", "The Godfather: Part II", "Harry Potter and the Goblet of Fire"),
        *("Harry Potter and the Chamber of Secrets", "Hamlet", "Hamlet", "The Mission", "Mission", "Heat"),
        *("Beauty and the Beast", "Beauty and the Boss"),
    ]
    found = franchises([movie(title) for title in titles])
    assert [group.tolist() for group in found] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_genres_in_common():
    overlap = genre_overlap([movie("a", "A", "B"), movie("b", "B", "C", "D"), movie("c")])
    np.testing.assert_allclose(overlap, [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 0]])


def test_the_catalogue_has_only_movies_that_enough_training_users_rated():
    assert judge_of([[5, 5, 5, 5, 5]], least=2).catalogue.tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="nothing can be judged"):
        judge_of([[5, 2, 2, 2, 5]], least=2)


def test_similar_movies_by_hand():
    # One user liked 0, 2 and 3 (popularity 4, 2, 2), disliked 1.
    judge = judge_of([[5, 1, 4, 4.5, 0]])
    scores = np.zeros((5, 5))
    scores[0] = [9, 4, 3, 2, 1]  # the diagonal does not count: 1, 2, 3, 4 are the places of 1, 2, 3, 4
    scores[2] = [4, 3, 9, 2, 1]  # 0 at place 1, 3 at place 3
    scores[3] = [1, 2, 3, 9, 4]  # 4, 2, 1, 0
    figures = judge.judge(scores)
    # pairs (query, other): place and weight 1/popularity
    pairs = [(2, 0.5), (3, 0.5), (1, 0.25), (3, 0.5), (4, 0.25), (2, 0.5)]  # 0-2, 0-3, 2-0, 2-3, 3-0, 3-2
    expected = sum(weight / place for place, weight in pairs) / sum(weight for _, weight in pairs)
    assert figures["mrr"] == pytest.approx(expected)
    assert figures["recall@20"] == 1  # five movies fit into every list of twenty
    # All others of a list are among the ten: 1 of "Toy Story 2", Heat and Casino share their only genre.
    assert figures["sequels@10"] == 1


def test_recall_weighs_by_popularity():
    titles = [movie(f"Movie{chr(97 + i)}") for i in range(26)]
    popular = np.zeros((4, 26), np.float32)
    popular[0] = 3
    popular[1:, 1] = 3  # movie 1 is rated four times, all others once
    liked = np.zeros((1, 26), np.float32)
    liked[0, :3] = 5
    judge = SimilarJudge.of(titles, sp.csr_array(popular), sp.csr_array(liked), least=1)
    scores = np.tile(np.arange(26, 0, -1, dtype=float), (26, 1))  # the first ones first, for every query
    assert judge.judge(scores)["recall@20"] == 1
    scores[:, 1] = -1  # the popular one last
    # queries 0, 1, 2 miss: weight 1/4, nothing, 1/4; all there is: 1.25, 2, 1.25
    assert judge.judge(scores)["recall@20"] == pytest.approx((1 + 2 + 1) / 4.5)
    scores[:, 1], scores[:, 2] = 9.5, -1  # inside the twenty, and last
    assert judge.judge(scores)["recall@20"] == pytest.approx((0.25 + 1 + 1.25) / 4.5)


def test_pmauc_compares_with_movies_that_the_user_did_not_rate():
    judge = judge_of([[5, 0, 0, 5, 0]])
    scores = np.zeros((5, 5))
    scores[0] = [0, 1, 3, 2, 1]  # 3 beats 1 and 4, loses to 2
    scores[3] = [2, 2, 1, 0, 2]  # 0 ties with 1 and 4, beats 2
    drawn = judge.pairs[0][0]
    by_query = {0: 2 / 3, 3: 2 / 3}
    assert judge.judge(scores)["pmauc"] == pytest.approx(np.mean([by_query[int(query)] for query in drawn]))
    assert judge.judge(np.zeros((5, 5)))["pmauc"] == 0.5


def test_a_known_embedding_is_judged_by_its_cosines():
    held_out = [[5, 5, 0, 0, 0], [0, 0, 5, 5, 0]]
    good = np.array([[1, 0], [3, 0.1], [0, 1], [0.1, 2], [-1, -1]])
    judge = judge_of(held_out)
    longer = good * np.array([[1], [7], [0.2], [3], [1]])  # a vector's length does not matter
    assert judge.judge_embedding(longer) == pytest.approx(judge.judge_embedding(good))
    figures = judge.judge_embedding(good)
    assert figures["mrr"] == 1
    assert figures["pmauc"] == 1
    with pytest.raises(DataError, match="scores of shape"):
        judge.judge(np.zeros((3, 3)))


def test_a_part_of_the_likes_is_hidden():
    stars = np.zeros((3, 20), np.float32)
    stars[0, :10] = 4.5  # ten liked: two hidden
    stars[0, 10:] = 2
    stars[1, :4] = 5  # too few
    stars[2, 5:10] = 4  # five: one hidden
    given, hidden = part_likes(sp.csr_array(stars))
    assert given.shape == (2, 20)
    assert [len(found) for found in hidden] == [2, 1]
    assert np.diff(given.indptr).tolist() == [8, 4]
    assert set(given.data.tolist()) == {4.0, 4.5}
    assert set(hidden[0]) | set(given.indices[:8]) == set(range(10))
    assert not set(hidden[0]) & set(given.indices[:8])


def test_recommendations_by_hand():
    given = matrix([[5, 0, 0, 0, 0], [0, 5, 0, 0, 0]])
    hidden = [np.array([2, 3]), np.array([0])]
    scores = np.array([[9, 1, 4, 2, 3], [0, 9, 3, 2, 1]], np.float32)  # lists 2 4 3 1; 2 3 4 0
    figures = judge_recommendations(scores, given, hidden)
    first = (1 + 1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert figures["ndcg@100"] == pytest.approx((first + 1 / math.log2(5)) / 2)
    assert figures["recall@20"] == figures["recall@50"] == 1
