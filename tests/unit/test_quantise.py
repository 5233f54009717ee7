from __future__ import annotations

import numpy as np
import pytest

from aecore import PCA, ConfigError, NetworkConfig, build
from aecore.quantise import BEST_STEP, quantise

ZERO, ONE = np.zeros(1, np.float32), np.ones(1, np.float32)


@pytest.mark.parametrize("bits", range(1, 9))
def test_so_many_levels_and_no_more(bits):
    values = np.linspace(-6, 6, 5001, dtype=np.float32)[:, None]
    levels = np.unique(quantise(values, bits, ZERO, ONE))
    assert len(levels) == 2**bits
    np.testing.assert_allclose(levels, -levels[::-1], atol=1e-6)  # symmetric around the mean


@pytest.mark.parametrize("bits", range(1, 9))
def test_the_step_is_the_best_for_a_normal_distribution(bits):
    """Max 1960: a step 5 % wider or narrower loses more on a normal distribution."""
    values = np.linspace(-7, 7, 200_001)[:, None].astype(np.float32)
    density = np.exp(-(values[:, 0].astype(np.float64) ** 2) / 2)

    def loss(factor):
        return (density * (values - quantise(values, bits, ZERO, ONE * factor))[:, 0] ** 2).sum()

    assert loss(1.0) < loss(1.05)
    assert loss(1.0) < loss(0.95)
    assert BEST_STEP[bits] > 0


def test_mean_and_spread_are_respected():
    values = np.array([[10.0, -1.0], [10.1, 1.0]], np.float32)
    rounded = quantise(values, 8, np.array([10, 0], np.float32), np.array([0.1, 1], np.float32))
    np.testing.assert_allclose(rounded[:, 0], values[:, 0], atol=0.002)
    np.testing.assert_allclose(rounded[:, 1], values[:, 1], atol=0.02)


@pytest.mark.parametrize("bits", [0, 9, 2.5, "8"])
def test_impossible_bits_are_refused(bits):
    with pytest.raises(ConfigError, match="1 to 8"):
        quantise(np.zeros((1, 1), np.float32), bits, ZERO, ONE)


def test_networks_and_pca_lose_less_with_more_bits(tiny_digits):
    network = build(NetworkConfig(hidden=(32,), code=6))
    network.calibrate(tiny_digits.images)
    for model in (network, PCA.fit(tiny_digits.images, 6)):
        codes = model.encode(tiny_digits.images)
        losses = [float(np.square(model.quantise(codes, bits) - codes).mean()) for bits in (2, 4, 8)]
        assert losses[0] > losses[1] > losses[2]
        assert losses[2] < 1e-2 * float(codes.var())
