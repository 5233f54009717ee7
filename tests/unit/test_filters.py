"""The classical filters: each takes noise out, tuned they do better, and they survive being saved."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from aecore import ConfigError, DataError, add_noise, load, psnr, save
from aecore.filters import METHODS, STRENGTHS, _calibrated, _fit_ridge, grey_map, tune, tune_method
from tests.conftest import draw_digits


@pytest.fixture(scope="module")
def tuned():
    """Filters tuned on 600 synthetic digits, for two noises at one strength."""
    patch = pytest.MonkeyPatch()
    patch.setattr("aecore.filters.STRENGTHS", (0.3,))
    patch.setattr("aecore.filters.TUNED_ON", 6)
    few = {
        name: noise
        for name, noise in __import__("aecore.noise").noise.NOISES.items()
        if name in ("gaussian", "salt_and_pepper")
    }
    patch.setattr("aecore.filters.NOISES", few)
    *_, (done, total, filters) = tune(draw_digits(600).images)
    assert done == total == 2
    yield filters
    patch.undo()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", ["gaussian", "salt_and_pepper"])
def test_it_takes_noise_out_of_digits_it_was_not_tuned_on(tuned, method, noise):
    clean = draw_digits(60, seed=9).images
    noisy = add_noise(clean, noise, 0.3, seed=1)
    restored = tuned.denoise(noisy, noise, 0.3, method)
    assert (restored.shape, restored.dtype) == (clean.shape, np.float32)
    assert restored.min() >= 0.0
    assert restored.max() <= 1.0
    assert psnr(clean, restored).mean() > psnr(clean, noisy).mean() + 1


def test_the_best_is_the_one_that_did_best_on_training_digits(tuned):
    noisy = add_noise(draw_digits(5).images, "gaussian", 0.5)
    settings = tuned.settings("gaussian", 0.5)
    best = max(METHODS, key=lambda name: settings[name]["psnr"])
    assert tuned.best("gaussian", 0.5) == best
    np.testing.assert_array_equal(tuned.denoise(noisy, "gaussian", 0.5), tuned.denoise(noisy, "gaussian", 0.5, best))


def test_saved_and_loaded_they_do_the_same(tuned, tmp_path):
    noisy = add_noise(draw_digits(5).images, "gaussian", 0.5)
    loaded = load(save(tuned, tmp_path / "filters", {"seed": 0}))
    assert loaded.card == {"seed": 0}
    assert loaded.tuned == tuned.tuned
    assert loaded.parameter_count == tuned.parameter_count
    for method in METHODS:
        np.testing.assert_allclose(
            loaded.denoise(noisy, "gaussian", 0.5, method), tuned.denoise(noisy, "gaussian", 0.5, method), atol=0.01
        )


def test_what_they_do_not_know_is_refused(tuned):
    images = draw_digits(2).images
    with pytest.raises(ConfigError, match="no filter 'magic'"):
        tuned.denoise(images, "gaussian", 0.5, "magic")
    with pytest.raises(ConfigError, match="no noise 'rain'"):
        tuned.denoise(images, "rain", 0.5)
    with pytest.raises(ConfigError, match=r"lies in \[0, 1\]"):
        tuned.denoise(images, "gaussian", 1.5)
    with pytest.raises(DataError, match="shape"):
        tuned.denoise(images[0], "gaussian", 0.5)
    with pytest.raises(DataError, match="at least 500"):
        next(tune(images))


def test_tuning_takes_the_best_choice():
    clean = draw_digits(12).images
    noisy = add_noise(clean, "gaussian", 0.3)
    method = METHODS["tv"]
    settings = tune_method(clean, noisy, method)
    assert settings["parameters"] in method.choices
    for choice in method.choices:
        assert settings["psnr"] >= _calibrated(clean, method.apply(noisy, **choice))["psnr"]


def test_the_map_of_greys_lifts_a_veil_and_more():
    """A picture under a veil comes back; so does one whose greys were bent."""
    clean = draw_digits(40).images
    for spoilt in (0.4 + 0.2 * clean, np.sqrt(clean)):
        settings = _calibrated(clean, spoilt.astype(np.float32))
        back = grey_map(spoilt.astype(np.float32), settings)
        assert np.square(back - clean).mean() < 1e-3
    flat = np.full_like(clean, 0.3)
    assert grey_map(flat, _calibrated(clean, flat)).mean() == pytest.approx(clean.mean(), abs=0.02)


def test_ridge_regression_finds_a_linear_map():
    random = np.random.default_rng(0)
    basis = np.eye(4, 6, dtype=np.float32)
    weights = random.standard_normal((4, 4)).astype(np.float32)
    seen, watched = (random.standard_normal((n, 6)).astype(np.float32) for n in (500, 200))
    targets = np.concatenate([watched[:, :4] @ weights, 0.5 * watched[:, 4:]], axis=1)
    found, rest = _fit_ridge(seen[:, :4], seen[:, :4] @ weights, watched, targets, basis)
    np.testing.assert_allclose(found, weights, atol=0.01)
    assert rest == pytest.approx(0.5, abs=1e-3)


def test_the_settings_of_the_nearest_strength_are_used(tuned):
    settings = tuned.tuned["gaussian"]["0.3"]
    more = dataclasses.replace(tuned, tuned={"gaussian": {"0.1": {}, "0.5": settings, "0.6": {"magic": {}}}})
    assert [len(more.settings("gaussian", s)) for s in (0.0, 0.29, 0.31, 0.54, 0.56, 1.0)] == [0, 0, 5, 5, 1, 1]
    with pytest.raises(ConfigError, match=r"lies in \[0, 1\]"):
        more.settings("gaussian", float("nan"))
    assert STRENGTHS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
