"""Similar movies, recommendations from a handful of ratings, and why: what the page, the command line and others call.

It applies arrays that were trained elsewhere (`aecore.recommenders`), needs neither torch nor any user's ratings, and
knows no page.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from aecore import checkpoints
from aecore.datasets.movielens import Movie
from aecore.errors import AecoreError, CheckpointError, ConfigError, DataError, MovieNotFoundError
from aecore.titles import TitleIndex

if TYPE_CHECKING:
    import scipy.sparse as sp

Floats = NDArray[np.float32]

VOCABULARY = "vocabulary.json"
STARS = (0.5, 5.0)  # the least and the most that MovieLens knows
FAMOUS = 10  # times the ratings of all its namesakes: then a title without its year means this one
OWN = "autoencoder"  # `by=` of the model's own embeddings
NOBODY = -1  # in a list of neighbours: there are no more


class UserModel(Protocol):
    """What turns a few ratings into a score for every movie; `aecore.recommenders.UserModel` is one."""

    def scores(self, stars: sp.csr_array) -> Floats:
        """Stars (n, movies), only rated ones stored -> scores (n, movies): the higher, the better it fits."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it consists of, to be stored."""
        ...


class Neighbours(NamedTuple):
    """For each movie its nearest ones by one method, nearest first.

    Attributes
    ----------
    indices : ndarray, shape (movies, length), integers
        Which; NOBODY where there are no more.
    scores : ndarray, shape (movies, length), float32
        How near: a cosine in [-1, 1], or a weight of EASE, which is none.
    """

    indices: NDArray[Any]
    scores: NDArray[Any]


@dataclass(frozen=True)
class Similar:
    """One answer of `Movies.similar`."""

    movie: Movie
    index: int
    score: float  # the cosine of the two movies' vectors, in [-1, 1]; by "ease" a weight, which is no cosine
    support: int  # how many ratings it has


@dataclass(frozen=True)
class Recommendation:
    """One answer of `Movies.recommend`."""

    movie: Movie
    index: int
    score: float  # of the user model: only comparisons between movies mean anything
    support: int


@dataclass(frozen=True)
class Reason:
    """What one rating does for one recommended movie, found by leaving it out."""

    movie: Movie  # that was rated
    index: int
    stars: float
    contribution: float  # score with all ratings less score without this one; negative where it speaks against
    place: int | None  # of the recommended movie without this rating, 1 is the first; None where a filter hides it
    instead: Recommendation | None  # what enters the list for it without this rating; None where it stays in the list


