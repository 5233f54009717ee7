"""The nearest rows: the same as sorting everything, whatever the blocks, ties and gaps."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aecore import neighbours
from aecore.errors import ConfigError
from aecore.neighbours import NOBODY, nearest, unit_rows


def by_sorting(rows: np.ndarray, queries: np.ndarray, k: int, leave_out=None, allowed=None):
    """The same by comparing everything with everything, in Python."""
    indices = np.full((len(queries), k), NOBODY)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for q, query in enumerate(queries):
        pairs = [
            (-float(row @ query), i)
            for i, row in enumerate(rows)
            if (leave_out is None or leave_out[q] != i) and (allowed is None or allowed[i])
        ]
        for place, (score, i) in enumerate(sorted(pairs)[:k]):
            indices[q, place], scores[q, place] = i, -score
    return indices, scores


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_same_as_sorting(data: st.DataObject) -> None:
    n, queries, k = data.draw(st.integers(0, 40)), data.draw(st.integers(1, 6)), data.draw(st.integers(1, 12))
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    rows = random.integers(-2, 3, (n, 3)).astype(np.float32)  # few values: many ties, and products without rounding
    asked = random.integers(-2, 3, (queries, 3)).astype(np.float32)
    leave_out = random.integers(-1, max(n, 1), queries) if data.draw(st.booleans()) else None
    allowed = random.random(n) < data.draw(st.sampled_from([0.0, 0.2, 0.8])) if data.draw(st.booleans()) else None
    whole, block = neighbours._SCORES, data.draw(st.sampled_from([1, 7, 1 << 20]))
    try:
        neighbours._SCORES = block
        found = nearest(rows, asked, k, leave_out=leave_out, allowed=allowed)
    finally:
        neighbours._SCORES = whole
    indices, scores = by_sorting(rows, asked, k, leave_out, allowed)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.scores, scores)


def test_all_against_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(300, 8)))
    monkeypatch.setattr(neighbours, "_QUERIES", 64)
    found = nearest(rows, rows, 5, leave_out=np.arange(300))
    indices, scores = by_sorting(rows, rows, 5, leave_out=np.arange(300))
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.scores, scores, rtol=0, atol=1e-6)
    assert not (found.indices == np.arange(300)[:, None]).any()


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("values", [3, 1000])
def test_many_rows(k: int, values: int) -> None:
    """So many that the first cut is made by groups; with few values nearly everything is a tie."""
    random = np.random.default_rng(k)
    rows = random.integers(0, values, (2_000, 1)).astype(np.float32)
    rows[random.random(2_000) < 0.1] = np.nan
    leave_out = [int(np.nanargmax(rows))]
    allowed = random.random(2_000) < 0.9
    found = nearest(rows, [1.0], k, leave_out=leave_out, allowed=allowed)
    indices, scores = by_sorting(rows, np.ones((1, 1)), k, leave_out, allowed & ~np.isnan(rows[:, 0]))
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.scores, scores)


def test_fewer_rows_than_asked_for_among_many_left_out() -> None:
    rows = np.full((2_000, 1), np.nan, np.float32)
    rows[[7, 1_500], 0] = 1, 2
    assert nearest(rows, [1.0], 3).indices.tolist() == [[1_500, 7, NOBODY]]


def test_one_query_and_the_kinds_of_number() -> None:
    found = nearest(unit_rows([[1, 0], [0.6, 0.8], [-1, 0]]), [1, 0], 5)
    assert found.indices.tolist() == [[0, 1, 2, NOBODY, NOBODY]]
    np.testing.assert_allclose(found.scores, [[1, 0.6, -1, -np.inf, -np.inf]], atol=1e-7)
    assert (found.indices.dtype, found.scores.dtype) == (np.int64, np.float32)


def test_a_row_with_a_nan_is_never_found() -> None:
    rows = np.array([[1, 0], [np.nan, 0], [2, 0]], np.float32)
    assert nearest(rows, [1, 0], 3).indices.tolist() == [[2, 0, NOBODY]]


def test_memory_does_not_grow_with_the_product() -> None:
    rows = np.random.default_rng(0).random((50_000, 2), dtype=np.float32)
    tracemalloc.start()
    try:
        nearest(rows, rows[:1000], 3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # the whole product would be 200 MB


def test_unit_rows() -> None:
    rows = unit_rows([[3, 4], [0, 0], [1e-30, 0], [-1e30, 1e30]])
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [1, 0], [-(0.5**0.5), 0.5**0.5]], rtol=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queries": np.ones((1, 3))}, r"got \(5, 2\) and \(1, 3\)"),
        ({"vectors": np.ones(5)}, r"got \(5,\) and"),
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"leave_out": [1, 2]}, r"one row a query, 1 in all, got shape \(2,\)"),
        ({"allowed": [True]}, r"one entry a row, 5 in all, got shape \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        nearest(**{"vectors": np.ones((5, 2), np.float32), "queries": np.ones((1, 2)), **arguments})
