"""How well similar movies, recommendations and predicted stars agree with people whose ratings were held out.

Pure measures on arrays: they know ratings and titles, and no model. Each says in its docstring what it counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aecore.datasets.movielens import Movie
from aecore.errors import DataError

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

LIKED = 4.0  # stars from which a movie counts as liked
CATALOGUE = 5  # ratings among the training users that a movie needs to be judged as a neighbour
NEIGHBOURS = 100  # movies of about the same popularity that a liked one is set against in pmAUC
PAIRS = 200  # pairs a user that pmAUC looks at


# ---------------------------------------------------------------------------------------------------------------------
# Splits
# ---------------------------------------------------------------------------------------------------------------------


def split_users(users: int, seed: int = 0, part: float = 0.2) -> tuple[Ints, Ints]:
    """Users to train on and users held out, ascending; `part` of them, rounded, are held out.

    Examples
    --------
    >>> training, held_out = split_users(610)
    >>> len(training), len(held_out)
    (488, 122)
    """
    order = np.random.default_rng(seed).permutation(users)
    count = round(users * part)
    return np.sort(order[count:]), np.sort(order[:count])


@dataclass(frozen=True, eq=False)
class Entries:
    """Some ratings of a matrix: user rows[i] gave movie columns[i] stars[i]."""

    rows: Ints
    columns: Ints
    stars: Floats


def split_ratings(matrix: sp.csr_array, seed: int = 0, part: float = 0.1) -> tuple[sp.csr_array, Entries]:
    """Take a random part of the ratings out: what is left, of the same shape, and what was taken."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.random.default_rng(seed).permutation(len(rows))
    count = round(len(rows) * part)
    out, left = np.sort(order[:count]), np.sort(order[count:])
    lengths = np.bincount(rows[left], minlength=matrix.shape[0])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(matrix.indptr.dtype)
    kept = sp.csr_array((matrix.data[left], matrix.indices[left], starts), shape=matrix.shape)
    return kept, Entries(rows[out], matrix.indices[out].astype(np.int64), matrix.data[out])


def rmse(predicted: NDArray[Any], stars: NDArray[Any]) -> float:
    """Root of the mean squared error in stars, predictions clipped to MovieLens's scale, 0.5 to 5."""
    return float(np.sqrt(np.mean((np.clip(predicted, 0.5, 5.0) - stars) ** 2)))


# ---------------------------------------------------------------------------------------------------------------------
# Similar movies
# ---------------------------------------------------------------------------------------------------------------------

_ARTICLE = re.compile(r"^(the|a|an|le|la|les|l'|il|el|der|die|das) ")
_NUMBER = re.compile(r"\s+(\d{1,2}|ii|iii|iv|v|vi|vii|viii|ix|x|two|three)$")
_PART = re.compile(r"\b(part|episode|chapter|vol|volume|no)\b.*$")


def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return _ARTICLE.sub("", letters)


def _root(title: str) -> str:
    """What the titles of a series have in common: "toy story" of "Toy Story 2"."""
    head = re.split(r":| - ", _plain(title))[0]
    before = re.split(r" and (?:the|a) ", head)[0]
    head = before if " " in before else head  # "Harry Potter", but not "Beauty"
    head = _PART.sub("", re.sub(r"[^a-z0-9 ]", "", head)).strip()
    while (shorter := _NUMBER.sub("", head).strip()) != head:
        head = shorter
    return head


def franchises(movies: Sequence[Movie]) -> list[Ints]:
    """Movies that belong to one series, found by their titles alone: each an ascending list of indices, two or more.

    Titles are compared without article, number, "Part ...", subtitle after a colon or dash, and what follows "and
    the"; a series has two movies with the same rest, one of which had something taken off (so that two remakes of one
    name are none). A few chance namesakes slip in, and series that change their name ("Alien", "Aliens") slip out.

    Examples
    --------
    >>> titles = ("Toy Story", "Heat", "Toy Story 2", "The Heat", "Indiana Jones and the Last Crusade")
    >>> [list(map(int, found)) for found in franchises([Movie(0, title, title, None, ()) for title in titles])]
    [[0, 2]]
    """
    groups: dict[str, list[int]] = {}
    for index, movie in enumerate(movies):
        groups.setdefault(_root(movie.title), []).append(index)

    def marked(index: int, root: str) -> bool:
        return re.sub(r"[^a-z0-9 ]", "", _plain(movies[index].title)).strip() != root

    return [
        np.array(found, np.int64)
        for root, found in groups.items()
        if len(root) >= 3 and len(found) >= 2 and any(marked(index, root) for index in found)
    ]