@dataclass(frozen=True)
class Explained:
    """A recommendation with a reason for each rating, the strongest first."""

    recommendation: Recommendation
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, eq=False)
class Movies:
    """A vocabulary of movies with an embedding each, and a model that recommends from ratings.

    Attributes
    ----------
    movies : tuple of Movie
        One a row of everything below; an "index" is a place in it.
    support : ndarray, shape (n,), integers
        Ratings a movie had in training.
    embeddings : ndarray, shape (n, numbers), float32
        Rows of length 1 (or 0: such a movie is like nothing). Their products are cosines.
    user_model : UserModel
        Ratings in, scores out.
    map : ndarray, shape (n, 2), float32
        A place in the plane for each movie; the card says by which method.
    rivals : dict of str to Neighbours
        "cosine", "svd", "ease": each movie's best 100 or so by other methods, for comparison, chosen by score times
        support / (support + shrinkage).
    shrinkage : float
        Rankings multiply a score by support / (support + shrinkage): an opinion of two people counts for less. The
        scores that come out are without it.
    card : dict
        Figures, split, seed, command.

    Raises
    ------
    DataError
        If shapes do not fit one another, or numbers are not finite.
    """

    movies: tuple[Movie, ...]
    support: NDArray[Any]
    embeddings: Floats
    user_model: UserModel
    map: Floats
    rivals: dict[str, Neighbours] = field(default_factory=dict)
    shrinkage: float = 0.0
    card: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.movies)
        lists = {f"rival {name!r}": part for name, pair in self.rivals.items() for part in pair}
        for what, array in {"support": self.support, "embeddings": self.embeddings, "map": self.map, **lists}.items():
            if len(array) != n:
                raise DataError(f"{what} has {len(array)} rows for {n} movies")
            if not np.isfinite(array).all():
                raise DataError(f"{what} has numbers that are NaN or infinite")
        if self.support.ndim != 1 or self.embeddings.ndim != 2 or self.map.shape != (n, 2):
            shapes = f"{self.support.shape}, {self.embeddings.shape} and {self.map.shape}"
            raise DataError(f"support, embeddings and map must have shapes (n,), (n, numbers) and (n, 2), got {shapes}")
        lengths = np.linalg.norm(self.embeddings, axis=1)
        if not np.all((np.abs(lengths - 1) < 1e-2) | (lengths == 0)):
            raise DataError("embeddings must have rows of length 1 (or 0): divide each by its length")
        for name, (indices, scores) in self.rivals.items():
            if indices.shape != scores.shape or indices.ndim != 2:
                raise DataError(f"rival {name!r} has indices {indices.shape} and scores {scores.shape}")
            if indices.size and (int(indices.min()) < NOBODY or int(indices.max()) >= n):
                raise DataError(f"rival {name!r} names movies that are not among the {n}")
        if not (np.isfinite(self.shrinkage) and self.shrinkage >= 0):
            raise DataError(f"shrinkage must be 0 or more, got {self.shrinkage!r}")

    def __len__(self) -> int:
        """Number of movies."""
        return len(self.movies)

    @property
    def methods(self) -> tuple[str, ...]:
        """What `similar` takes as `by`: "autoencoder", and the rivals that are there."""
        return (OWN, *self.rivals)

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """All genres, the most frequent first."""
        counts: dict[str, int] = {}
        for movie in self.movies:
            for genre in movie.genres:
                counts[genre] = counts.get(genre, 0) + 1
        return tuple(sorted(counts, key=lambda genre: (-counts[genre], genre)))

    # -----------------------------------------------------------------------------------------------------------------
    # Titles
    # -----------------------------------------------------------------------------------------------------------------

    @cached_property
    def titles(self) -> TitleIndex:
        """The titles, ready to be searched."""
        return TitleIndex(self.movies, self.support)

    @cached_property
    def _index_of_id(self) -> dict[int, int]:
        return {movie.id: index for index, movie in enumerate(self.movies)}

    def by_id(self, movie_id: int) -> int | None:
        """Index of the movie with a MovieLens number; None where there is none."""
        return self._index_of_id.get(movie_id)

    def search(self, query: str, k: int = 10) -> list[int]:
        """Find movies by a few letters of their titles.

        Forgiving of case, accents, punctuation, articles, the order of words, and slips of the keyboard; a year may be
        added.

        Parameters
        ----------
        query : str
            "toy sto", "matrix", "amelie", "hamlet 1996".
        k : int
            How many at most.

        Returns
        -------
        list of int
            Indices, the likeliest first; of equals the one with more ratings.
        """
        return self.titles.search(query, k)

    def find(self, title: str) -> int:
        """Index of the movie that has a title.

        Parameters
        ----------
        title : str
            As MovieLens has it ("Matrix, The (1999)"), as people say it ("The Matrix (1999)", "the matrix"), or one of
            its further titles. Case, accents and punctuation do not matter.

        Returns
        -------
        int

        Raises
        ------
        MovieNotFoundError
            If there is none, or several ("Hamlet") of which none is FAMOUS times as often rated as the others together
            (of "Titanic", one is): its `suggestions` are labels that work.
        """
        found = self.titles.exact(title)
        if found and self.support[found[0]] >= FAMOUS * self.support[list(found[1:])].sum():
            return found[0]
        likely = found or self.search(title, 5)
        suggestions = tuple(self.titles.unmistakable(index) for index in likely)
        listed = "; ".join(suggestions)
        if found:
            raise MovieNotFoundError(f"{len(found)} movies are called {title!r}; say which: {listed}", suggestions)
        hint = f"did you mean: {listed}" if listed else "try fewer letters"
        raise MovieNotFoundError(f"no movie is called {title!r}; {hint}", suggestions)

    # -----------------------------------------------------------------------------------------------------------------
    # Similar
    # -----------------------------------------------------------------------------------------------------------------

    def similar(
        self,
        title: str | int,
        k: int = 10,
        *,
        min_support: int = 1,
        years: tuple[int | None, int | None] | None = None,
        genres: Collection[str] | None = None,
        popularity: float = 0.0,
        by: str = OWN,
    ) -> list[Similar]:
        """Movies nearest to one.

        Parameters
        ----------
        title : str or int
            A title that `find` finds, or an index.
        k : int
            How many at most; fewer where the filters leave fewer, or where a rival's list is shorter.
        min_support : int
            Only movies with at least so many ratings.
        years : tuple of (int or None, int or None), optional
            First and last year, either open; movies without a year are left out then.
        genres : collection of str, optional
            Only movies of at least one of these.
        popularity : float
            0 ranks by similarity alone; up to 1, the share of ratings that the most rated movie has counts more and
            more: the score is multiplied by it to this power.
        by : str
            One of `methods`: "autoencoder", or a rival.

        Returns
        -------
        list of Similar
            Best first, never the movie itself. Scores are cosines (by "ease": weights) as they are, without
            popularity and shrinkage, so they need not fall from one to the next.

        Raises
        ------
        MovieNotFoundError
            If there is no such movie.
        ConfigError
            If a setting is out of its range, or a genre or method is not known.
        """
        index = self._index(title)
        keep = self._keep(min_support, years, genres)
        keep[index] = False
        if by == OWN:
            scores = np.clip(self.embeddings @ self.embeddings[index], -1, 1)
        elif by in self.rivals:
            indices, known = (part[index] for part in self.rivals[by])
            there = indices >= 0
            scores = np.zeros(len(self), np.float32)
            scores[indices[there]] = known[there]
            listed = np.zeros(len(self), bool)
            listed[indices[there]] = True
            keep &= listed
        else:
            raise ConfigError(f"there is no method {by!r}; take one of {', '.join(self.methods)}")
        ranked = self._ranked(scores, keep, k, popularity, self.shrinkage)
        return [Similar(self.movies[i], i, float(scores[i]), int(self.support[i])) for i in ranked]

    # -----------------------------------------------------------------------------------------------------------------
    # Recommend
    # -----------------------------------------------------------------------------------------------------------------

    def recommend(
        self,
        ratings: Mapping[str, float] | Mapping[int, float],
        k: int = 10,
        *,
        min_support: int = 1,
        years: tuple[int | None, int | None] | None = None,
        genres: Collection[str] | None = None,
    ) -> list[Recommendation]:
        """Movies for somebody who gave these ratings.

        Parameters
        ----------
        ratings : mapping of str or int to float
            Title (as `find` takes it) or index -> stars from 0.5 to 5.
        k, min_support, years, genres
            As in `similar`.

        Returns
        -------
        list of Recommendation
            Best first, never a movie that was rated.

        Raises
        ------
        MovieNotFoundError
            If a title is not found.
        ConfigError
            If there are no ratings, stars out of their range, or settings as in `similar`.
        """
        rated = self._rated(ratings)
        scores = self._scores([rated])[0]
        return self._recommended(scores, self._keep(min_support, years, genres, rated), k)

    def explain(
        self,
        ratings: Mapping[str, float] | Mapping[int, float],
        k: int = 10,
        *,
        min_support: int = 1,
        years: tuple[int | None, int | None] | None = None,
        genres: Collection[str] | None = None,
    ) -> list[Explained]:
        """`recommend`, and for each movie what each rating contributed; parameters and errors are the same.

        Each rating in turn is left out, and the scores computed again.
        """
        rated = self._rated(ratings)
        keep = self._keep(min_support, years, genres, rated)
        scores = self._scores([rated, *_each_left_out(rated)])  # (1 + ratings, movies)
        listed = self._recommended(scores[0], keep, k)
        reasons = self._reasons([one.index for one in listed], listed, rated, scores, keep, k)
        return [Explained(one, told) for one, told in zip(listed, reasons, strict=True)]

    def why(
        self,
        title: str | int,
        ratings: Mapping[str, float] | Mapping[int, float],
        k: int = 10,
        *,
        min_support: int = 1,
        years: tuple[int | None, int | None] | None = None,
        genres: Collection[str] | None = None,
    ) -> list[Reason]:
        """What each rating contributed to a movie's score: leave it out and see.

        Parameters
        ----------
        title : str or int
            A title, or an index; it need not be among the recommended ones.
        ratings, k, min_support, years, genres
            As in `recommend`; they say which list the places and `instead` speak of.

        Returns
        -------
        list of Reason
            One a rating, the strongest contribution first.

        Raises
        ------
        MovieNotFoundError, ConfigError
            As `recommend`.
        """
        index = self._index(title)
        rated = self._rated(ratings)
        keep = self._keep(min_support, years, genres, rated)
        scores = self._scores([rated, *_each_left_out(rated)])
        listed = self._recommended(scores[0], keep, k)
        return list(self._reasons([index], listed, rated, scores, keep, k)[0])

    def _scores(self, rows: Sequence[Mapping[int, float]]) -> Floats:
        import scipy.sparse as sp

        matrix = sp.csr_array(
            (
                np.array([stars for row in rows for stars in row.values()], np.float32),
                np.array([index for row in rows for index in row], np.int64),
                np.cumsum([0, *map(len, rows)]),
            ),
            shape=(len(rows), len(self)),
        )
        matrix.sort_indices()
        return np.asarray(self.user_model.scores(matrix))

    def _recommended(self, scores: Floats, keep: NDArray[np.bool_], k: int) -> list[Recommendation]:
        ranked = self._ranked(scores, keep, k, 0.0, 0.0)
        return [Recommendation(self.movies[i], i, float(scores[i]), int(self.support[i])) for i in ranked]

    def _reasons(
        self,
        indices: Sequence[int],
        listed: Sequence[Recommendation],
        rated: Mapping[int, float],
        scores: Floats,
        keep: NDArray[np.bool_],
        k: int,
    ) -> list[tuple[Reason, ...]]:
        """For each of some movies a reason a rating; `scores` are with all ratings, then without each in turn."""
        before = [one.index for one in listed]
        reasons: list[list[Reason]] = [[] for _ in indices]
        for (index, stars), without in zip(rated.items(), scores[1:], strict=True):
            after = self._recommended(without, keep, k)
            stay = {one.index for one in after}
            gone = [i for i in before if i not in stay]
            come = [one for one in after if one.index not in before]
            instead = dict(zip(gone, come, strict=True))  # as many come as go
            for told, i in zip(reasons, indices, strict=True):
                place = 1 + int((without[keep] > without[i]).sum()) if keep[i] else None
                contribution = float(scores[0, i] - without[i])
                told.append(Reason(self.movies[index], index, stars, contribution, place, instead.get(i)))
        return [tuple(sorted(told, key=lambda reason: -reason.contribution)) for told in reasons]

    # -----------------------------------------------------------------------------------------------------------------
    # What both stand on
    # -----------------------------------------------------------------------------------------------------------------

    def _index(self, title: str | int) -> int:
        if isinstance(title, str):
            return self.find(title)
        if not 0 <= title < len(self):
            raise MovieNotFoundError(f"there is no movie at index {title}; there are {len(self)}")
        return int(title)

    def _rated(self, ratings: Mapping[str, float] | Mapping[int, float]) -> dict[int, float]:
        if not ratings:
            raise ConfigError("there are no ratings to go by; rate at least one movie")
        rated: dict[int, float] = {}
        for title, stars in cast("Mapping[str | int, float]", ratings).items():
            if not STARS[0] <= stars <= STARS[1]:
                raise ConfigError(f"stars go from {STARS[0]:g} to {STARS[1]:g}, got {stars!r} for {title!r}")
            index = self._index(title)
            if index in rated:
                raise ConfigError(f"{self.movies[index].label} is rated twice; rate it once")
            rated[index] = float(stars)
        return rated

    @cached_property
    def _years(self) -> NDArray[np.float32]:
        return np.array([np.nan if movie.year is None else movie.year for movie in self.movies], np.float32)

    def _keep(
        self,
        min_support: int,
        years: tuple[int | None, int | None] | None,
        genres: Collection[str] | None,
        rated: Collection[int] = (),
    ) -> NDArray[np.bool_]:
        """Which movies (n,) may be in a list."""
        keep = self.support >= min_support
        if years is not None:
            first, last = years
            with np.errstate(invalid="ignore"):
                keep &= (self._years >= (-np.inf if first is None else first)) & (
                    self._years <= (np.inf if last is None else last)
                )
        if genres:
            wanted = {genres} if isinstance(genres, str) else set(genres)
            if unknown := wanted - set(self.genres):
                raise ConfigError(f"there is no genre {', '.join(sorted(unknown))}; there are {', '.join(self.genres)}")
            keep &= np.array([not wanted.isdisjoint(movie.genres) for movie in self.movies], bool)
        keep[list(rated)] = False
        return keep

    def _ranked(
        self, scores: Floats, keep: NDArray[np.bool_], k: int, popularity: float, shrinkage: float
    ) -> list[int]:
        """Indices of the best k of those kept; of equals the one with more ratings."""
        if k < 1:
            raise ConfigError(f"a list has at least one entry, got k={k}")
        if not 0 <= popularity <= 1:
            raise ConfigError(f"popularity goes from 0 to 1, got {popularity!r}")
        candidates = np.flatnonzero(keep)
        support = self.support[candidates].astype(np.float64)
        values = scores[candidates].astype(np.float64)
        weights = np.ones(len(candidates))
        if shrinkage:
            weights *= support / (support + shrinkage)
        if popularity:
            weights *= (support / max(float(self.support.max()), 1.0)) ** popularity
        values = np.where(values > 0, values * weights, values)  # what speaks against a movie is not made less of
        if k < len(values):  # sort only what can be among the best
            near = values >= np.partition(values, len(values) - k)[len(values) - k]
            candidates, support, values = candidates[near], support[near], values[near]
        best = np.lexsort((candidates, -support, -values))[:k]
        return cast("list[int]", candidates[best].tolist())


