"""The models in models/: all there, small enough, and as good on the full test set as their cards say."""

from __future__ import annotations

import dataclasses
import functools
import json
import os

import numpy as np
import pytest

from aecore import (
    Autoencoder,
    DataError,
    Filters,
    TrainConfig,
    add_noise,
    load,
    load_digits,
    load_movies,
    load_ratings,
    read_card,
    ssim,
)
from aecore.checkpoints import WEIGHTS, models_folder
from aecore.denoising import SEED, psnr, restorers
from aecore.evaluation import evaluate
from aecore.filters import STRENGTHS
from aecore.movie_card import MovieRecipe, parameters, watched
from aecore.pca import PCA
from aecore.recipes import GROUPS, LARGEST_CODE, MOVIES, RECIPES
from aecore.recommenders import ease, fit_biases, svd_embedding
from aecore.taste import SimilarJudge, rmse, split_ratings, split_users
from scripts.model_table import figures_table, making_table, movies_tables, noise_table

MEGABYTE = 1_000_000
LIMITS = {**dict.fromkeys(GROUPS["digits"], 4 * MEGABYTE), "ordered": 2.5 * MEGABYTE, "pca": 0.5 * MEGABYTE}
LIMITS |= dict.fromkeys(("filters", "denoiser", "overcomplete"), 4 * MEGABYTE)
SIZED = [name for name, recipe in RECIPES.items() if recipe.judged == "sizes"]


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
    assert [int(k) for k in card.get("sizes", ())] == list(recipe.sizes)
    if recipe.network is None:
        assert isinstance(model, Filters if name == "filters" else PCA)
    else:
        assert isinstance(model, Autoencoder)
        assert model.config == recipe.network
        assert TrainConfig.from_dict(card["training"]) == recipe.training
        assert card["parameters"] == model.parameter_count


@pytest.mark.full
@pytest.mark.parametrize("name", SIZED)
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


@pytest.mark.full
@pytest.mark.parametrize("name", ["denoiser", "overcomplete"])
def test_the_card_about_noise_tells_the_truth(name):
    """The networks' own figures, on all 10,000 test digits; at other noises on the digits of the card's curves."""
    recipe, model, card = RECIPES[name], load(name), read_card(name)
    methods = restorers(recipe, model)
    images = digits("test").images
    headline = card["headlines"]["gaussian"]
    noisy = add_noise(images, "gaussian", headline["strength"], SEED)
    for method in {"noisy", "plain", "median", name} & set(methods):
        restored = methods[method](noisy, "gaussian", headline["strength"])
        figures = headline["methods"][method]
        assert psnr(images, restored).mean() == pytest.approx(figures["psnr"], rel=1e-3)
        assert ssim(images, restored).mean() == pytest.approx(figures["ssim"], rel=2e-3)
    for noise, curve in card.get("curves", {"noises": {}})["noises"].items():
        clean = images[: card["curves"]["digits"]]
        for place in (2, 6):
            noisy = add_noise(clean, noise, STRENGTHS[place], SEED)
            for method in ("denoiser", "ridge"):
                restored = methods[method](noisy, noise, STRENGTHS[place])
                value = curve["methods"][method]["psnr"][place]
                assert psnr(clean, restored).mean() == pytest.approx(value, rel=1e-3), (noise, place, method)


def test_the_denoiser_beats_every_filter():
    for headline in read_card("denoiser")["headlines"].values():
        methods = headline["methods"]
        ours = methods.pop("denoiser")
        assert ours["psnr"] > max(rival["psnr"] for rival in methods.values()) + 1.5
        assert ours["ssim"] > max(rival["ssim"] for rival in methods.values()) + 0.05
        assert abs(ours["noise_left"]) < 0.1


def test_the_overcomplete_network_hands_the_noise_through():
    card = read_card("overcomplete")
    assert card["clean"]["psnr"] > 30
    for headline in card["headlines"].values():
        assert headline["methods"]["overcomplete"]["noise_left"] > 0.9
        assert headline["methods"]["overcomplete"]["psnr"] < headline["methods"]["noisy"]["psnr"] + 1


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
    assert noise_table() in readme, "python -m scripts.model_table prints the tables anew"
    assert figures_table() in readme, "python -m scripts.model_table prints the tables anew"
    assert movies_tables() in readme, "python -m scripts.model_table prints the tables anew"
    assert making_table() in readme, "python -m scripts.model_table prints the tables anew"