def genre_overlap(movies: Sequence[Movie]) -> Floats:
    """Genres in common over genres of either (Jaccard), for each pair of movies: (n, n); 0 without any genre."""
    names = sorted({genre for movie in movies for genre in movie.genres})
    has = np.array([[name in movie.genres for name in names] for movie in movies], np.float32).reshape(len(movies), -1)
    common, counts = has @ has.T, has.sum(axis=1)
    return (common / np.maximum(counts[:, None] + counts[None] - common, 1)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class SimilarJudge:
    """Judges lists of similar movies by what held-out users liked together, and by titles and genres.

    The catalogue are the movies with CATALOGUE or more ratings among the training users; both queries and neighbours
    come from it. Build it with `of`.

    Attributes
    ----------
    catalogue : ndarray, shape (n,)
        Columns of the rating matrix; scores that are judged are (n, n) in this order.
    popularity : ndarray, shape (n,)
        Ratings among the training users.
    """

    catalogue: Ints
    popularity: Ints
    likes: list[Ints] = field(repr=False)  # of each held-out user who liked two or more: places in the catalogue
    series: list[Ints] = field(repr=False)
    overlap: Floats = field(repr=False)
    pairs: list[tuple[Ints, Ints, Ints, NDArray[np.bool_]]] = field(repr=False)

    @classmethod
    def of(
        cls,
        movies: Sequence[Movie],
        training: sp.csr_array,
        held_out: sp.csr_array,
        seed: int = 0,
        least: int = CATALOGUE,
    ) -> SimilarJudge:
        """Prepare for the movies of two groups of users.

        Parameters
        ----------
        movies : sequence of Movie
            The columns of both matrices.
        training, held_out : csr_array, shape (users, movies)
            Stars.
        seed : int
            Of the pairs that pmAUC draws.
        least : int
            Ratings among the training users that a movie of the catalogue has.

        Raises
        ------
        DataError
            If no held-out user likes two movies of the catalogue.
        """
        counts = np.bincount(training.indices, minlength=training.shape[1])
        catalogue = np.flatnonzero(counts >= least)
        place = np.full(training.shape[1], -1)
        place[catalogue] = np.arange(len(catalogue))
        popularity = counts[catalogue]
        random = np.random.default_rng(seed)
        order = np.lexsort((random.random(len(catalogue)), popularity))  # the rarest first, equals in any order
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        width = min(NEIGHBOURS + 1, len(catalogue))
        likes, pairs = [], []
        for user in range(held_out.shape[0]):
            entries = slice(held_out.indptr[user], held_out.indptr[user + 1])
            columns, stars = held_out.indices[entries], held_out.data[entries]
            liked = place[columns[stars >= LIKED]]
            liked = liked[liked >= 0]
            if len(liked) < 2:
                continue
            likes.append(liked)
            count = min(PAIRS, len(liked) * (len(liked) - 1))
            query = random.integers(len(liked), size=count)
            other = (query + random.integers(1, len(liked), size=count)) % len(liked)
            start = np.clip(rank[liked[other]] - width // 2, 0, len(order) - width)
            matched = order[start[:, None] + np.arange(width)]  # (pairs, width): of about the other's popularity
            unseen = ~np.isin(matched, place[columns])
            pairs.append((liked[query], liked[other], matched, unseen))
        if not likes:
            raise DataError(
                f"no held-out user likes two movies that {least} training users rated; nothing can be judged"
            )
        chosen = [movies[column] for column in catalogue.tolist()]
        return cls(catalogue, popularity, likes, franchises(chosen), genre_overlap(chosen), pairs)

    def judge(self, scores: NDArray[Any]) -> dict[str, float]:
        """Figures of a method that scores each movie of the catalogue for each.

        Parameters
        ----------
        scores : ndarray, shape (n, n)
            scores[i, j]: how similar j is to i. The diagonal does not count.

        Returns
        -------
        dict
            recall@20
                Of the movies j that a user liked beside i, each weighing 1 / popularity, the weight that is among the
                20 most similar to i, over the most that 20 titles could catch; a mean over each user's i and j, then
                over users. Without the weights the most popular movies win, whatever is asked.
            mrr
                1 / place of j in i's list, with the same weights and means.
            pmauc
                How often j is more similar to i than a movie of about j's popularity that the user did not rate
                (ties count one half); means over up to PAIRS pairs of each user, then over users.
            sequels@10
                Of the others of its series, how many are among a movie's ten most similar (over ten, where there are
                more); a mean over all movies of a series.
            genre@10
                Genres in common over genres of either, a mean over each movie's ten most similar.
        """
        n = len(self.catalogue)
        if scores.shape != (n, n):
            raise DataError(f"the catalogue has {n} movies, got scores of shape {scores.shape}")
        values = np.array(scores, np.float32)
        np.fill_diagonal(values, -np.inf)
        order = np.argsort(-values, axis=1)  # (n, n)
        ranks = np.empty(values.shape, np.int32)
        np.put_along_axis(ranks, order, np.arange(1, n + 1, dtype=np.int32)[None], axis=1)
        recalls, reciprocals, aucs = [], [], []
        for liked in self.likes:
            places = ranks[np.ix_(liked, liked)]
            weights = np.broadcast_to(1 / self.popularity[liked], places.shape).copy()
            np.fill_diagonal(weights, 0)
            best = np.sort(weights, axis=1)[:, -min(20, len(liked) - 1) :].sum()
            recalls.append(((places <= 20) * weights).sum() / best)
            reciprocals.append((weights / places).sum() / weights.sum())
        for query, other, matched, unseen in self.pairs:
            mine, theirs = values[query, other][:, None], values[query[:, None], matched]
            won = ((theirs < mine) + 0.5 * (theirs == mine)) * unseen
            there = unseen.sum(axis=1)
            if there.any():
                aucs.append((won.sum(axis=1)[there > 0] / there[there > 0]).mean())
        top = order[:, : min(10, n - 1)]  # never the movie itself
        found = [np.isin(top[one], group).sum() / min(10, len(group) - 1) for group in self.series for one in group]
        return {
            "recall@20": float(np.mean(recalls)),
            "mrr": float(np.mean(reciprocals)),
            "pmauc": float(np.mean(aucs)) if aucs else 0.5,
            "sequels@10": float(np.mean(found)) if found else 0.0,
            "genre@10": float(np.take_along_axis(self.overlap, top, axis=1).mean()),
        }

    def judge_embedding(self, embedding: NDArray[Any]) -> dict[str, float]:
        """Figures of the cosines between rows (movies, numbers) of all movies, in the order of the rating matrix."""
        rows = np.asarray(embedding, np.float32)[self.catalogue]
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return self.judge(rows @ rows.T)


# ---------------------------------------------------------------------------------------------------------------------
# Recommendations
# ---------------------------------------------------------------------------------------------------------------------


def part_likes(matrix: sp.csr_array, seed: int = 0, part: float = 0.2) -> tuple[sp.csr_array, list[Ints]]:
    """Hide a part of what each user liked: the liked movies that are left, with their stars, and the hidden ones.

    Users who liked fewer than five movies are left out.
    """
    random = np.random.default_rng(seed)
    rows, columns, stars = [], [], []
    hidden: list[Ints] = []
    for user in range(matrix.shape[0]):
        entries = slice(matrix.indptr[user], matrix.indptr[user + 1])
        liked = np.flatnonzero(matrix.data[entries] >= LIKED)
        if len(liked) < 5:
            continue
        order = random.permutation(liked)
        count = max(1, round(part * len(liked)))
        given = np.sort(order[count:])
        rows.append(np.full(len(given), len(hidden)))
        columns.append(matrix.indices[entries][given])
        stars.append(matrix.data[entries][given])
        hidden.append(matrix.indices[entries][order[:count]].astype(np.int64))
    if not hidden:
        raise DataError("no user likes five movies or more; recommendations cannot be judged")
    parts = (np.concatenate(stars), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_array(parts, shape=(len(hidden), matrix.shape[1])), hidden


def judge_recommendations(scores: Floats, given: sp.csr_array, hidden: list[Ints]) -> dict[str, float]:
    """NDCG@100, recall@20 and recall@50 of hidden movies among all that were not given; means over users.

    A hidden movie at place p adds 1 / log2(p + 1) to the DCG, over the most that was possible (Liang et al. 2018);
    recall@k is over the smaller of k and the number of hidden movies.

    Parameters
    ----------
    scores : ndarray, shape (n, movies)
    given : csr_array, shape (n, movies)
        What each user's scores were made from: never recommended.
    hidden : list of ndarray
        What each user liked besides.
    """
    values = np.array(scores, np.float32)
    values[np.repeat(np.arange(given.shape[0]), np.diff(given.indptr)), given.indices] = -np.inf
    length = min(100, values.shape[1])
    order = np.argsort(-values, axis=1)[:, :length]
    discount = 1 / np.log2(np.arange(2, length + 2))
    gains, at20, at50 = [], [], []
    for listed, wanted in zip(order, hidden, strict=True):
        hit = np.isin(listed, wanted)
        gains.append((hit * discount).sum() / discount[: min(length, len(wanted))].sum())
        at20.append(hit[:20].sum() / min(20, len(wanted)))
        at50.append(hit[:50].sum() / min(50, len(wanted)))
    return {
        "ndcg@100": float(np.mean(gains)),
        "recall@20": float(np.mean(at20)),
        "recall@50": float(np.mean(at50)),
    }