def _each_left_out(rated: Mapping[int, float]) -> list[dict[int, float]]:
    return [{index: stars for index, stars in rated.items() if index != left_out} for left_out in rated]


# ---------------------------------------------------------------------------------------------------------------------
# On disk
# ---------------------------------------------------------------------------------------------------------------------


def save_movies(movies: Movies, folder: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Save movies as a model folder, with their vocabulary: all files or none.

    Matrices are kept in float16. Nobody's ratings are in it.

    Parameters
    ----------
    movies : Movies
        What to save.
    folder : str or Path
        Where; an older model there is replaced.
    card : dict, optional
        The movies' own card if left out.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder exists and is not a model folder.
    """
    small = np.uint16 if len(movies) < 2**16 - 1 else np.int32  # 65535 stands for NOBODY
    tensors = {
        "embeddings": movies.embeddings.astype(np.float16),
        "map": movies.map.astype(np.float32),
        **{f"user_model.{name}": _halved(array) for name, array in movies.user_model.arrays().items()},
    }
    for name, (indices, scores) in movies.rivals.items():
        tensors[f"rivals.{name}.indices"] = indices.astype(small)
        tensors[f"rivals.{name}.scores"] = scores.astype(np.float16)
    rows = (
        json.dumps(
            [movie.id, movie.stored, movie.title, movie.year, "|".join(movie.genres), int(support)], ensure_ascii=False
        )
        for movie, support in zip(movies.movies, movies.support, strict=True)
    )
    columns = json.dumps(["id", "stored", "title", "year", "genres", "ratings"])
    return checkpoints.write_folder(
        folder,
        tensors,
        {"kind": "movies", "movies": len(movies), "shrinkage": movies.shrinkage, "rivals": list(movies.rivals)},
        movies.card if card is None else card,
        {VOCABULARY: f'{{"columns": {columns}, "movies": [\n' + ",\n".join(rows) + "\n]}\n"},
    )


def load_movies(name: str | Path = "movies") -> Movies:
    """Load movies: the shipped ones by name, or a folder that `save_movies` wrote. Nothing is downloaded.

    Parameters
    ----------
    name : str or Path
        "movies", or a folder.

    Returns
    -------
    Movies

    Raises
    ------
    ModelNotFoundError
        If there is no such model.
    CheckpointError
        If the folder is incomplete, broken, or holds another kind of model.
    """
    from aecore.recommenders import UserModel as StoredUserModel

    place, config, card, tensors = checkpoints.read_folder(name)
    if config.get("kind") != "movies":
        raise CheckpointError(f"{place} holds no movies but a {config.get('kind')!r}: load it by aecore.load")
    vocabulary = checkpoints.read_json(place / VOCABULARY)
    try:
        rows = vocabulary["movies"]
        embeddings = _unit(tensors["embeddings"].astype(np.float32))
        return Movies(
            movies=tuple(
                Movie(number, stored, title, year, tuple(genres.split("|")) if genres else ())
                for number, stored, title, year, genres, _ in rows
            ),
            support=np.array([row[5] for row in rows], np.int64),
            embeddings=embeddings,
            user_model=StoredUserModel.from_arrays(
                {
                    part.removeprefix("user_model."): array.astype(np.float32) if array.dtype == np.float16 else array
                    for part, array in tensors.items()
                    if part.startswith("user_model.")
                }
            ),
            map=tensors["map"],
            rivals={
                rival: Neighbours(
                    _signed(tensors[f"rivals.{rival}.indices"]),
                    tensors[f"rivals.{rival}.scores"].astype(np.float32),
                )
                for rival in config["rivals"]
            },
            shrinkage=float(config["shrinkage"]),
            card=card,
        )
    except (AecoreError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the files in {place} do not fit one another: {error}") from error


def _halved(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float16) if array.dtype == np.float32 and array.ndim > 1 else array


def _unit(rows: Floats) -> Floats:
    """Rows of length 1 again, after the rounding to float16."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return cast(Floats, rows / np.where(lengths == 0, 1, lengths))


def _signed(indices: NDArray[Any]) -> NDArray[np.int32]:
    signed = indices.astype(np.int32)
    if indices.dtype == np.uint16:
        signed[indices == np.iinfo(np.uint16).max] = NOBODY
    return signed
