"""The models in models/: all there, small enough, and as good on the full test set as their cards say."""

from __future__ import annotations

import functools
import json
import os

import numpy as np
import pytest

from aecore import Autoencoder, load, load_digits, read_card
from aecore.checkpoints import WEIGHTS, models_folder
from aecore.evaluation import evaluate
from aecore.pca import PCA
from aecore.recipes import GROUPS, LARGEST_CODE, RECIPES
from scripts.model_table import figures_table, making_table

MEGABYTE = 1_000_000
LIMITS = {**dict.fromkeys(GROUPS["digits"], 4 * MEGABYTE), "ordered": 2.5 * MEGABYTE, "pca": 0.5 * MEGABYTE}


@functools.cache
def digits(split):
    return load_digits(split, os.environ["AECORE_DATA"], download=False)


@functools.cache
def fitted_pca():
    return PCA.fit(digits("train").images, LARGEST_CODE)


@pytest.mark.parametrize("name", RECIPES)
def test_it_is_there_small_and_made_by_its_recipe(name):
    recipe, card, model = RECIPES[name], read_card(name), load(name)
    assert (models_folder() / name / WEIGHTS).stat().st_size < LIMITS[name]
    assert [int(k) for k in card["sizes"]] == list(recipe.sizes)
    if recipe.network is None:
        assert isinstance(model, PCA)
    else:
        assert isinstance(model, Autoencoder)
        assert model.config == recipe.network
        assert card["training"] == json.loads(json.dumps(recipe.training.to_dict()))
        assert card["parameters"] == model.parameter_count


@pytest.mark.full
@pytest.mark.parametrize("name", RECIPES)
def test_the_card_tells_the_truth(name):
    """All 10,000 test digits, all figures of the card; of an ordered code's 64 sizes, seven."""
    recipe = RECIPES[name]
    sizes = tuple(k for k in (1, 2, 4, 8, 16, 32, 64) if k in recipe.sizes)
    card = read_card(name)["sizes"]
    model = load(name)
    rival = model if isinstance(model, PCA) else fitted_pca()
    for k, figures in evaluate(recipe, model, rival, digits("test").images, sizes=sizes):
        for side in ("model", "pca"):
            for figure, value in figures[side].items():
                assert value == pytest.approx(card[str(k)][side][figure], rel=1e-3), (k, side, figure)


@pytest.mark.parametrize("name", GROUPS["digits"])
def test_the_autoencoder_keeps_more_than_pca(name):
    (figures,) = read_card(name)["sizes"].values()
    assert figures["model"]["mse"] < 0.75 * figures["pca"]["mse"]
    assert figures["model"]["ssim"] > figures["pca"]["ssim"]


def test_the_ordered_code_keeps_more_with_every_number():
    errors = [figures["model"]["mse"] for figures in read_card("ordered")["sizes"].values()]
    assert len(errors) == 64
    assert (np.diff(errors) < 0.001).all()  # each further number helps, or costs next to nothing
    assert errors[63] < errors[31] < errors[15] < errors[7] < errors[3] < errors[1] < errors[0]


def test_the_sample_is_reconstructed_as_well_as_test_digits():
    """What the app shows offline was held out too: an error far below the test set's would be a leak."""
    sample = load_digits("sample").images
    error = float(np.square(load("digits-32").reconstruct(sample) - sample).mean())
    assert error == pytest.approx(read_card("digits-32")["sizes"]["32"]["model"]["mse"], rel=0.15)


def test_the_readme_beside_them_shows_the_cards():
    readme = (models_folder() / "README.md").read_text(encoding="utf-8")
    assert figures_table() in readme, "python -m scripts.model_table prints the tables anew"
    assert making_table() in readme, "python -m scripts.model_table prints the tables anew"
