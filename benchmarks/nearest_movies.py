"""How long do the ten nearest of 10,000, 100,000 and 1,000,000 movies take, exactly, and how much memory?

The rival is scikit-learn's brute force in the two ways people call it, on the same vectors, in the same run, in turn;
at the largest size also faiss's HNSW graph, which is approximate: its recall is measured against the exact answer. The
vectors are generated: 128 numbers, length 1, in clusters of very different sizes with a falling spectrum, as embeddings
of movies are. Run: ``python -m benchmarks.nearest_movies``.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib.metadata
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from aecore.neighbours import nearest, unit_rows

NUMBERS = 128
K = 10
BATCH = 100  # queries at once, beside one alone
SEARCHES = (16, 64, 256)  # HNSW's efSearch: how many candidates it keeps


def movies(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors (count, 128) float32 in clusters; made in blocks, so that making them takes little more memory."""
    random = np.random.default_rng(seed)
    spectrum = np.arange(1, NUMBERS + 1) ** -0.5
    centres = random.normal(size=(1000, NUMBERS)) * spectrum
    share = 1 / np.arange(1, 1001) ** 0.8
    vectors = np.empty((count, NUMBERS), np.float32)
    for start in range(0, count, 50_000):
        part = slice(start, min(start + 50_000, count))
        cluster = random.choice(1000, size=part.stop - start, p=share / share.sum())
        noise = random.normal(size=(len(cluster), NUMBERS)) * spectrum
        vectors[part] = unit_rows(centres[cluster] + 0.8 * noise)
    return vectors


def memory(what: str) -> int:
    """Bytes of this process's own memory: "VmRSS" now, "VmHWM" at most since the peak was forgotten."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {what}")


def extra_memory(action: Callable[[], object]) -> int:
    """Bytes that an action needs at most, on top of what was there before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # give back what is free: else the action uses that, and seems to need nothing
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before = memory("VmRSS")
    result = action()
    peak = memory("VmHWM")
    del result
    return max(peak - before, 0)


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def contenders(vectors: np.ndarray) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Name -> queries (n, 128) to indices (n, k + 1): each finds the query itself first."""
    from sklearn.neighbors import NearestNeighbors

    fitted = {
        "scikit-learn, cosine": NearestNeighbors(n_neighbors=K + 1, algorithm="brute", metric="cosine").fit(vectors),
        # The same order on unit vectors, by a faster path.
        "scikit-learn, euclidean": NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(vectors),
    }
    ours = {"aecore": lambda queries: nearest(vectors, queries, K + 1).indices}
    return ours | {
        name: lambda queries, model=model: model.kneighbors(queries, return_distance=False)
        for name, model in fitted.items()
    }


def agreement(found: np.ndarray, exact: np.ndarray, vectors: np.ndarray, queries: np.ndarray) -> float:
    """Part of the found rows that belong to the exact answer: that score no less than its last, but for rounding."""
    last = np.einsum("qd,qd->q", vectors[exact[:, -1]], queries)
    scores = np.einsum("qkd,qd->qk", vectors[found], queries)
    return float((scores >= last[:, None] - 1e-5).mean())


def measure(count: int, rounds: int) -> dict[str, object]:
    """Every contender on `count` movies: milliseconds for one query and for a batch, and megabytes on top."""
    vectors = movies(count)
    queries = vectors[np.random.default_rng(1).choice(count, BATCH, replace=False)]
    runners = contenders(vectors)
    exact = runners["aecore"](queries)  # warms up
    times: dict[str, dict[str, list[float]]] = {name: {"one": [], "batch": []} for name in runners}
    for turn in range(rounds):
        for name, run in runners.items():
            times[name]["batch"].append(seconds(lambda run=run: run(queries)))
            one = queries[turn % BATCH : turn % BATCH + 1]
            times[name]["one"].append(seconds(lambda run=run, one=one: run(one)))
    result: dict[str, object] = {"movies": count, "vectors_megabytes": round(vectors.nbytes / 1e6)}
    for name, run in runners.items():
        result[name] = {
            "one_ms": round(statistics.median(times[name]["one"]) * 1e3, 2),
            "batch_ms": round(statistics.median(times[name]["batch"]) * 1e3, 1),
            "one_extra_megabytes": round(extra_memory(lambda run=run: run(queries[:1])) / 1e6, 1),
            "batch_extra_megabytes": round(extra_memory(lambda run=run: run(queries)) / 1e6, 1),
            "agrees": round(agreement(run(queries), exact, vectors, queries), 4),
        }
    for name in list(runners)[1:]:
        for kind in ("one", "batch"):
            ratios = [theirs / ours for ours, theirs in zip(times["aecore"][kind], times[name][kind], strict=True)]
            result[name][f"{kind}_times_slower"] = round(statistics.median(ratios), 1)  # type: ignore[index]
    return result


def measure_approximate(count: int, threads: int) -> dict[str, object]:
    """faiss's HNSW graph: what building it takes, and how much it finds how fast."""
    import faiss

    faiss.omp_set_num_threads(threads)
    vectors = movies(count)
    queries = vectors[np.random.default_rng(1).choice(count, BATCH, replace=False)]
    index = faiss.IndexHNSWFlat(NUMBERS, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 64
    took: list[float] = []
    built = extra_memory(lambda: took.append(seconds(lambda: index.add(vectors))))
    exact = nearest(vectors, queries, K + 1).indices
    searches = {}
    for candidates in SEARCHES:
        index.hnsw.efSearch = candidates
        found = index.search(queries, K + 1)[1]
        alone = [seconds(lambda q=q: index.search(queries[q : q + 1], K + 1)) for q in range(BATCH)]
        searches[candidates] = {
            "one_ms": round(statistics.median(alone) * 1e3, 2),
            "batch_ms": round(seconds(lambda: index.search(queries, K + 1)) * 1e3, 1),
            # Of the ten, without the query itself.
            "recall": round(
                float(np.mean([len(set(f) & set(e)) / K for f, e in zip(found[:, 1:], exact[:, 1:], strict=True)])), 3
            ),
        }
    exact_one = [seconds(lambda q=q: nearest(vectors, queries[q], K + 1)) for q in range(20)]
    return {
        "movies": count,
        "index": f"faiss {importlib.metadata.version('faiss-cpu')}, HNSW, M = 16, efConstruction = 64",
        "build_seconds": round(took[0], 1),
        "index_megabytes": round(built / 1e6),
        "by_efSearch": searches,
        "exact_one_ms": round(statistics.median(exact_one) * 1e3, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5, help="times everything is measured, in turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the approximate index")
    parser.add_argument("--exact-only", action="store_true", help="leave the approximate index out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    result: dict[str, object] = {
        "processors": os.cpu_count(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
        "numbers": NUMBERS,
        "k": K,
        "batch": BATCH,
        "exact": [measure(count, options.rounds) for count in options.sizes],
    }
    if not options.exact_only:
        result["approximate"] = measure_approximate(max(options.sizes), options.threads)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