# ---------------------------------------------------------------------------------------------------------------------
# Movies
# ---------------------------------------------------------------------------------------------------------------------


@functools.cache
def ratings():
    try:
        return load_ratings(download=False)
    except DataError as error:
        pytest.skip(f"needs MovieLens: {error}")


def test_the_movies_are_there_small_and_made_by_their_recipe():
    movies, card, recipe = load_movies(), read_card(MOVIES), MovieRecipe()
    folder = models_folder() / MOVIES
    assert sum(file.stat().st_size for file in folder.iterdir()) < 25 * MEGABYTE
    assert movies.embeddings.shape == (card["data"]["movies"], card["dimensions"])
    assert card["dimensions"] <= 128
    assert card["training"] == json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert card["parameters"] == sum(parameters(recipe, (card["data"]["users"], card["data"]["movies"])))
    assert (
        sum(part.size for part in movies.user_model.arrays().values())
        == parameters(recipe, (card["data"]["users"], card["data"]["movies"]))[1]
    )
    assert movies.support.sum() == card["data"]["ratings"]
    assert set(movies.rivals) == {"cosine", "svd", "ease"}


def test_the_card_of_the_movies_tells_the_truth_where_that_is_quick():
    """Raw cosine, SVD, popularity and the biases, which train in no time; `evaluate movies` measures everything."""
    card, recipe, everything = read_card(MOVIES), MovieRecipe(), ratings()
    training, held_out = split_users(everything.matrix.shape[0], recipe.seed)
    seen, unseen = everything.matrix[training], everything.matrix[held_out]
    judge = SimilarJudge.of(everything.movies, seen, unseen, recipe.seed)
    n = len(judge.catalogue)
    found = {
        "cosine": judge.judge_embedding(seen.T.toarray()),
        "svd": judge.judge_embedding(svd_embedding(seen, 128)),
        "popularity": judge.judge(np.broadcast_to(judge.popularity, (n, n))),
    }
    for method, figures in found.items():
        for figure, value in figures.items():
            assert value == pytest.approx(card["similar"][method][figure], rel=1e-2), (method, figure)
    kept, taken = split_ratings(everything.matrix, recipe.seed)
    predicted = fit_biases(kept, *recipe.biases).at(taken.rows, taken.columns)
    assert rmse(predicted, taken.stars) == pytest.approx(card["rating"]["biases"]["rmse"], rel=1e-4)


def test_the_shipped_movies_were_made_from_the_ratings():
    movies, everything = load_movies(), ratings()
    assert [movie.id for movie in movies.movies] == [movie.id for movie in everything.movies]
    np.testing.assert_array_equal(movies.support, everything.support)
    weights = ease(watched(everything.matrix), MovieRecipe().ease_similar).weights(np.array([0]))[0]
    nearest = movies.rivals["ease"].indices[0, 0]
    assert movies.rivals["ease"].scores[0, 0] == pytest.approx(weights[nearest], rel=2e-3)


def test_the_movies_embedding_beats_every_rival_of_its_size():
    rows = dict(read_card(MOVIES)["similar"])
    ours = rows.pop("autoencoder")
    assert ours["dimensions"] <= 128
    for method, figures in rows.items():
        for figure in ("recall@20", "mrr", "pmauc"):
            assert ours[figure] > figures[figure], (method, figure)


def test_the_mask_is_what_makes_the_stars():
    card = read_card(MOVIES)
    assert card["mask"]["unmasked"]["mean"] < 1.5 < 3 < card["mask"]["masked"]["mean"]
    errors = {method: row["rmse"] for method, row in card["rating"].items()}
    assert errors["together"] < 0.845
    assert errors["masked"] < min(errors["als"], errors["svd"], errors["biases"])
    assert errors["unmasked"] > 2


def test_one_star_pushes_down_what_is_like_it():
    movies = load_movies()
    liked = {"The Matrix": 5, "Pulp Fiction": 5, "Forrest Gump": 4.5, "Toy Story": 4}
    (reason,) = [one for one in movies.why("Aliens", {**liked, "Alien": 1}) if one.stars == 1]
    assert reason.contribution < 0
