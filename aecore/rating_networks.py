"""Autoencoders of ratings and their training: a movie's vector in, or a user's. They read sparse rows only.

A batch is a list of its stored ratings; the first layer adds up the weights of those, and the losses need no other
entries either. So memory grows with the ratings in a batch, not with users x movies. Knows no titles and no files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from aecore.errors import ConfigError, DataError, DivergedError
from aecore.losses import (
    factored_squared_error,
    masked_squared_error,
    multinomial_likelihood,
    unmasked_squared_error,
)
from aecore.recommenders import StarAutoencoder, UserModel, opinions

Floats = NDArray[np.float32]
Progress = Callable[[float], None]  # the part that is done, from 0 to 1


# ---------------------------------------------------------------------------------------------------------------------
# Sparse rows
# ---------------------------------------------------------------------------------------------------------------------


class Rows(NamedTuple):
    """Some rows of a sparse matrix, as the first layer of a network reads them."""

    places: Tensor  # (ratings,) int64: the column of each stored entry, row after row
    starts: Tensor  # (rows,) int64: where each row begins in `places`
    values: Tensor  # (ratings,) float32
    owners: Tensor  # (ratings,) int64: the row of each stored entry

    @classmethod
    def of(cls, matrix: sp.csr_array, chosen: NDArray[Any]) -> Rows:
        """Take rows of a matrix, in any order; no more than their stored entries is copied."""
        lengths = matrix.indptr[chosen + 1] - matrix.indptr[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        owners = np.repeat(np.arange(len(chosen)), lengths)
        entries = matrix.indptr[chosen][owners] + np.arange(len(owners)) - starts[owners]
        return cls(
            torch.from_numpy(matrix.indices[entries].astype(np.int64)),
            torch.from_numpy(starts.astype(np.int64)),
            torch.from_numpy(matrix.data[entries].astype(np.float32)),
            torch.from_numpy(owners.astype(np.int64)),
        )

    def times(self, weights: Tensor) -> Tensor:
        """Product of the sparse rows (rows, m) with `weights` (m, d): shape (rows, d)."""
        return F.embedding_bag(self.places, weights, self.starts, mode="sum", per_sample_weights=self.values)

    def damaged(self, corruption: float, generator: torch.Generator) -> Rows:
        """Leave out a part of the entries at random, and scale what is left of each row to length 1."""
        kept = self.values
        if corruption:
            kept = kept * (torch.rand(len(kept), generator=generator) >= corruption)
        squares = torch.zeros(len(self.starts)).index_add_(0, self.owners, kept.square())
        return self._replace(values=kept / squares.sqrt().clamp_min(1e-12)[self.owners])

    def thinned(self, corruption: float, generator: torch.Generator) -> Rows:
        """Leave out a part of the entries at random, and scale what is left up, so that sums stay what they were."""
        if not corruption:
            return self
        kept = torch.rand(len(self.values), generator=generator) >= corruption
        return self._replace(values=self.values * kept / (1 - corruption))

    def dense(self, columns: int) -> Tensor:
        """Write the rows out: shape (rows, columns)."""
        full = torch.zeros(len(self.starts), columns)
        full[self.owners, self.places] = self.values
        return full


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought."""

    epoch: int  # 1 is the first
    epochs: int
    loss: float  # mean over the epoch's rows
    seconds: float  # this epoch took


def _rate(progress: float) -> float:
    """Part of the peak learning rate: a linear rise in the first tenth, then a cosine to zero."""
    return min(1.0, (progress + 1e-3) / 0.1) * (0.5 + 0.5 * math.cos(math.pi * progress))


