"""What turns ratings into scores without a network library: the user model as it is applied, EASE, SVD, ALS, biases.

numpy and scipy alone, so that a page recommends before torch is there; `aecore.rating_networks` trains the networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from aecore.errors import ConfigError, DataError

Floats = NDArray[np.float32]

NEUTRAL = 2.75  # stars that speak neither for nor against a movie: the middle of MovieLens's scale
FULL = 2.25  # from there to five stars, or to half a star


def opinions(stars: sp.csr_array) -> sp.csr_array:
    """Stars as opinions from -1 (half a star) over 0 (2.75 stars) to 1 (five stars); the same entries stay stored."""
    return sp.csr_array(
        ((stars.data - NEUTRAL) / FULL, stars.indices, stars.indptr), shape=stars.shape, dtype=np.float32
    )


@dataclass(frozen=True, eq=False)
class UserModel:
    """A denoising autoencoder from a user's ratings to a score for every movie, as arrays.

    Stars become opinions in [-1, 1], the opinions of a user a vector of length 1; then come a code, tanh, and a score
    for each movie. What somebody dislikes enters with a minus: it pushes down what goes with it.

    Attributes
    ----------
    encoder : ndarray, shape (movies, numbers), float32
    encoder_bias : ndarray, shape (numbers,), float32
    decoder : ndarray, shape (movies, numbers), float32
    bias : ndarray, shape (movies,), float32
        A movie's score for somebody of whom nothing is known.
    """

    encoder: Floats
    encoder_bias: Floats
    decoder: Floats
    bias: Floats

    def scores(self, stars: sp.csr_array) -> Floats:
        """Score every movie for each row of ratings.

        Parameters
        ----------
        stars : csr_array, shape (n, movies)
            Stars from 0.5 to 5; only given ratings are stored.

        Returns
        -------
        ndarray, shape (n, movies), float32
            The higher, the better it fits; what was rated is scored as well. Logarithms of unnormalised
            probabilities: only comparisons within a row mean anything.

        Raises
        ------
        DataError
            If the movies are not as many as the model knows.
        """
        if stars.shape[1] != len(self.encoder):
            raise DataError(f"this model scores {len(self.encoder)} movies, got ratings of {stars.shape[1]}")
        given = opinions(sp.csr_array(stars))
        lengths = np.sqrt(np.asarray(given.multiply(given).sum(axis=1)).ravel())  # (n,)
        summed = np.asarray(given @ self.encoder) / np.maximum(lengths, 1e-6)[:, None]  # (n, numbers)
        return (np.tanh(summed + self.encoder_bias) @ self.decoder.T + self.bias).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it consists of, by name."""
        return {
            "encoder": self.encoder,
            "encoder_bias": self.encoder_bias,
            "decoder": self.decoder,
            "bias": self.bias,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> UserModel:
        """Build it from what `arrays` gave."""
        names = ("encoder", "encoder_bias", "decoder", "bias")
        if missing := [name for name in names if name not in arrays]:
            raise DataError(f"a user model needs {', '.join(names)}; {', '.join(missing)} is missing")
        parts = {name: np.asarray(arrays[name], np.float32) for name in names}
        if not (
            parts["encoder"].shape == parts["decoder"].shape
            and parts["encoder"].shape == (len(parts["bias"]), len(parts["encoder_bias"]))
        ):
            shapes = ", ".join(f"{name} {array.shape}" for name, array in parts.items())
            raise DataError(f"the parts of the user model do not fit one another: {shapes}")
        return cls(**parts)


@dataclass(frozen=True, eq=False)
class Ease:
    """EASE (Steck 2019): the linear autoencoder of users' vectors that may not look at an entry to predict it.

    ``W = argmin |X - X W|^2 + penalty |W|^2`` with a zero diagonal. Through the users its solution is
    ``W_ij = (X'K X)_ij / (1 - (X'K X)_jj)`` with ``K = (X X' + penalty)^-1``, which needs a matrix of users x users
    and never one of movies x movies; through the movies it is ``-P_ij / P_jj`` with ``P = (X'X + penalty)^-1``.

    Attributes
    ----------
    left, right : ndarray, shape (movies, r), float32
        ``W = left @ right.T`` outside the diagonal, which is zero.
    """

    left: Floats
    right: Floats

    def weights(self, rows: NDArray[Any] | slice = slice(None)) -> Floats:
        """Rows of W, (rows, movies): what having a movie says for each other one; its own entry is 0."""
        chosen = np.arange(len(self.left))[rows]
        block = self.left[chosen] @ self.right.T
        block[np.arange(len(chosen)), chosen] = 0
        return block

    def scores(self, inputs: sp.csr_array) -> Floats:
        """``inputs @ W``, (n, movies), for sparse rows (n, movies) of what users have."""
        diagonal = np.einsum("ij,ij->j", self.left.T, self.right.T)  # what the product has there
        own = np.asarray(sp.csr_array(inputs).multiply(diagonal[None]).todense(), np.float32)
        return (np.asarray(inputs @ self.left) @ self.right.T - own).astype(np.float32)


def ease(matrix: sp.csr_array, penalty: float, *, through: str | None = None) -> Ease:
    """Solve EASE in closed form through the smaller of users and movies.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        What users have: 1 for watched or liked, or any other weight.
    penalty : float
        Above 0; the larger, the smoother.
    through : "users" or "movies", optional
        Which inverse to take instead of the smaller one. Both give the same weights.

    Returns
    -------
    Ease

    Raises
    ------
    ConfigError
        If the penalty is not above 0, or `through` is neither.
    """
    if penalty <= 0:
        raise ConfigError(f"penalty must be above 0, got {penalty}")
    users, movies = matrix.shape
    way = through or ("users" if users <= movies else "movies")
    if way == "users":
        kernel = np.linalg.inv((matrix @ matrix.T).toarray().astype(np.float64) + penalty * np.eye(users))
        left = np.asarray(matrix.T @ kernel)  # (movies, users)
        dense = matrix.toarray().T.astype(np.float64)  # (movies, users)
        own = np.einsum("ij,ij->i", left, dense)  # the diagonal of X'K X, below 1
        return Ease(left.astype(np.float32), (dense / (1 - own)[:, None]).astype(np.float32))
    if way == "movies":
        inverse = np.linalg.inv((matrix.T @ matrix).toarray().astype(np.float64) + penalty * np.eye(movies))
        scaled = -inverse / np.diag(inverse)[None]
        np.fill_diagonal(scaled, 0)
        return Ease(np.eye(movies, dtype=np.float32), np.ascontiguousarray(scaled.T, np.float32))
    raise ConfigError(f"through must be 'users' or 'movies', got {through!r}")


def svd_embedding(matrix: sp.csr_array, numbers: int) -> Floats:
    """Movies' coordinates in the truncated singular value decomposition: V * s, shape (movies, numbers).

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
    numbers : int
        Below the smaller of users and movies.
    """
    from scipy.sparse.linalg import svds

    if not 1 <= numbers < min(matrix.shape):
        raise ConfigError(f"numbers must lie between 1 and {min(matrix.shape) - 1}, got {numbers}")
    _, values, directions = svds(matrix.astype(np.float64), k=numbers, v0=np.ones(min(matrix.shape)))
    return (directions.T * values)[:, ::-1].astype(np.float32)


# ---------------------------------------------------------------------------------------------------------------------
# Predicting stars
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class StarAutoencoder:
    """An autoencoder of sparse rows, movies x users or users x movies, that predicts entries which are not given.

    Attributes
    ----------
    encoder : ndarray, shape (m, hidden), float32
    encoder_bias : ndarray, shape (hidden,), float32
    decoder : ndarray, shape (m, hidden), float32
    bias : ndarray, shape (m,), float32
    """

    encoder: Floats
    encoder_bias: Floats
    decoder: Floats
    bias: Floats

    def codes(self, rows: sp.csr_array) -> Floats:
        """What the hidden layer makes of rows (n, m): (n, hidden), in (0, 1)."""
        summed = np.asarray(rows @ self.encoder) + self.encoder_bias
        return (1 / (1 + np.exp(-summed))).astype(np.float32)

    def at(self, rows: sp.csr_array, places: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.float64]:
        """Predictions for entries (places[i], columns[i]) of `rows`, in the units of `rows`."""
        codes = self.codes(rows)
        return (
            at_entries(codes.astype(np.float64), self.decoder.astype(np.float64), places, columns) + self.bias[columns]
        )


@dataclass(frozen=True, eq=False)
class Biases:
    """What a rating is on average, and how much higher a user or a movie tends to be."""

    mean: float
    users: NDArray[np.float64]  # (users,)
    movies: NDArray[np.float64]  # (movies,)

    def at(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.float64]:
        """Predicted stars of user rows[i] for movie columns[i]."""
        return self.mean + self.users[rows] + self.movies[columns]

    def residuals(self, matrix: sp.csr_array) -> sp.csr_array:
        """Stars less what is predicted, at the given ratings."""
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        left = (matrix.data - self.at(rows, matrix.indices)).astype(np.float32)
        return sp.csr_array((left, matrix.indices, matrix.indptr), shape=matrix.shape)


def fit_biases(matrix: sp.csr_array, user_penalty: float = 5.0, movie_penalty: float = 3.0, sweeps: int = 20) -> Biases:
    """Fit mean, users' and movies' biases by alternating ridge regression.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        Stars.
    user_penalty, movie_penalty : float
        Ratings' worth of doubt that each bias is drawn to 0 with.
    sweeps : int
        Alternations.
    """
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    columns, mean = matrix.indices, float(matrix.data.mean())
    left = matrix.data.astype(np.float64) - mean
    users, movies = np.zeros(matrix.shape[0]), np.zeros(matrix.shape[1])
    user_counts, movie_counts = np.bincount(rows, minlength=len(users)), np.bincount(columns, minlength=len(movies))
    for _ in range(sweeps):
        movies = np.bincount(columns, left - users[rows], len(movies)) / (movie_counts + movie_penalty)
        users = np.bincount(rows, left - movies[columns], len(users)) / (user_counts + user_penalty)
    return Biases(mean, users, movies)


def als(
    residuals: sp.csr_array, numbers: int, penalty: float, sweeps: int = 12, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Alternating least squares on the given entries alone (Zhou, Wilkinson, Schreiber & Pan 2008).

    Parameters
    ----------
    residuals : csr_array, shape (users, movies)
        Stars less `Biases`; only given entries count.
    numbers : int
        Of a user's and of a movie's vector.
    penalty : float
        Times the number of ratings, on each vector's squared length.

    Returns
    -------
    tuple of ndarray
        Users' vectors (users, numbers) and movies' vectors (movies, numbers); their products are the predictions.
    """
    random = np.random.default_rng(seed)
    users = np.zeros((residuals.shape[0], numbers))
    movies = random.normal(0, 0.1, (residuals.shape[1], numbers))
    by_movie = residuals.T.tocsr()
    for _ in range(sweeps):
        _solve_rows(residuals, movies, users, penalty)
        _solve_rows(by_movie, users, movies, penalty)
    return users, movies


def _solve_rows(matrix: sp.csr_array, fixed: NDArray[np.float64], solved: NDArray[np.float64], penalty: float) -> None:
    eye = np.eye(fixed.shape[1])
    for row in range(matrix.shape[0]):
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        count = entries.stop - entries.start
        if count:
            there = fixed[matrix.indices[entries]]  # (count, numbers)
            solved[row] = np.linalg.solve(there.T @ there + penalty * count * eye, there.T @ matrix.data[entries])


def svd_of_residuals(residuals: sp.csr_array, numbers: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Truncated SVD of residuals, 0 where nothing was given: users' and movies' vectors, as `als` gives them."""
    from scipy.sparse.linalg import svds

    left, values, right = svds(residuals.astype(np.float64), k=numbers, v0=np.ones(min(residuals.shape)))
    return left * values, right.T


def at_entries(
    users: NDArray[np.float64], movies: NDArray[np.float64], rows: NDArray[Any], columns: NDArray[Any]
) -> NDArray[np.float64]:
    """Products of users' and movies' vectors at (rows[i], columns[i])."""
    return np.einsum("ij,ij->i", users[rows], movies[columns])
