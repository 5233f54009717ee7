"""Sixteen movies in three corners of taste: small enough to know by heart, with every kind of title."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore.datasets.movielens import Movie, parse_title
from aecore.movies import NOBODY, Movies, Neighbours
from aecore.recommenders import UserModel

CORNERS = 3  # movies are dealt out in turn: index % CORNERS is a movie's corner
TINY = [  # MovieLens number, stored title, genres, ratings
    (2571, "Matrix, The (1999)", "Action|Sci-Fi", 90),
    (1, "Toy Story (1995)", "Animation|Comedy", 80),
    (97, "Hate (Haine, La) (1995)", "Crime|Drama", 12),
    (1214, "Alien (1979)", "Horror|Sci-Fi", 60),
    (3114, "Toy Story 2 (1999)", "Animation|Comedy", 40),
    (1721, "Titanic (1997)", "Drama|Romance", 70),
    (541, "Blade Runner (1982)", "Sci-Fi", 50),
    (4973, "Amélie (Fabuleux destin d'Amélie Poulain, Le) (2001)", "Comedy|Romance", 45),
    (3404, "Titanic (1953)", "Action|Drama", 1),
    (60069, "WALL·E (2008)", "Animation|Sci-Fi", 30),
    (1411, "Hamlet (1996)", "Drama", 9),
    (3723, "Hamlet (1990)", "Drama", 11),
    (7000, "Nameless Year", "", 2),
    (7001, "Comedy of Errors, A (2005)", "Comedy", 3),
    (7002, 'Scream [REC] "2" (2009)', "Horror|Comedy", 6),
    (7003, "Last One, The (2010)", "Comedy|Drama", 25),
]


def tiny_movies(**change: Any) -> Movies:
    """The sixteen; `change` replaces parts."""
    random = np.random.default_rng(0)
    n = len(TINY)
    vectors = 0.25 * random.normal(size=(n, 6))
    vectors[np.arange(n), np.arange(n) % CORNERS] += 1.5
    embeddings = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    cosines = embeddings @ embeddings.T - 2 * np.eye(n, dtype=np.float32)
    order = np.argsort(-cosines, axis=1)[:, :8]
    lists = Neighbours(order.astype(np.int32), np.take_along_axis(cosines, order, 1))
    shorter = lists.indices.copy()
    shorter[:, 6:] = NOBODY
    parts: dict[str, Any] = {
        "movies": tuple(
            Movie(number, stored, *parse_title(stored), tuple(genres.split("|")) if genres else ())
            for number, stored, genres, _ in TINY
        ),
        "support": np.array([support for *_, support in TINY]),
        "embeddings": embeddings,
        "user_model": UserModel(embeddings, np.zeros(6, np.float32), embeddings, np.zeros(n, np.float32)),
        "map": random.normal(size=(n, 2)).astype(np.float32),
        "rivals": {"cosine": lists, "ease": Neighbours(shorter, lists.scores)},
        "card": CARD,
    }
    return Movies(**{**parts, **change})


CARD: dict[str, Any] = {
    "map": "a method",
    "similar": {
        "autoencoder": {"recall@20": 0.08, "mrr": 0.1, "genre@10": 0.36, "dimensions": 6},
        "cosine": {"recall@20": 0.07, "mrr": 0.2, "genre@10": 0.36, "dimensions": 610},
    },
    "recommend": {"autoencoder": {"ndcg@100": 0.3}, "ease": {"ndcg@100": 0.31}},
    "rating": {"masked": {"rmse": 0.85}, "unmasked": {"rmse": 2.5}, "biases": {"rmse": 0.88}},
    "mask": {
        "edges": [0, 1, 2, 3, 4, 5],
        "masked": {"rmse": 0.85, "histogram": [0, 1, 5, 60, 34]},
        "unmasked": {"rmse": 2.5, "histogram": [80, 15, 5, 0, 0]},
    },
}
