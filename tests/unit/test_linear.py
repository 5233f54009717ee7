from __future__ import annotations

import os

import numpy as np
import pytest

from aecore import (
    PCA,
    ConfigError,
    DataError,
    DivergedError,
    LinearConfig,
    Moments,
    NetworkConfig,
    Yardstick,
    build,
    load_digits,
    principal_angles,
    read_card,
    rotate_onto_components,
    train_linear,
)
from aecore.equivalence import BUDGET, CLAIMED_ANGLE, CLAIMED_EXCESS, LINEAR, VARIANTS, explained, prove, weigh_variants
from aecore.linear import _Descent, linear_parts, mean_error

SIDE = 6  # pixels: images small enough to train on in no time


@pytest.fixture(scope="module")
def images():
    """Images of known principal components: variances 16, 9, 4, 1, 0.25 along random orthonormal directions."""
    random = np.random.default_rng(0)
    directions = np.linalg.qr(random.normal(size=(SIDE * SIDE, 5)))[0].T  # (5, pixels)
    codes = random.normal(size=(400, 5))
    codes -= codes.mean(axis=0)
    codes = np.linalg.qr(codes)[0] * np.sqrt(400 * np.array([16, 9, 4, 1, 0.25]))  # exactly uncorrelated
    return (codes @ directions + 0.4).reshape(-1, SIDE, SIDE).astype(np.float32)


@pytest.fixture(scope="module")
def moments(images):
    return Moments.of(images)


def linear(code=3, **settings):
    wanted = {"hidden": (), "code": code, "bias": False, "output": "linear", "shape": (SIDE, SIDE)} | settings
    return build(NetworkConfig(**wanted))


def finish(network, moments, **settings):
    return list(train_linear(network, moments, LinearConfig(**{"steps": 800, "reports": 8} | settings)))


def test_moments_are_those_of_numpy(images, moments):
    flat = images.reshape(len(images), -1).astype(np.float64)
    np.testing.assert_allclose(moments.covariance, np.cov(flat.T, bias=True), atol=1e-12)
    np.testing.assert_allclose(moments.mean.ravel(), flat.mean(axis=0))
    assert moments.count == 400
    assert moments.total_variance == pytest.approx(30.25, rel=1e-5)
    assert not moments.centred().mean.any()
    assert moments.centred().covariance is moments.covariance
    with pytest.raises(DataError, match="NaN or infinite"):
        Moments.of(np.full((3, 2, 2), np.nan, np.float32))


def test_moments_of_many_images_are_taken_in_parts(monkeypatch, images, moments):
    monkeypatch.setattr("aecore.pca._PART", 150)
    np.testing.assert_allclose(Moments.of(images).covariance, moments.covariance, atol=1e-12)


# --- angles


def test_angles_known_beforehand():
    tilt = np.radians([10.0, 80.0])
    a = np.eye(6)[:2]
    b = np.cos(tilt)[:, None] * np.eye(6)[:2] + np.sin(tilt)[:, None] * np.eye(6)[2:4]
    np.testing.assert_allclose(np.degrees(principal_angles(a, b)), [10, 80], atol=1e-9)
    mixed = np.array([[3.0, 1.0], [-2.0, 5.0]]) @ b  # another basis of the same subspace
    np.testing.assert_allclose(np.degrees(principal_angles(mixed, a)), [10, 80], atol=1e-9)
    np.testing.assert_allclose(np.degrees(principal_angles(np.eye(6)[:3], np.eye(6)[3:])), 90)


def test_a_tiny_angle_is_told_from_none():
    a, b = np.eye(5)[:2], np.eye(5)[:2].copy()
    b[0, 3] = 1e-9
    assert principal_angles(a, b)[-1] == pytest.approx(1e-9, rel=1e-6)  # its cosine is 1 in float64
    assert principal_angles(a, a)[-1] == 0.0


def test_subspaces_of_different_sizes():
    angles = principal_angles(np.eye(5)[:3], np.eye(5)[1:2] + np.eye(5)[4:5])
    np.testing.assert_allclose(np.degrees(angles), [45])
    np.testing.assert_allclose(principal_angles(np.eye(5)[1:2], np.eye(5)[:3]), [0], atol=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.eye(3)[:2], np.eye(4)[:2], "same length"),
        (np.ones((2, 4)), np.eye(4)[:2], "not linearly independent"),
        (np.full((1, 4), np.nan), np.eye(4)[:2], "NaN"),
    ],
)
def test_what_spans_no_subspace_is_refused(a, b, message):
    with pytest.raises(DataError, match=message):
        principal_angles(a, b)


