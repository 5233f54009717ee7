"""How the shipped movies are made and judged: the recipe, `make`, and `figures`, which recomputes the card.

Every figure is of models trained without the held-out users; the shipped model itself is then trained, by the same
recipe, on everybody.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aecore import taste
from aecore.datasets.movielens import Ratings
from aecore.movies import NOBODY, Movies, Neighbours
from aecore.recommenders import als, at_entries, ease, fit_biases, svd_embedding, svd_of_residuals

if TYPE_CHECKING:
    from aecore.rating_networks import ItemSettings, StarSettings, UserSettings

Floats = NDArray[np.float32]
Progress = Callable[[str, float], None]  # what is going on, and the part of it that is done

RELEASE = "ml-latest-small"
TITLE = "movies in 128 numbers, and what to watch next"
LISTED = 100  # neighbours of each rival that the model folder carries
MASK_EDGES = tuple(round(-1 + 0.25 * step, 2) for step in range(29))  # stars: edges of the mask picture's histogram
TITLES = {  # of the card's methods, for people
    "autoencoder": "autoencoder",
    "cosine": "raw cosine",
    "svd": "truncated SVD",
    "ease": "EASE",
    "popularity": "popularity",
    "random": "random",
    "mean": "global mean",
    "biases": "biases of users and movies",
    "als": "ALS",
    "masked": "autoencoder, masked",
    "unmasked": "autoencoder, unmasked",
    "residuals": "autoencoder, masked, of what the biases leave",
    "together": "masked autoencoders together",
}


def _item_settings() -> ItemSettings:
    from aecore.rating_networks import ItemSettings

    return ItemSettings()


def _user_settings() -> UserSettings:
    from aecore.rating_networks import UserSettings

    return UserSettings()


def _star_settings(epochs: int, weight_decay: float, corruption: float) -> StarSettings:
    from aecore.rating_networks import StarSettings

    return StarSettings(epochs=epochs, weight_decay=weight_decay, corruption=corruption)


@dataclass(frozen=True)
class MovieRecipe:
    """Everything that was chosen, on the validation part of the training users and ratings."""

    item: ItemSettings = field(default_factory=_item_settings)
    user: UserSettings = field(default_factory=_user_settings)
    ease_similar: float = 1000.0  # EASE's penalty on watched movies: of similar movies
    ease_recommend: float = 300.0  # and of recommendations
    svd_recommend: int = 64  # directions that SVD recommends by, of liked movies
    biases: tuple[float, float] = (5.0, 3.0)  # penalties of users' and movies' biases
    svd_residuals: int = 10
    als: tuple[int, float] = (20, 0.15)  # numbers and penalty
    shrinkage: float = 1.0  # of the rankings on the page: a movie that two people rated is known less well
    stars: StarSettings = field(default_factory=lambda: _star_settings(epochs=80, weight_decay=0.5, corruption=0.6))
    residuals: StarSettings = field(default_factory=lambda: _star_settings(epochs=20, weight_decay=2.0, corruption=0.5))
    ensemble: int = 3  # networks of either kind that predict stars together
    seed: int = 0


def watched(matrix: sp.csr_array) -> sp.csr_array:
    """1 where there is a rating."""
    return sp.csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def liked(matrix: sp.csr_array) -> sp.csr_array:
    """1 where there is a rating of `taste.LIKED` stars or more."""
    found = sp.csr_array(
        ((matrix.data >= taste.LIKED).astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape, copy=True
    )
    found.eliminate_zeros()
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Figures
# ---------------------------------------------------------------------------------------------------------------------


def figures(ratings: Ratings, recipe: MovieRecipe | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Train everything without the held-out users and judge it on them; about five minutes on ml-latest-small.

    Parameters
    ----------
    ratings : Ratings
    recipe : MovieRecipe, optional
    progress : callable, optional

    Returns
    -------
    dict
        The card's "similar", "recommend", "rating", "mask" and "split".
    """
    recipe = recipe or MovieRecipe()
    tell = progress or (lambda text, part: None)
    training, held_out = taste.split_users(ratings.matrix.shape[0], recipe.seed)
    seen, unseen = ratings.matrix[training], ratings.matrix[held_out]
    result: dict[str, Any] = {
        "similar": similar_figures(ratings, seen, unseen, recipe, _part(tell, "similar movies", 0.0, 0.4)),
        "recommend": recommend_figures(seen, unseen, recipe, _part(tell, "recommendations", 0.4, 0.6)),
    }
    result["rating"], result["mask"] = rating_figures(ratings.matrix, recipe, _part(tell, "predicted stars", 0.6, 1.0))
    kept, taken = taste.split_ratings(ratings.matrix, recipe.seed)
    catalogue = int((np.bincount(seen.indices, minlength=len(ratings.movies)) >= taste.CATALOGUE).sum())
    result["split"] = {
        "training users": len(training),
        "held-out users": len(held_out),
        "catalogue": f"the {catalogue:,} movies with {taste.CATALOGUE} or more ratings of training users",
        "training ratings": int(kept.nnz),
        "held-out ratings": len(taken.stars),
        "settings chosen on": "parts of the training users, each held out in turn, and a tenth of the training ratings",
    }
    return result