def _epochs(
    rows: int,
    epochs: int,
    batch: int,
    learning_rate: float,
    parameters: list[dict[str, Any]],
    loss_of: Callable[[NDArray[Any]], Tensor],
    random: np.random.Generator,
) -> Iterator[Epoch]:
    """AdamW over shuffled rows; `loss_of` gives the mean loss of the rows it is handed."""
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, fused=True)
    steps = epochs * -(-rows // batch)
    step = 0
    for epoch in range(1, epochs + 1):
        started, total = time.perf_counter(), 0.0
        order = random.permutation(rows)
        for start in range(0, rows, batch):
            chosen = order[start : start + batch]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * _rate(step / steps)
            loss = loss_of(chosen)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(chosen)
            step += 1
        if not math.isfinite(total):
            raise DivergedError(f"the loss became {total} in epoch {epoch}; lower the learning rate ({learning_rate})")
        yield Epoch(epoch, epochs, total / rows, time.perf_counter() - started)


# ---------------------------------------------------------------------------------------------------------------------
# A movie's vector of ratings -> its embedding
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemSettings:
    """How movies' embeddings are made: a few linear denoising autoencoders, joined in one code."""

    numbers: int = 128  # of an embedding, and of each network's code
    # One network each, as three numbers: the part of a movie's ratings that it does not see; the power of a user's
    # number of ratings that their weight is divided by (0: every rating counts the same, though somebody who has rated
    # everything says little); the power of a movie's number of ratings that it counts with in the loss (0: all movies
    # alike, 1: all ratings). The first network serves all movies alike, the second knows the famous ones closely.
    members: tuple[tuple[float, float, float], ...] = ((0.85, 0.2, 0.0), (0.4, 0.15, 1.0))
    watched: float = 2.0  # stars that having rated a movie is worth in itself
    min_support: int = 3  # movies with fewer ratings are encoded, but not trained on
    epochs: int = 40
    batch: int = 256
    learning_rate: float = 4e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.numbers < 1:
            raise ConfigError(f"an embedding has at least one number, got numbers={self.numbers}")
        if not self.members or any(not 0 <= corruption < 1 for corruption, _, _ in self.members):
            raise ConfigError(f"members are (corruption in [0, 1), user power, support power), got {self.members}")
        if self.epochs < 1 or self.batch < 1 or self.learning_rate <= 0:
            raise ConfigError("epochs and batch are at least 1, the learning rate is above 0")


def movie_rows(matrix: sp.csr_array, user_power: float, watched: float) -> sp.csr_array:
    """Movies' vectors of ratings, (movies, users): stars + `watched`, weighted by user, each row of length 1.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        Stars; only given ratings are stored.
    user_power : float
        A user's weight is their number of ratings to the power of minus this.
    watched : float
        Added to every given rating: that somebody chose to rate a movie says more than how they rated it.
    """
    counts = np.diff(matrix.indptr)
    values = (matrix.data + np.float32(watched)) * np.repeat(np.maximum(counts, 1.0) ** -user_power, counts)
    rows = sp.csr_array((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape).T.tocsr()
    lengths = np.sqrt(
        np.bincount(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.data**2, rows.shape[0])
    )
    rows.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(rows.indptr)).astype(np.float32)
    return rows


def train_item_autoencoder(
    matrix: sp.csr_array, settings: ItemSettings | None = None, member: int = 0
) -> Generator[Epoch, None, Floats]:
    """Train one denoising autoencoder of movies' vectors: users -> code -> users, one linear layer each way.

    It sees a part of a movie's ratings and is to give back the whole vector, unrated entries included: their zeros keep
    the embeddings apart (with the masked loss they need not differ). The vectors have length 1, so that a movie with
    few ratings counts as much as a famous one.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        Stars; only given ratings are stored.
    settings : ItemSettings, optional
    member : int
        Which of `settings.members`.

    Yields
    ------
    Epoch
        After each epoch; stopping the iteration stops the training.

    Returns
    -------
    ndarray, shape (users, numbers), float32
        The encoder's weights: ``movie_rows(...) @ weights`` are the codes.

    Raises
    ------
    DataError
        If there is nothing to train on.
    DivergedError
        If the loss becomes NaN or infinite.
    """
    settings = settings or ItemSettings()
    corruption, user_power, support_power = settings.members[member]
    rows = movie_rows(matrix, user_power, settings.watched)
    support = np.diff(rows.indptr)
    trained = np.flatnonzero(support >= settings.min_support)
    if len(trained) < 2:
        raise DataError(f"{len(trained)} movies have {settings.min_support} ratings or more; training needs 2")
    users = matrix.shape[0]
    generator = torch.Generator().manual_seed(settings.seed * 1000 + member)
    random = np.random.default_rng((settings.seed, member))
    bound = math.sqrt(1 / users)
    encoder = torch.empty(users, settings.numbers)
    if users <= 20_000:
        torch.nn.init.orthogonal_(encoder, generator=generator)
    else:  # random directions in so many dimensions are orthogonal enough
        encoder.normal_(std=bound, generator=generator)
    decoder = (torch.rand(users, settings.numbers, generator=generator) * 2 - 1) * math.sqrt(1 / settings.numbers)
    bias = torch.zeros(users)
    parameters = [parameter.requires_grad_() for parameter in (encoder, decoder, bias)]

    weights = torch.from_numpy(support[trained].astype(np.float32)) ** support_power
    weights = weights / weights.mean()  # (trained,)

    def loss_of(chosen: NDArray[Any]) -> Tensor:
        whole = Rows.of(rows, trained[chosen])
        codes = whole.damaged(corruption, generator).times(encoder)  # (batch, numbers)
        heard = whole.times(decoder)  # (batch, numbers)
        said = whole.times(bias[:, None])[:, 0]  # (batch,)
        errors = factored_squared_error(codes, decoder, bias, heard, said)  # (batch,)
        return (errors * weights[torch.from_numpy(chosen)]).mean()

    groups: list[dict[str, Any]] = [{"params": parameters, "weight_decay": 0.0}]
    yield from _epochs(len(trained), settings.epochs, settings.batch, settings.learning_rate, groups, loss_of, random)
    return encoder.detach().numpy()


def train_item_embedding(
    matrix: sp.csr_array, settings: ItemSettings | None = None, progress: Progress | None = None
) -> Floats:
    """Movies' embeddings: the codes of a few denoising autoencoders, each of length 1, joined and brought to one code.

    What joins them is a linear autoencoder once more, in closed form: the leading directions of the joined codes.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        Stars; only given ratings are stored.
    settings : ItemSettings, optional
    progress : callable, optional
        Told the part that is done.

    Returns
    -------
    ndarray, shape (movies, numbers), float32
        Rows of length 1; 0 for a movie without ratings. Their products are cosines.
    """
    settings = settings or ItemSettings()
    joined = []
    for member, (_, user_power, _) in enumerate(settings.members):
        steps = train_item_autoencoder(matrix, settings, member)
        while True:
            try:
                report = next(steps)
            except StopIteration as finished:
                weights = finished.value
                break
            if progress is not None:
                progress((member + report.epoch / report.epochs) / len(settings.members))
        joined.append(unit_rows(movie_rows(matrix, user_power, settings.watched) @ weights))
    return unit_rows(join_codes(joined, settings.numbers))


def join_codes(codes: list[Floats], numbers: int) -> Floats:
    """Put codes (n, d) side by side and keep the `numbers` leading directions, uncentred: (n, numbers)."""
    wide = np.hstack(codes)
    _, directions = np.linalg.eigh((wide.T @ wide).astype(np.float64))
    return (wide @ directions[:, ::-1][:, :numbers]).astype(np.float32)


def unit_rows(rows: Floats) -> Floats:
    """Each row divided by its length; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths < 1e-12, 1, lengths)).astype(np.float32)


# ---------------------------------------------------------------------------------------------------------------------
# A user's ratings -> a score for every movie
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class UserSettings:
    """How the user model is trained."""

    numbers: int = 128  # of the code
    liked: float = 4.0  # stars from which a movie counts as liked: what is to be given back
    corruption: float = 0.2  # part of the ratings that the network does not see
    user_power: float = 1.0  # a user counts in the loss as their number of liked movies to this power
    epochs: int = 50
    batch: int = 64
    learning_rate: float = 5e-3
    weight_decay: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.numbers < 1 or self.epochs < 1 or self.batch < 1 or self.learning_rate <= 0:
            raise ConfigError("numbers, epochs and batch are at least 1, the learning rate is above 0")
        if not 0 <= self.corruption < 1:
            raise ConfigError(f"corruption lies in [0, 1), got {self.corruption}")


def train_user_model(
    matrix: sp.csr_array, settings: UserSettings | None = None, progress: Progress | None = None
) -> UserModel:
    """Train a denoising autoencoder of users' ratings with the multinomial likelihood of what they liked.

    Liang, Krishnan, Hoffman & Jebara 2018 (Mult-DAE), with signed input: a low rating enters with a minus.

    Parameters
    ----------
    matrix : csr_array, shape (users, movies)
        Stars; only given ratings are stored.
    settings : UserSettings, optional
    progress : callable, optional
        Told the part that is done.

    Returns
    -------
    UserModel

    Raises
    ------
    DataError
        If fewer than 2 users like anything.
    DivergedError
        If the loss becomes NaN or infinite.
    """
    settings = settings or UserSettings()
    movies = matrix.shape[1]
    given = opinions(matrix)
    likes = sp.csr_array(matrix.copy())
    likes.data = (likes.data >= settings.liked).astype(np.float32)
    likes.eliminate_zeros()
    counts = np.diff(likes.indptr)
    trained = np.flatnonzero(counts > 0)
    if len(trained) < 2:
        raise DataError(f"{len(trained)} users gave {settings.liked:g} stars or more; training needs 2")
    weights = counts.astype(np.float64) ** settings.user_power
    share = np.where(counts > 0, weights / np.maximum(counts, 1) / weights[trained].mean(), 0)
    likes.data = np.repeat(share, counts).astype(np.float32)
    generator = torch.Generator().manual_seed(settings.seed)
    encoder = torch.randn(movies, settings.numbers, generator=generator) * 0.02
    decoder = torch.randn(movies, settings.numbers, generator=generator) * 0.02
    encoder_bias = torch.zeros(settings.numbers)
    bias = torch.from_numpy(np.log(np.bincount(likes.indices, minlength=movies) + 1.0).astype(np.float32))
    matrices = [parameter.requires_grad_() for parameter in (encoder, decoder)]
    biases = [parameter.requires_grad_() for parameter in (encoder_bias, bias)]

    def loss_of(chosen: NDArray[Any]) -> Tensor:
        rows = trained[chosen]
        codes = torch.tanh(Rows.of(given, rows).damaged(settings.corruption, generator).times(encoder) + encoder_bias)
        wanted = Rows.of(likes, rows).dense(movies)  # (batch, movies)
        return multinomial_likelihood(codes @ decoder.T + bias, wanted).mean()

    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    random = np.random.default_rng(settings.seed)
    rate = settings.learning_rate
    for report in _epochs(len(trained), settings.epochs, settings.batch, rate, groups, loss_of, random):
        if progress is not None:
            progress(report.epoch / report.epochs)
    parts = (encoder, encoder_bias, decoder, bias)
    return UserModel(*(part.detach().numpy() for part in parts))


# ---------------------------------------------------------------------------------------------------------------------
# Predicting stars
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StarSettings:
    """How a network that predicts ratings is trained; a row is a movie's vector of ratings, or a user's."""

    hidden: int = 300
    masked: bool = True  # the loss counts rated entries only; otherwise what nobody rated is to be 0
    corruption: float = 0.5  # part of the input that the network does not see
    epochs: int = 40
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.epochs < 1 or self.batch < 1 or self.learning_rate <= 0:
            raise ConfigError("hidden, epochs and batch are at least 1, the learning rate is above 0")
        if not 0 <= self.corruption < 1:
            raise ConfigError(f"corruption lies in [0, 1), got {self.corruption}")


def train_star_autoencoder(
    rows: sp.csr_array, settings: StarSettings | None = None, progress: Progress | None = None
) -> StarAutoencoder:
    """Train an autoencoder of sparse rows that predicts the entries which are not given.

    AutoRec (Sedhain, Menon, Sanner & Xie 2015): one hidden layer, sigmoid, a linear output.

    Parameters
    ----------
    rows : csr_array, shape (n, m)
        Ratings, or what biases leave of them: movies x users or users x movies.
    settings : StarSettings, optional
    progress : callable, optional
        Told the part that is done.

    Returns
    -------
    StarAutoencoder

    Raises
    ------
    DataError
        If there is nothing to train on.
    DivergedError
        If the loss becomes NaN or infinite.
    """
    settings = settings or StarSettings()
    columns = rows.shape[1]
    trained = np.flatnonzero(np.diff(rows.indptr) > 0)
    if not len(trained):
        raise DataError("no row holds a rating; there is nothing to train on")
    generator = torch.Generator().manual_seed(settings.seed)
    bound = math.sqrt(6 / (columns + settings.hidden))
    encoder = (torch.rand(columns, settings.hidden, generator=generator) * 2 - 1) * bound
    decoder = (torch.rand(columns, settings.hidden, generator=generator) * 2 - 1) * bound
    encoder_bias, bias = torch.zeros(settings.hidden), torch.zeros(columns)
    matrices = [parameter.requires_grad_() for parameter in (encoder, decoder)]
    biases = [parameter.requires_grad_() for parameter in (encoder_bias, bias)]

    def loss_of(chosen: NDArray[Any]) -> Tensor:
        part = Rows.of(rows, trained[chosen])
        hidden = torch.sigmoid(part.thinned(settings.corruption, generator).times(encoder) + encoder_bias)
        if not settings.masked:
            return unmasked_squared_error(hidden @ decoder.T + bias, part.dense(columns))
        # Only the rated entries are ever computed: this is the masked loss without a mask to write out.
        predicted = (hidden[part.owners] * decoder[part.places]).sum(1) + bias[part.places]  # (ratings,)
        return masked_squared_error(predicted, part.values, torch.ones_like(predicted, dtype=torch.bool))

    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    random = np.random.default_rng(settings.seed)
    rate = settings.learning_rate
    for report in _epochs(len(trained), settings.epochs, settings.batch, rate, groups, loss_of, random):
        if progress is not None:
            progress(report.epoch / report.epochs)
    return StarAutoencoder(*(part.detach().numpy() for part in (encoder, encoder_bias, decoder, bias)))
