"""Losses of networks that read ratings: which entries of a user's or a movie's vector count, and for how much.

Pure functions of torch tensors. They know no network, no data set and no optimiser.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def masked_squared_error(predicted: Tensor, ratings: Tensor, rated: Tensor) -> Tensor:
    """Mean squared error over the rated entries alone (Sedhain, Menon, Sanner & Xie 2015, AutoRec).

    What was not rated is unknown, not zero: such an entry adds nothing to the loss and gives exactly no gradient.

    Parameters
    ----------
    predicted, ratings : Tensor, shape (n, m)
        What the network says and what was given; what stands in `ratings` where nothing was rated does not matter.
    rated : Tensor of bool, shape (n, m)
        Which entries were rated.

    Returns
    -------
    Tensor, shape ()
        Zero if nothing is rated.

    Examples
    --------
    >>> ratings, rated = torch.tensor([[5.0, 0.0]]), torch.tensor([[True, False]])
    >>> float(masked_squared_error(torch.tensor([[4.0, 3.0]]), ratings, rated))
    1.0
    """
    errors = torch.where(rated, predicted - ratings, torch.zeros((), dtype=predicted.dtype, device=predicted.device))
    return errors.square().sum() / rated.sum().clamp(min=1)


def unmasked_squared_error(predicted: Tensor, ratings: Tensor) -> Tensor:
    """Mean squared error over all entries, where one that nobody rated counts as zero stars; here for comparison.

    Parameters
    ----------
    predicted, ratings : Tensor, shape (n, m)
        What the network says and what was given, 0 where nothing was rated.

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> float(unmasked_squared_error(torch.tensor([[4.0, 3.0]]), torch.tensor([[5.0, 0.0]])))
    5.0
    """
    return (predicted - ratings).square().mean()


def multinomial_likelihood(logits: Tensor, counts: Tensor) -> Tensor:
    """Negative log-likelihood of what was chosen, if all choices compete (Liang, Krishnan, Hoffman & Jebara 2018).

    Parameters
    ----------
    logits : Tensor, shape (n, m)
        Any real numbers; a softmax along the row makes probabilities of them.
    counts : Tensor, shape (n, m)
        How often, or how gladly, each was chosen; 0 or more. A row without any choice adds nothing.

    Returns
    -------
    Tensor, shape (n,)
        A sum over each row: divide `counts` by their sum beforehand and each row weighs the same.

    Examples
    --------
    >>> two_to_one = torch.tensor([[0.0, 0.0]])
    >>> round(float(multinomial_likelihood(two_to_one, torch.tensor([[2.0, 1.0]]))), 4)  # 3 log 2
    2.0794
    """
    return -(counts * F.log_softmax(logits, dim=-1)).sum(dim=-1)


def factored_squared_error(codes: Tensor, decoder: Tensor, bias: Tensor, heard: Tensor, said: Tensor) -> Tensor:
    """Squared distance of rows of ``codes @ decoder.T + bias`` from sparse unit vectors y that are never written out.

    ``|D h + b - y|^2 = h'(D'D)h + 2 h'(D'b) + b'b - 2 h'(D'y) - 2 b'y + 1``: what it takes of y, its products with the
    decoder and the bias, needs its stored entries alone. So memory grows with the ratings of a batch, not with
    batch x users, and the value is that of the full sum over all users, rated or not.

    Parameters
    ----------
    codes : Tensor, shape (batch, d)
        h.
    decoder : Tensor, shape (users, d)
        D.
    bias : Tensor, shape (users,)
        b.
    heard : Tensor, shape (batch, d)
        D'y of each row.
    said : Tensor, shape (batch,)
        b'y of each row.

    Returns
    -------
    Tensor, shape (batch,)
    """
    gram = decoder.T @ decoder  # (d, d)
    reconstructed = ((codes @ gram) * codes).sum(1) + 2 * codes @ (decoder.T @ bias) + bias @ bias
    return reconstructed - 2 * (codes * heard).sum(1) - 2 * said + 1
