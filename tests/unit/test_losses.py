"""Losses of ratings on numbers that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from aecore.losses import (
    factored_squared_error,
    masked_squared_error,
    multinomial_likelihood,
    unmasked_squared_error,
)

RATINGS = torch.tensor([[5.0, 0.0, 3.0], [0.0, 0.0, 1.0]])
RATED = RATINGS > 0


def test_the_masked_error_is_the_mean_over_rated_entries():
    predicted = torch.tensor([[4.0, 9.0, 3.0], [7.0, -2.0, 3.0]])
    assert float(masked_squared_error(predicted, RATINGS, RATED)) == pytest.approx((1 + 0 + 4) / 3)


def test_unrated_entries_give_exactly_no_gradient():
    predicted = torch.tensor([[4.0, 9.0, 3.5], [7.0, -2.0, 3.0]], requires_grad=True)
    masked_squared_error(predicted, RATINGS, RATED).backward()
    assert predicted.grad[~RATED].tolist() == [0.0, 0.0, 0.0]
    assert predicted.grad[RATED].tolist() == pytest.approx([-2 / 3, 1 / 3, 4 / 3])


def test_what_stands_where_nothing_was_rated_does_not_matter_even_if_it_is_no_number():
    ratings = RATINGS.clone()
    ratings[~RATED] = math.nan
    predicted = torch.ones(2, 3, requires_grad=True)
    loss = masked_squared_error(predicted, ratings, RATED)
    loss.backward()
    assert loss.item() == pytest.approx((16 + 4 + 0) / 3)
    assert bool(torch.isfinite(predicted.grad).all())


def test_nothing_rated_is_no_error():
    predicted = torch.ones(2, 3, requires_grad=True)
    loss = masked_squared_error(predicted, RATINGS, torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert not predicted.grad.any()


def test_the_unmasked_error_pulls_unrated_entries_to_zero():
    predicted = torch.full((2, 3), 3.0, requires_grad=True)
    loss = unmasked_squared_error(predicted, RATINGS)
    loss.backward()
    assert loss.item() == pytest.approx((4 + 9 + 0 + 9 + 9 + 4) / 6)
    assert (predicted.grad[~RATED] == 1.0).all()


def test_the_multinomial_likelihood_by_hand():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    counts = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert multinomial_likelihood(logits + 7, counts).tolist() == pytest.approx([2 * math.log(2) + math.log(4), 0.0])


def test_the_multinomial_likelihood_is_least_where_probabilities_are_shares():
    counts = torch.tensor([[3.0, 1.0]])
    logits = torch.log(torch.tensor([[0.75, 0.25]])).requires_grad_()
    multinomial_likelihood(logits, counts).sum().backward()
    assert logits.grad.tolist()[0] == pytest.approx([0, 0], abs=1e-6)


def test_the_factored_error_is_the_written_out_one():
    generator = torch.Generator().manual_seed(0)
    codes, decoder = torch.randn(3, 4, generator=generator), torch.randn(7, 4, generator=generator)
    bias = torch.randn(7, generator=generator)
    wanted = torch.nn.functional.normalize(torch.rand(3, 7, generator=generator) * (torch.arange(7) % 3 == 0), dim=1)
    factored = factored_squared_error(codes, decoder, bias, wanted @ decoder, wanted @ bias)
    written_out = (codes @ decoder.T + bias - wanted).square().sum(1)
    assert factored.tolist() == pytest.approx(written_out.tolist(), rel=1e-4)