# --- training


def test_the_loss_is_that_of_all_images_at_once(images, moments):
    """The claim that everything rests on, for each term of the formula: biases, a mean that is not zero, truncation."""
    for settings in ({}, {"bias": True}, {"bias": True, "ordered": True}, {"tied": True, "ordered": True}):
        network = linear(**settings)
        descent = _Descent(network, moments, LinearConfig())
        for _ in range(3):
            descent.step(0.3)
        parts = descent.parts()
        flat = images.reshape(len(images), -1).astype(np.float64)
        truncations = range(1, 4) if settings.get("ordered") else [3]
        codes = flat @ parts.encoder.T + parts.into
        errors = [
            np.square(flat - codes[:, :k] @ parts.decoder.T[:k] - parts.out).sum(axis=1).mean() for k in truncations
        ]
        assert descent._loss().item() == pytest.approx(np.mean(errors), rel=1e-4)
        assert mean_error(parts, moments) == pytest.approx(errors[-1], rel=1e-9)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_it_becomes_pca(moments, tied, orthogonal, ordered):
    network = linear(tied=tied, orthogonal=orthogonal, ordered=ordered)
    yardstick = Yardstick.of(moments.centred(), 3)
    reports = finish(network, moments.centred())
    closeness = yardstick.judge(network)
    assert abs(closeness.excess) < 1e-6
    assert closeness.angle < 0.05
    assert closeness.optimum == pytest.approx(1.25 / 36, rel=1e-4)
    assert closeness.loss == pytest.approx(reports[-1].loss, rel=1e-5)
    assert reports[0].loss > 2 * reports[-1].loss
    basis = network.decoder_basis()
    if orthogonal:
        np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-5)
    if ordered:
        cosines = (basis * yardstick.components).sum(axis=1) / np.linalg.norm(basis, axis=1)
        np.testing.assert_allclose(np.abs(cosines), 1, atol=1e-3)


def test_biases_learn_the_mean_and_without_them_it_is_missed(images, moments):
    yardstick = Yardstick.of(moments, 3)
    with_biases, without = linear(bias=True), linear()
    finish(with_biases, moments, steps=2000)
    finish(without, moments, steps=2000)
    assert abs(yardstick.judge(with_biases).excess) < 1e-5
    assert yardstick.judge(with_biases).angle < 0.1
    assert yardstick.judge(without).excess > 0.01
    error = np.square(with_biases.reconstruct(images) - images).mean()
    assert error == pytest.approx(yardstick.optimum, rel=1e-4)


def test_reports_are_spread_and_the_network_is_that_of_the_last(moments):
    network = linear()
    reports = finish(network, moments.centred(), steps=100, reports=4)
    assert [report.step for report in reports] == [0, 25, 50, 75, 100]
    assert all(report.steps == 100 for report in reports)
    assert sorted(report.seconds for report in reports) == [report.seconds for report in reports]
    stopped = linear()
    for report in train_linear(stopped, moments.centred(), LinearConfig(steps=100, reports=4)):
        if report.step == 50:
            break
    assert mean_error(linear_parts(stopped), moments.centred()) / 36 == pytest.approx(reports[2].loss, rel=1e-6)


def test_the_same_seed_gives_the_same(moments):
    losses = [[report.loss for report in finish(linear(), moments, steps=50, reports=5)] for _ in range(2)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "settings", [{"hidden": (8,)}, {"output": "sigmoid"}, {"hidden": (8,), "activation": "linear", "normalise": False}]
)
def test_only_a_linear_network_without_hidden_layers(moments, settings):
    for use in (train_linear, rotate_onto_components):
        with pytest.raises(ConfigError, match="without hidden layers"):
            use(linear(**settings), moments)


def test_what_does_not_fit_is_refused(moments):
    with pytest.raises(DataError, match=r"takes images of \(7, 7\)"):
        train_linear(linear(shape=(7, 7)), moments)
    with pytest.raises(ConfigError, match="cannot be set beside 2 components"):
        Yardstick.of(moments, 2).judge(linear())
    with pytest.raises(ConfigError, match="from 1 to 36"):
        Yardstick.of(moments, 37)
    with pytest.raises(ConfigError, match="steps is 0"):
        LinearConfig(steps=0)
    with pytest.raises(ConfigError, match="reports is 20"):
        LinearConfig(steps=10, reports=20)


def test_divergence_is_named_and_the_last_weights_stay(moments):
    huge = Moments(moments.mean, moments.covariance * 1e38, moments.count)
    network = linear()
    with pytest.raises(DivergedError, match="lower the learning rate"):
        finish(network, huge, learning_rate=10.0)
    assert np.isfinite(network.decoder_basis()).all()