def similar_figures(
    ratings: Ratings, seen: sp.csr_array, unseen: sp.csr_array, recipe: MovieRecipe, progress: Callable[[float], None]
) -> dict[str, dict[str, Any]]:
    """Judge each method's similar movies, ranked by its scores as they are, without shrinkage."""
    from aecore.rating_networks import StarSettings, train_item_embedding, train_star_autoencoder

    judge = taste.SimilarJudge.of(ratings.movies, seen, unseen, recipe.seed)
    n, numbers = len(judge.catalogue), recipe.item.numbers
    rows: dict[str, dict[str, Any]] = {}

    def add(name: str, dimensions: int | None, judged: dict[str, float]) -> None:
        rows[name] = {**{figure: rounded(value) for figure, value in judged.items()}, "dimensions": dimensions}

    embedding = train_item_embedding(seen, recipe.item, lambda part: progress(0.5 * part))
    add("autoencoder", numbers, judge.judge_embedding(embedding))
    residuals = fit_biases(seen, *recipe.biases).residuals(seen).T.tocsr()
    naive = train_star_autoencoder(residuals, StarSettings(hidden=numbers), lambda part: progress(0.5 + 0.2 * part))
    add("masked", numbers, judge.judge_embedding(naive.codes(residuals)))
    add("svd", numbers, judge.judge_embedding(svd_embedding(seen, numbers)))
    progress(0.75)
    add("cosine", seen.shape[0], judge.judge_embedding(seen.T.toarray()))
    progress(0.8)
    weights = ease(watched(seen), recipe.ease_similar).weights(judge.catalogue)[:, judge.catalogue]
    add("ease", None, judge.judge(weights))
    progress(0.9)
    add("popularity", None, judge.judge(np.broadcast_to(judge.popularity.astype(np.float32), (n, n))))
    vectors = np.random.default_rng(recipe.seed).normal(size=(seen.shape[1], numbers))
    add("random", numbers, judge.judge_embedding(vectors))
    progress(1.0)
    return rows


def recommend_figures(
    seen: sp.csr_array, unseen: sp.csr_array, recipe: MovieRecipe, progress: Callable[[float], None]
) -> dict[str, dict[str, Any]]:
    """From 80 % of what held-out users liked, the rest: who finds it."""
    from aecore.rating_networks import train_user_model

    given, hidden = taste.part_likes(unseen, recipe.seed)
    had = watched(given)
    popular = np.bincount(liked(seen).indices, minlength=seen.shape[1]).astype(np.float32)
    directions = svd_embedding(liked(seen), recipe.svd_recommend)
    directions /= np.maximum(np.linalg.norm(directions, axis=0), 1e-12)
    scores = {
        "ease": ease(watched(seen), recipe.ease_recommend).scores(had),
        "svd": np.asarray(had @ directions) @ directions.T,
        "popularity": np.broadcast_to(popular, had.shape),
        "random": np.random.default_rng(recipe.seed).random(had.shape, np.float32),
    }
    progress(0.1)
    model = train_user_model(seen, recipe.user, lambda part: progress(0.1 + 0.85 * part))
    scores = {"autoencoder": model.scores(given), **scores}
    rows = {name: _rounded(taste.judge_recommendations(values, given, hidden)) for name, values in scores.items()}
    progress(1.0)
    return rows


