"""Each noise does what it says, in the strength it says, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from aecore import ConfigError, DataError, add_noise
from aecore.noise import NOISES, mixed_noise

RANDOM = [name for name in NOISES if name != "blur"]


@pytest.fixture(params=NOISES)
def name(request):
    return request.param


def grey(count=400, value=0.5):
    return np.full((count, 28, 28), value, np.float32)


def test_strength_nought_changes_nothing_and_strength_one_nearly_everything(name, tiny_digits):
    images = tiny_digits.images
    np.testing.assert_array_equal(add_noise(images, name, 0.0), images)
    spread = float(np.square(images - images.mean(axis=0)).mean())
    assert np.square(add_noise(images, name, 1.0) - images).mean() > 0.5 * spread


def test_damage_grows_with_strength(name, tiny_digits):
    errors = [np.square(add_noise(tiny_digits.images, name, s) - tiny_digits.images).mean() for s in (0.05, 0.3, 0.7)]
    assert 0 <= errors[0] < errors[1] < errors[2]
    assert errors[0] < 0.03  # barely visible


def test_it_stays_a_picture_and_leaves_the_original_alone(name, tiny_digits):
    images = tiny_digits.images.copy()
    for strength in (0.1, 0.5, 1.0):
        noisy = add_noise(images, name, strength, seed=3)
        assert (noisy.shape, noisy.dtype) == (images.shape, np.float32)
        assert noisy.min() >= 0.0
        assert noisy.max() <= 1.0
    np.testing.assert_array_equal(images, tiny_digits.images)


def test_the_seed_decides(name, tiny_digits):
    first, again, other = (add_noise(tiny_digits.images, name, 0.5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) is (name == "blur")  # nothing about it is random


def test_each_picture_takes_its_own_strength(name, tiny_digits):
    """In a batch of mixed strengths a picture is damaged as in a batch of its own strength."""
    images = tiny_digits.images[:3]
    mixed = add_noise(images, name, np.array([0.0, 0.4, 0.9], np.float32), seed=5)
    for place, strength in enumerate((0.0, 0.4, 0.9)):
        np.testing.assert_allclose(mixed[place], add_noise(images, name, strength, seed=5)[place], atol=1e-6)


def test_no_pictures_are_no_trouble(name):
    assert add_noise(np.zeros((0, 28, 28), np.float32), name, 0.5).shape == (0, 28, 28)


@pytest.mark.parametrize(("strength", "deviation"), [(0.5, 0.5), (0.2, 0.08)])
def test_gaussian_noise_has_its_standard_deviation(strength, deviation):
    noisy = add_noise(grey(), "gaussian", strength)
    inside = noisy[(noisy > 0) & (noisy < 1)] - 0.5
    if deviation < 0.1:
        assert inside.std() == pytest.approx(deviation, rel=0.01)
    # P(|n| < 0.5) for the normal distribution: 0.6827 at one standard deviation
    assert len(inside) / noisy.size == pytest.approx(0.6827 if deviation == 0.5 else 1.0, abs=0.005)


def test_salt_and_pepper_takes_its_share_half_of_it_white():
    noisy = add_noise(grey(), "salt_and_pepper", 0.3)
    assert (noisy == 1).mean() == pytest.approx(0.15, abs=0.005)
    assert (noisy == 0).mean() == pytest.approx(0.15, abs=0.005)
    assert (noisy == 0.5).mean() == pytest.approx(0.7, abs=0.005)


def test_masking_takes_its_share_to_black():
    noisy = add_noise(grey(), "masking", 0.4)
    assert (noisy == 0).mean() == pytest.approx(0.4, abs=0.005)
    assert (noisy == 0.5).mean() == pytest.approx(0.6, abs=0.005)


def test_the_black_square_is_one_square_inside_the_picture():
    noisy = add_noise(grey(300), "occlusion", 0.25, seed=1)
    starts = set()
    for picture in noisy:
        rows, columns = np.flatnonzero((picture == 0).any(axis=1)), np.flatnonzero((picture == 0).any(axis=0))
        assert len(rows) == len(columns) == 7
        assert (picture[rows[0] : rows[0] + 7, columns[0] : columns[0] + 7] == 0).all()
        assert (picture == 0).sum() == 49
        starts.add((int(rows[0]), int(columns[0])))
    assert len(starts) > 150  # anywhere
    assert {0, 21} <= {start for pair in starts for start in pair}  # up to the edges


def test_speckle_has_mean_one_and_spares_black():
    dark = grey(value=0.05)
    assert add_noise(dark, "speckle", 0.2).mean() == pytest.approx(0.05, rel=0.01)
    assert not add_noise(grey(value=0.0), "speckle", 1.0).any()


def test_blur_is_a_bell_of_its_width():
    dot = np.zeros((1, 28, 28), np.float32)
    dot[0, 14, 14] = 1.0
    blurred = add_noise(dot, "blur", 0.5)[0]  # two pixels
    assert blurred.sum() == pytest.approx(1.0, abs=1e-4)
    assert blurred[14, 16] / blurred[14, 14] == pytest.approx(np.exp(-0.5), rel=1e-4)
    np.testing.assert_allclose(blurred, blurred.T, atol=1e-6)
    edge = np.zeros((1, 28, 28), np.float32)
    edge[0, 0, 14] = 1.0
    assert add_noise(edge, "blur", 0.5).sum() == pytest.approx(0.6, abs=0.02)  # the rest fell over the edge


def test_stripes_are_a_plane_wave():
    wave = add_noise(grey(20), "stripes", 0.2, seed=4) - 0.5
    assert np.abs(wave).max() == pytest.approx(0.3, abs=0.02)
    power = np.abs(np.fft.fft2(wave)) ** 2
    top = np.sort(power.reshape(20, -1), axis=1)[:, -12:].sum(axis=1)
    assert (top / power.sum(axis=(1, 2)) > 0.7).all()  # a few frequencies hold nearly all of it


def test_scratches_are_bright_lines_right_across():
    scratched = add_noise(np.zeros((200, 28, 28), np.float32), "scratches", 1 / 12)  # one line
    assert (scratched.max(axis=(1, 2)) > 0.7).all()
    assert 15 < np.median(scratched.sum(axis=(1, 2))) < 60
    assert add_noise(grey(50, 1.0), "scratches", 1.0).min() == 1.0  # they only brighten


def test_mixed_noise_draws_each_name_and_twice_as_often_where_it_stands_twice():
    images = grey(3000, 1.0)
    damaged = mixed_noise(images, ("masking", "occlusion", "masking"), np.random.default_rng(0))
    rows = (damaged == 0).any(axis=2).mean(axis=1)
    square = np.array([(p == 0).sum() in {n * n for n in range(29)} and (p[p.any(axis=1)] == 0).any() for p in damaged])
    assert damaged.dtype == np.float32
    assert 0.2 < square.mean() < 0.45
    assert rows.std() > 0.1  # strengths differ


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_an_impossible_strength_is_refused(strength):
    with pytest.raises(ConfigError, match=r"lies in \[0, 1\]"):
        add_noise(grey(1), "gaussian", strength)


def test_an_unknown_noise_and_a_single_picture_are_refused():
    with pytest.raises(ConfigError, match="no noise 'rain'; take one of gaussian"):
        add_noise(grey(1), "rain", 0.5)
    with pytest.raises(DataError, match="shape"):
        add_noise(np.zeros((28, 28), np.float32), "gaussian", 0.5)