# --- rotation


def test_the_rotation_finds_the_components_and_changes_nothing_else(images, moments):
    for settings in ({}, {"tied": True}, {"bias": True}):
        seen = moments if settings.get("bias") else moments.centred()
        given = images - (0 if settings.get("bias") else moments.mean.astype(np.float32))
        network = linear(**settings)
        finish(network, seen, steps=2000)
        before = network.decoder_basis().copy()
        rotated = rotate_onto_components(network, seen)
        pca = PCA.of_moments(moments, 3)
        np.testing.assert_allclose(rotated.decoder_basis(), pca.components, atol=2e-3)
        np.testing.assert_allclose(rotated.reconstruct(given), network.reconstruct(given), atol=1e-4)
        codes = rotated.encode(given)
        np.testing.assert_allclose(np.cov(codes.T, bias=True), np.diag([16, 9, 4]), atol=0.05)
        np.testing.assert_array_equal(network.decoder_basis(), before)
        assert np.abs(before - pca.components).max() > 0.05  # there was something to turn


def test_a_decoder_without_a_basis_cannot_be_rotated(moments):
    network = linear(tied=False)
    network.decoder[0].weight.data[:, 1] = network.decoder[0].weight.data[:, 0]
    with pytest.raises(DataError, match="not linearly independent"):
        rotate_onto_components(network, moments)


# --- the card's figures


def test_the_lopsided_variants_have_the_parameters_of_the_symmetric_one():
    counts = {name: build(config).parameter_count for name, (_, config) in VARIANTS.items()}
    for name in ("encoder", "decoder"):
        assert counts[name] == pytest.approx(counts["symmetric"], rel=0.01)
    assert counts["tied"] < 0.52 * counts["symmetric"]
    assert counts["no-biases"] < counts["symmetric"]


def test_the_cards_rows_on_digits_drawn_by_rule(tiny_digits):
    chosen = {name: LINEAR[name] for name in ("tied-orthogonal",)}
    ((name, row),) = prove(Moments.of(tiny_digits.images), chosen)
    assert name == "tied-orthogonal"
    assert abs(row["excess"]) < 1e-4
    assert row["parameters"] == 784 * 32
    assert row["rotated"] > 0.99
    parts = explained(Moments.of(tiny_digits.images))
    assert len(parts) == 784
    assert sum(parts) == pytest.approx(1, abs=1e-4)
    small = {"tied": ("tied", NetworkConfig(hidden=(8,), code=2, tied=True))}
    budget = type(BUDGET)(epochs=1, batch_size=50, valid_fraction=0.0)
    ((name, row),) = weigh_variants(tiny_digits.images, tiny_digits.images[:20], small, budget)
    assert row["parameters"] == build(small["tied"][1]).parameter_count
    assert 0 < row["mse"] < 1


def test_the_card_keeps_the_claim_and_tells_where_it_ends():
    card = read_card("pca")
    rows = card["equivalence"]
    assert list(rows) == list(LINEAR)
    for name in ("plain", "tied", "orthogonal", "tied-orthogonal", "nested", "biases"):
        assert abs(rows[name]["excess"]) <= CLAIMED_EXCESS
        assert rows[name]["angle"] <= CLAIMED_ANGLE
        assert rows[name]["rotated"] > 0.999
    assert rows["nested"]["in_order"] > 0.999 > 0.9 > rows["plain"]["in_order"]
    assert rows["mean-left-in"]["excess"] > 1e-4
    assert list(card["variants"]) == list(VARIANTS)
    assert card["variants"]["symmetric"]["parameters"] == build(VARIANTS["symmetric"][1]).parameter_count
    assert len(card["explained"]) == 784
    assert sum(card["explained"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.full
def test_the_claim_on_all_training_digits():
    """32 numbers, no biases, centred, by gradient alone: PCA's error to 1e-6, its subspace to 0.05 degrees."""
    moments = Moments.of(load_digits("train", os.environ["AECORE_DATA"], download=False).images)
    ((_, row),) = prove(moments, {"plain": LINEAR["plain"]})
    assert abs(row["excess"]) <= CLAIMED_EXCESS
    assert row["angle"] <= CLAIMED_ANGLE
    assert row["rotated"] > 0.9999
    assert row["mse"] == pytest.approx(read_card("pca")["equivalence"]["plain"]["mse"], rel=1e-6)
    assert row["in_order"] < 0.9  # found as a subspace, in no order
    assert row["cpu_seconds"] < 20  # 10 s on two cores