def rating_figures(
    matrix: sp.csr_array, recipe: MovieRecipe, progress: Callable[[float], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Predict a tenth of the ratings, which nothing was trained on: errors in stars, and the picture of the mask.

    "masked" and "unmasked" are one network of movies' vectors of stars, trained either way; predictions are clipped to
    0.5 ... 5 stars for the errors of the table, and are as they come in the picture.
    """
    from aecore.rating_networks import train_star_autoencoder

    kept, taken = taste.split_ratings(matrix, recipe.seed)
    rows, columns, stars = taken.rows, taken.columns, taken.stars
    biases = fit_biases(kept, *recipe.biases)
    base = biases.at(rows, columns)
    residuals = biases.residuals(kept)
    numbers, penalty = recipe.als
    predicted: dict[str, NDArray[Any]] = {
        "mean": np.full(len(stars), biases.mean),
        "biases": base,
        "svd": base + at_entries(*svd_of_residuals(residuals, recipe.svd_residuals), rows, columns),
        "als": base + at_entries(*als(residuals, numbers, penalty, seed=recipe.seed), rows, columns),
    }
    progress(0.1)
    steps = iter(np.linspace(0.1, 1.0, 2 * recipe.ensemble + 2))

    def trained(vectors: sp.csr_array, settings: StarSettings) -> NDArray[Any]:
        values = train_star_autoencoder(vectors, settings).at(vectors, columns, rows)
        progress(float(next(steps)))
        return values

    by_movie, left = kept.T.tocsr(), residuals.T.tocsr()
    predicted["unmasked"] = trained(by_movie, dataclasses.replace(recipe.stars, masked=False))
    seeds = range(recipe.seed, recipe.seed + recipe.ensemble)
    from_stars = [trained(by_movie, dataclasses.replace(recipe.stars, seed=seed)) for seed in seeds]
    from_residuals = [base + trained(left, dataclasses.replace(recipe.residuals, seed=seed)) for seed in seeds]
    predicted["masked"] = from_stars[0]
    predicted["residuals"] = from_residuals[0]
    predicted["together"] = np.mean([*from_stars, *from_residuals], axis=0)
    progress(1.0)
    rating = {name: {"rmse": rounded(taste.rmse(values, stars))} for name, values in predicted.items()}
    return rating, _mask_picture(
        {"masked": predicted["masked"], "unmasked": predicted["unmasked"], "actual": stars}, stars
    )


def _mask_picture(predicted: dict[str, NDArray[Any]], stars: NDArray[Any]) -> dict[str, Any]:
    """Histograms of stars, predicted and given; what lies outside the edges counts in the outermost bars."""
    picture: dict[str, Any] = {"edges": list(MASK_EDGES)}
    for name, values in predicted.items():
        inside = np.clip(values, MASK_EDGES[0], MASK_EDGES[-1])
        picture[name] = {"mean": rounded(values.mean()), "histogram": np.histogram(inside, MASK_EDGES)[0].tolist()}
        if name != "actual":
            picture[name]["rmse"] = rounded(np.sqrt(np.mean((values - stars) ** 2)))
    return picture


# ---------------------------------------------------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------------------------------------------------


def make(ratings: Ratings, recipe: MovieRecipe | None = None, progress: Progress | None = None) -> Movies:
    """Train the shipped movies on everybody's ratings, with the rivals' lists and the map; the card is left empty.

    Parameters
    ----------
    ratings : Ratings
    recipe : MovieRecipe, optional
    progress : callable, optional

    Returns
    -------
    Movies
    """
    from aecore.rating_networks import train_item_embedding, train_user_model

    recipe = recipe or MovieRecipe()
    tell = progress or (lambda text, part: None)
    matrix = ratings.matrix
    embedding = train_item_embedding(matrix, recipe.item, _part(tell, "embeddings", 0.0, 0.3))
    user_model = train_user_model(matrix, recipe.user, _part(tell, "user model", 0.3, 0.6))
    tell("rivals", 0.6)
    support = ratings.support
    numbers = min(recipe.item.numbers, min(matrix.shape) - 1)
    by_ease = ease(watched(matrix), recipe.ease_similar)
    rivals = {
        "cosine": _listed(_cosines(matrix.T.toarray()), support, recipe.shrinkage),
        "svd": _listed(_cosines(svd_embedding(matrix, numbers)), support, recipe.shrinkage),
        "ease": _listed(by_ease.weights, support, recipe.shrinkage),
    }
    tell("map", 0.7)
    places = movie_map(embedding, recipe.seed)
    tell("map", 1.0)
    return Movies(ratings.movies, support, embedding, user_model, places, rivals, recipe.shrinkage)


def movie_map(embedding: Floats, seed: int = 0) -> Floats:
    """A place in the plane for each movie: t-SNE of the embeddings' cosines (van der Maaten & Hinton 2008).

    Returns
    -------
    ndarray, shape (n, 2), float32
        Centred, in [-1, 1].
    """
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(embedding) - 1) / 3)
    plane = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1, max_iter=750).fit_transform(embedding)
    plane = plane - plane.mean(axis=0)
    return (plane / np.abs(plane).max()).astype(np.float32)


def _cosines(vectors: NDArray[Any]) -> Callable[[NDArray[Any]], Floats]:
    rows = np.asarray(vectors, np.float32)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return lambda chosen: rows[chosen] @ rows.T


def _listed(block: Callable[[NDArray[Any]], Floats], support: NDArray[Any], shrinkage: float) -> Neighbours:
    """Each movie's LISTED best others by score times support / (support + shrinkage), the scores as they are."""
    n = len(support)
    length = min(LISTED, n - 1)
    doubt = (support / (support + shrinkage)).astype(np.float32) if shrinkage else np.ones(n, np.float32)
    indices, scores = np.full((n, length), NOBODY, np.int32), np.zeros((n, length), np.float32)
    for start in range(0, n, 1024):
        chosen = np.arange(start, min(start + 1024, n))
        exact = block(chosen)  # (chosen, n)
        ranked = np.where(exact > 0, exact * doubt, exact)
        ranked[np.arange(len(chosen)), chosen] = -np.inf
        best = np.argpartition(-ranked, length - 1, axis=1)[:, :length]
        values = np.take_along_axis(ranked, best, axis=1)
        best = np.take_along_axis(best, np.argsort(-values, axis=1, kind="stable"), axis=1)
        indices[chosen], scores[chosen] = best, np.take_along_axis(exact, best, axis=1)
    return Neighbours(indices, scores)


def write_card(
    recipe: MovieRecipe, ratings: Ratings, judged: dict[str, Any], *, seconds: float, cpu_seconds: float
) -> dict[str, Any]:
    """Put the card together: what the model is, how it was made, how good it is, and the commands that show it."""
    matrix = ratings.matrix
    return {
        "name": "movies",
        "title": TITLE,
        "data": {
            "release": f"MovieLens {ratings.release} (Harper & Konstan 2015)",
            "users": matrix.shape[0],
            "movies": matrix.shape[1],
            "ratings": int(matrix.nnz),
        },
        "dimensions": recipe.item.numbers,
        "judged": "without the held-out users and ratings; the shipped arrays were then trained on everybody",
        "map": "t-SNE of the embeddings (van der Maaten & Hinton 2008)",
        "command": "python -m aecore train movies --data-dir DIR",
        "check": "python -m aecore evaluate movies --data-dir DIR",
        "seed": recipe.seed,
        "training": dataclasses.asdict(recipe),
        "parameters": sum(parameters(recipe, matrix.shape)),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "made_with": {"python": platform.python_version(), "torch": version("torch")},
        **judged,
    }


def parameters(recipe: MovieRecipe, shape: tuple[int, int]) -> tuple[int, int]:
    """Trained numbers: of the embeddings' encoders, and of the user model."""
    users, movies = shape
    encoders = len(recipe.item.members) * users * recipe.item.numbers
    return encoders, 2 * movies * recipe.user.numbers + recipe.user.numbers + movies


def table(judged: dict[str, Any]) -> list[str]:
    """The figures as lines for people."""
    lines = []
    for part, heading in (
        ("similar", "similar movies, held-out users"),
        ("recommend", "recommendations, held-out users"),
        ("rating", "predicted stars, held-out ratings"),
    ):
        names = list(next(iter(judged[part].values())))
        lines.append(f"{heading:<58}" + "".join(f"{name:>12}" for name in names))
        for method, row in judged[part].items():
            cells = ("-" if row[name] is None else f"{row[name]:.4f}".rstrip("0").rstrip(".") for name in names)
            lines.append(f"  {TITLES[method]:<56}" + "".join(f"{cell:>12}" for cell in cells))
    mask = judged["mask"]
    lines.append(
        f"one network with the mask: RMSE {mask['masked']['rmse']:.4f}, mean {mask['masked']['mean']:.2f} stars; "
        f"without it: {mask['unmasked']['rmse']:.4f}, {mask['unmasked']['mean']:.2f} stars"
    )
    return lines


def rounded(value: Any) -> float:
    """Five significant digits: more would be noise on 122 users."""
    return float(f"{float(value):.5g}")


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {name: rounded(value) for name, value in row.items()}


def _part(tell: Progress, text: str, first: float, last: float) -> Callable[[float], None]:
    return lambda part: tell(text, first + part * (last - first))
