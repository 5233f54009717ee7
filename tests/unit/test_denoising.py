"""The figures on cards about noise: by hand, and end to end through the command line."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from aecore import DataError, NetworkConfig, TrainConfig, build, load, save
from aecore.__main__ import main
from aecore.datasets.mnist import Digits
from aecore.denoising import HEADLINES, best_filter, judge, noise_left, psnr, restorers, table
from aecore.filters import METHODS, STRENGTHS, Filters
from aecore.noise import NOISES
from aecore.pca import PCA
from aecore.recipes import RECIPES, TRAINED_NOISES
from tests.conftest import draw_digits

LINE = {"low": 0.0, "high": 1.0, "greys": [round(step / 8, 4) for step in range(9)]}  # greys as they are


def untuned() -> Filters:
    """Filters with fixed settings: what tuning gives, without the minutes it takes."""
    pca = PCA.fit(draw_digits(60).images, 8)
    shape = len(NOISES), len(STRENGTHS)
    settings = {
        name: {"parameters": dict(method.choices[0]) if method.choices else {}, **LINE, "psnr": float(place)}
        for place, (name, method) in enumerate(METHODS.items())
    }
    return Filters(
        tuned={noise: {str(strength): settings for strength in STRENGTHS} for noise in NOISES},
        basis=pca.components,
        mean=pca.mean,
        noisy_means=np.tile(pca.mean.ravel(), (*shape, 1)),
        ridge=np.tile(np.eye(8, dtype=np.float32), (*shape, 1, 1)),
        rest=np.zeros(shape, np.float32),
    )


@pytest.fixture
def tiny_models(tmp_path, monkeypatch):
    """Tiny stand-ins for all that the denoiser is compared with, and tiny recipes for itself."""
    folder = tmp_path / "models"
    monkeypatch.setattr("aecore.denoising.CURVE_DIGITS", 3)
    monkeypatch.setattr("aecore.denoising.LEFT_DIGITS", 6)
    monkeypatch.setenv("AECORE_MODELS", str(folder))
    save(untuned(), folder / "filters", {})
    save(build(NetworkConfig(hidden=(8,), code=4)), folder / "digits-32", {})
    short = TrainConfig(epochs=2, batch_size=20, valid_fraction=0.0, noise=TRAINED_NOISES, loss="log_mse")
    unet = NetworkConfig(family="unet", channels=(4,), hidden=(), code=4, activation="relu")
    for name, network in (("denoiser", unet), ("overcomplete", NetworkConfig(hidden=(), code=20, output="linear"))):
        training = short if name == "denoiser" else dataclasses.replace(short, noise=None)
        recipe = dataclasses.replace(RECIPES[name], network=network, training=training)
        monkeypatch.setitem(RECIPES, name, recipe)
    return folder


def test_noise_left_by_hand():
    clean = np.zeros((1, 2, 2))
    noisy = np.array([[[1.0, 0.0], [0.0, -1.0]]])
    assert noise_left(noisy, clean, clean, noisy) == 1.0  # handed through
    assert noise_left(clean, clean, clean, noisy) == 0.0  # taken out
    assert noise_left(clean + 0.3, clean + 0.3, clean, noisy) == 0.0  # wrong, but not because of the noise
    assert noise_left(0.5 * noisy + [[0, 1], [1, 0]], clean, clean, noisy) == 0.5  # other errors do not count
    with pytest.raises(DataError, match="no noise"):
        noise_left(clean, clean, clean, clean)


def test_a_perfect_picture_counts_as_sixty_decibels():
    images = draw_digits(2).images
    assert psnr(images, images).tolist() == [60.0, 60.0]
    assert psnr(images, images + np.float32(0.1)) == pytest.approx([20.0, 20.0], abs=1e-3)


def test_the_denoiser_is_judged_beside_all_others(tiny_models):
    images = draw_digits(12).images
    recipe = RECIPES["denoiser"]
    parts = list(judge(recipe, build(recipe.network), images))
    assert [part for part, _ in parts] == sorted(part for part, _ in parts)
    assert parts[-1][0] == 1.0
    figures = parts[-1][1]
    assert set(figures["headlines"]) == set(HEADLINES)
    for headline in figures["headlines"].values():
        assert headline["digits"] == 12
        assert list(headline["methods"]) == ["noisy", "plain", "denoiser", *METHODS]
        assert headline["methods"]["noisy"]["noise_left"] == 1.0
    curves = figures["curves"]
    assert set(curves["noises"]) == set(NOISES)
    assert {noise for noise, result in curves["noises"].items() if result["trained"]} == set(TRAINED_NOISES)
    for result in curves["noises"].values():
        for lines in result["methods"].values():
            assert len(lines["psnr"]) == len(lines["ssim"]) == len(STRENGTHS)
    noisy = curves["noises"]["gaussian"]["methods"]["noisy"]["psnr"]
    assert noisy == sorted(noisy, reverse=True)
    assert curves["digits"] == 3
    text = "\n".join(table(figures))
    assert "Gaussian, strength 0.5, 12 test digits" in text
    assert "Non-local means" in text
    json.dumps(figures, allow_nan=False)


def test_others_have_shorter_cards(tiny_models):
    images = draw_digits(6).images
    for name, model, methods in (
        ("filters", load("filters"), ["noisy", *METHODS]),
        ("overcomplete", build(RECIPES["overcomplete"].network), ["noisy", "overcomplete"]),
    ):
        *_, (_, figures) = judge(RECIPES[name], model, images)
        assert list(figures["headlines"]["gaussian"]["methods"]) == methods
        assert "curves" not in figures
        assert list(restorers(RECIPES[name], model)) == methods


def test_the_best_filter_is_no_network():
    methods = {name: {"psnr": [10.0, 1.0]} for name in ("noisy", "denoiser")} | {
        "median": {"psnr": [5.0, 6.0]},
        "tv": {"psnr": [6.0, 5.0]},
    }
    assert best_filter(methods, place=0) == "tv"
    assert best_filter(methods, place=1) == "median"


@pytest.mark.parametrize("name", ["denoiser", "overcomplete"])
def test_the_command_line_trains_judges_and_recomputes(tiny_models, monkeypatch, capsys, name):
    drawn = draw_digits(40)
    digits = Digits(images=drawn.images, labels=drawn.labels, source="mnist", split="test")
    monkeypatch.setattr("aecore.__main__.load_digits", lambda *_, **__: digits)
    assert main(["train", name, "--json"]) == 0
    card = json.loads(capsys.readouterr().out)[name]
    assert card["parameters"] == load(name).parameter_count
    assert "sizes" not in card
    assert main(["evaluate", name, "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)[name]
    assert checked["headlines"] == card["headlines"]  # to the last digit: the card judges what is on disk
    assert checked.get("curves") == card.get("curves")
    assert main(["evaluate", name]) == 0
    assert "Salt and pepper, strength 0.3, 40 test digits" in capsys.readouterr().out
