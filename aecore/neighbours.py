"""The k best-matching rows of a matrix, exactly, in blocks: memory grows with the block, not with rows x queries.

It knows nothing of movies: rows are numbers, and the score of two rows is their dot product (the cosine where both have
length 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.errors import ConfigError

NOBODY = -1  # in `Nearest.indices`: there are no more
_SCORES = 1 << 20  # scores held at a time (float32)
_QUERIES = 256  # queries taken at a time: enough to keep the product busy


class Nearest(NamedTuple):
    """The best rows for each query, best first; of equal scores the lower index first.

    Attributes
    ----------
    indices : ndarray, shape (queries, k), int64
        Which rows; NOBODY where there are no more.
    scores : ndarray, shape (queries, k), float32
        Their dot products with the query; minus infinity where there are no more.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]


def unit_rows(vectors: ArrayLike) -> NDArray[np.float32]:
    """Rows scaled to length 1, so that a dot product is a cosine; a row of zeros stays one.

    Parameters
    ----------
    vectors : array-like, shape (rows, numbers)

    Returns
    -------
    ndarray, shape (rows, numbers), float32

    Examples
    --------
    >>> unit_rows([[3, 4], [0, 0]]).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    given = np.asarray(vectors, dtype=np.float64)
    largest = np.abs(given).max(axis=-1, keepdims=True, initial=0)
    scaled = given / np.where(largest > 0, largest, 1)  # squares neither vanish nor overflow
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return (scaled / np.where(length > 0, length, 1)).astype(np.float32)


def nearest(
    vectors: NDArray[np.float32],
    queries: ArrayLike,
    k: int = 10,
    *,
    leave_out: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
) -> Nearest:
    """Find the k rows with the largest dot product for each query, exactly.

    Blocks of rows are multiplied with blocks of queries; of each block only what beats a query's k-th best so far is
    looked at again.

    Parameters
    ----------
    vectors : ndarray, shape (rows, numbers), float32
        What is searched; `unit_rows` makes the scores cosines. A row with a NaN is never found.
    queries : array-like, shape (queries, numbers) or (numbers,)
        What is searched for; one query gives one row of answers.
    k : int
        How many, at least 1. There are fewer where there are not so many rows (see NOBODY).
    leave_out : array-like of int, shape (queries,), optional
        For each query the row that is not to be found: itself. NOBODY leaves none out.
    allowed : array-like of bool, shape (rows,), optional
        Which rows may be found; all where it is not given.

    Returns
    -------
    Nearest

    Raises
    ------
    ConfigError
        Shapes do not fit, or k is less than 1.

    Examples
    --------
    >>> rows = unit_rows([[1, 0], [1, 1], [0, 1]])
    >>> found = nearest(rows, rows[0], k=2, leave_out=[0])
    >>> found.indices.tolist(), found.scores.round(3).tolist()
    ([[1, 2]], [[0.7070000171661377, 0.0]])
    """
    rows = np.asarray(vectors, dtype=np.float32)
    asked = np.atleast_2d(np.asarray(queries, dtype=np.float32))
    if rows.ndim != 2 or asked.ndim != 2 or rows.shape[1] != asked.shape[1]:
        raise ConfigError(
            f"vectors must be (rows, numbers) and queries (queries, numbers) of as many numbers, got {rows.shape} and"
            f" {asked.shape}"
        )
    if k < 1:
        raise ConfigError(f"k must be at least 1, got {k}")
    absent = np.full(len(asked), NOBODY) if leave_out is None else np.atleast_1d(np.asarray(leave_out))
    if absent.shape != (len(asked),):
        raise ConfigError(f"leave_out must name one row a query, {len(asked)} in all, got shape {absent.shape}")
    barred = None
    if allowed is not None:
        barred = ~np.asarray(allowed, dtype=bool)
        if barred.shape != (len(rows),):
            raise ConfigError(f"allowed must have one entry a row, {len(rows)} in all, got shape {barred.shape}")
        if 2 * np.count_nonzero(barred) > len(rows):  # most of the product would be for nothing
            return _among(rows, asked, k, absent, np.flatnonzero(~barred))

    indices = np.full((len(asked), k), NOBODY, dtype=np.int64)
    scores = np.full((len(asked), k), -np.inf, dtype=np.float32)
    for start in range(0, len(asked), _QUERIES):
        part = slice(start, start + _QUERIES)
        _search(rows, asked[part], absent[part], barred, indices[part], scores[part])
    return Nearest(indices, scores)


def _among(
    rows: NDArray[np.float32], asked: NDArray[np.float32], k: int, absent: NDArray[np.int64], places: NDArray[np.int64]
) -> Nearest:
    """`nearest` among the rows at some places only (ascending)."""
    renumbered = np.where(np.isin(absent, places), np.searchsorted(places, absent), NOBODY)
    found = nearest(rows[places], asked, k, leave_out=renumbered)
    translated = np.append(places, NOBODY)  # NOBODY is -1: the last
    return Nearest(translated[found.indices], found.scores)


def _search(
    rows: NDArray[np.float32],
    asked: NDArray[np.float32],
    absent: NDArray[np.int64],
    barred: NDArray[np.bool_] | None,
    indices: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Fill indices and scores, (queries, k), for some queries."""
    k = indices.shape[1]
    block = max(_SCORES // len(asked), 1)
    for start in range(0, len(rows), block):
        stop = min(start + block, len(rows))
        products = asked @ rows[start:stop].T  # (queries, block)
        own = np.flatnonzero((absent >= start) & (absent < stop))
        products[own, absent[own] - start] = -np.inf
        if barred is not None:
            products[:, barred[start:stop]] = -np.inf
        # After the first block, of equals the earlier one is there already.
        better = products >= _floor(products, k) if start == 0 else products > scores[:, -1:]
        for query in np.flatnonzero(better.any(axis=1)):
            new = np.flatnonzero(better[query])
            values = products[query, new]
            if len(values) > k:
                enough = np.partition(values, len(values) - k)[len(values) - k]
                new, values = new[values >= enough], values[values >= enough]
            # What was there stands first, and has the lower indices: a stable sort keeps the order of equals.
            merged = np.append(scores[query], values)
            best = np.argsort(-merged, kind="stable")[:k]
            indices[query] = np.append(indices[query], new + start)[best]
            scores[query] = merged[best]


def _floor(products: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Find a number, (queries, 1), that at least k of each query's products reach, where there are k; few more do.

    The k-th best of the groups' best ones is such a number, and far faster to find than the k-th best of all. It is
    never minus infinity or NaN: what is left out stays below it.
    """
    groups = 16 * k
    size = products.shape[1] // groups
    lowest = np.finfo(np.float32).min
    if size < 2:
        return np.full((len(products), 1), lowest)
    best = np.fmax.reduce(products[:, : size * groups].reshape(len(products), size, groups), axis=1, initial=lowest)
    return np.partition(best, groups - k, axis=1)[:, groups - k, None]
