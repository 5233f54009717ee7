"""How long does an epoch of the item model take on ratings of the shape of ml-32m, and how much memory does it need?

The ratings are generated: 200,948 users, 87,585 movies and 32,000,204 ratings, as many as ml-32m has, users and movies
as unequal as there. One epoch of one member of the item model is trained on them, on every movie that has enough
ratings. With ``--read`` they are first written as a release's CSV files, and read back by the library's own loader.
Run: ``python -m benchmarks.sparse_training --read``.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from aecore.datasets.movielens import load_ratings
from aecore.rating_networks import ItemSettings, train_item_autoencoder

USERS, MOVIES, RATINGS = 200_948, 87_585, 32_000_204  # of ml-32m


def generated_ratings(users: int, movies: int, ratings: int, seed: int = 0) -> sp.csr_array:
    """Stars of a long-tailed world, (users, movies) float32, exactly so many; every movie is rated.

    Users are drawn as log-normally active, movies by their rank (Zipf-Mandelbrot: of ml-32m's size, the most rated
    movie has 67,000 ratings and the middle one 5); what is drawn twice counts once.
    """
    random = np.random.default_rng(seed)
    activity = 20 + np.floor(random.lognormal(3.9, 1.4, users))
    share = (np.arange(movies) + movies / 230) ** -2.2
    random.shuffle(share)
    who, what = np.cumsum(activity / activity.sum()), np.cumsum(share / share.sum())
    keys = random.integers(0, users, movies) * movies + np.arange(movies)  # one rating for each movie
    while len(keys) < ratings:
        draws = int(1.6 * (ratings - len(keys))) + 1000
        drawn = np.minimum(np.searchsorted(who, np.sort(random.random(draws))), users - 1) * movies
        drawn += np.minimum(np.searchsorted(what, random.random(draws)), movies - 1)
        keys = np.sort(np.concatenate([keys, drawn]))  # numpy's unique is twenty times slower
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
    if len(keys) > ratings:
        # Take the surplus off where it hurts no movie: never a movie's first rating.
        first = np.zeros(len(keys), bool)
        first[np.unique(keys % movies, return_index=True)[1]] = True
        spare = np.flatnonzero(~first)
        keys = np.delete(keys, random.choice(spare, len(keys) - ratings, replace=False))
    rows, columns = np.divmod(keys, movies)
    del keys
    taste = 3.5 + 0.4 * random.normal(size=users).astype(np.float32)[rows]
    taste += 0.5 * random.normal(size=movies).astype(np.float32)[columns]
    taste += random.standard_normal(len(rows), dtype=np.float32) * np.float32(0.8)
    stars = np.clip(np.round(taste * 2) / 2, 0.5, 5).astype(np.float32)
    starts = np.zeros(users + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=users), out=starts[1:])
    return sp.csr_array((stars, columns.astype(np.int32), starts.astype(np.int32)), shape=(users, movies))


def write_release(matrix: sp.csr_array, folder: Path) -> int:
    """Write ratings.csv and movies.csv as a release has them; returns the bytes of the ratings."""
    import pandas as pd

    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    frame = {"userId": rows + 1, "movieId": matrix.indices + 1, "rating": matrix.data, "timestamp": 1_700_000_000}
    path = folder / "ratings.csv"
    pd.DataFrame(frame).to_csv(path, index=False)
    lines = (f"{number},Movie {number} (2000),Drama\n" for number in range(1, matrix.shape[1] + 1))
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "".join(lines))
    return path.stat().st_size


class Peak:
    """Memory of this process at most, in bytes, while a block runs; Linux alone tells it."""

    def __enter__(self) -> Peak:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self.started = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self.seconds = time.perf_counter() - self.started
        status = Path("/proc/self/status").read_text()
        self.bytes = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--movies", type=int, default=MOVIES)
    parser.add_argument("--ratings", type=int, default=RATINGS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--read", action="store_true", help="also write them as CSV (900 MB) and read them back")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    started = time.perf_counter()
    matrix = generated_ratings(options.users, options.movies, options.ratings)
    support = np.bincount(matrix.indices, minlength=options.movies)
    settings = ItemSettings(epochs=1)
    trained = int((support >= settings.min_support).sum())
    result: dict[str, object] = {
        "users": options.users,
        "movies": options.movies,
        "ratings": int(matrix.nnz),
        "ratings_a_user": {"least": int(np.diff(matrix.indptr).min()), "most": int(np.diff(matrix.indptr).max())},
        "ratings_a_movie": {"median": int(np.median(support)), "most": int(support.max())},
        "generating_seconds": round(time.perf_counter() - started, 1),
        "threads": options.threads,
    }
    if options.read:
        with tempfile.TemporaryDirectory() as folder:
            size = write_release(matrix, Path(folder))
            with Peak() as reading:
                read = load_ratings(folder)
            if (read.matrix != matrix).nnz:
                raise SystemExit("what was read is not what was written")
            result["reading"] = {
                "csv_megabytes": round(size / 1e6),
                "seconds": round(reading.seconds, 1),
                "peak_gigabytes": round(reading.bytes / 1e9, 2),
            }
            del read
    with Peak() as training:
        (report,) = train_item_autoencoder(matrix, settings)
    result["item_model"] = {
        "numbers": settings.numbers,
        "batch": settings.batch,
        "movies_trained_on": trained,
        "steps": -(-trained // settings.batch),
        "epoch_seconds": round(report.seconds, 1),
        "with_setting_up_seconds": round(training.seconds, 1),
        "ratings_a_second": round(support[support >= settings.min_support].sum() / report.seconds),
        "peak_gigabytes": round(training.bytes / 1e9, 2),
        "dense_matrix_gigabytes": round(options.users * options.movies * 4 / 1e9, 1),
    }
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
