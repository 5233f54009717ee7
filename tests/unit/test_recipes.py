from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aecore import PCA, ConfigError, NetworkConfig, TrainConfig
from aecore.__main__ import main
from aecore.datasets.mnist import Digits
from aecore.evaluation import evaluate, measure, write_card
from aecore.recipes import GROUPS, RECIPES, cook, find_recipes

ROOT = Path(__file__).resolve().parents[2]


def finish(steps):
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as finished:
            return finished.value, reports


@pytest.fixture
def tiny_recipe():
    return dataclasses.replace(
        RECIPES["digits-4"],
        network=NetworkConfig(hidden=(16,), code=4),
        training=TrainConfig(epochs=2, batch_size=20, valid_fraction=0.0),
    )


def test_the_table_names_each_model_once_and_fits_its_card():
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert bool(recipe.sizes) == (recipe.judged == "sizes")
        if recipe.network is not None:
            assert max(recipe.sizes, default=recipe.network.code) == recipe.network.code
            assert recipe.training.valid_fraction == 0.0  # shipped models train on all 55,000
    assert find_recipes("digits-8") == (RECIPES["digits-8"],)
    assert [recipe.name for recipe in find_recipes("digits")] == [f"digits-{k}" for k in (2, 4, 8, 16, 32, 64)]
    assert set(GROUPS["all"]) == set(RECIPES)


def test_a_bad_name_lists_the_good_ones():
    with pytest.raises(ConfigError, match=r"no recipe 'digit-8'; take one of digits-2.*ordered.*all"):
        find_recipes("digit-8")


def test_cooking_trains_and_calibrates(tiny_recipe, tiny_digits):
    network, reports = finish(cook(tiny_recipe, tiny_digits.images))
    assert [report.epoch for report in reports] == [1, 2]
    np.testing.assert_allclose(network.code_mean, network.encode(tiny_digits.images).mean(axis=0), atol=1e-5)
    pca, reports = finish(cook(RECIPES["pca"], tiny_digits.images))
    assert isinstance(pca, PCA)
    assert not reports


def test_measured_by_hand(tiny_digits):
    """One code number of images that vary in one direction: PCA keeps all of it; of zero information, none."""
    images = (np.linspace(0, 1, 30)[:, None, None] * np.ones((28, 28))).astype(np.float32)
    figures = measure(PCA.fit(images, 1), images, images.mean(axis=0), 1, percentiles=True)
    assert figures["mse"] == pytest.approx(0.0, abs=1e-9)
    assert figures["information_kept"] == pytest.approx(1.0)
    assert figures["ssim"] == pytest.approx(1.0, abs=1e-4)
    assert len(figures["mse_percentiles"]) == 101


def test_a_card_tells_what_anyone_can_check(tiny_recipe, tiny_digits):
    network, _ = finish(cook(tiny_recipe, tiny_digits.images))
    sizes = dict(evaluate(tiny_recipe, network, PCA.fit(tiny_digits.images, 64), tiny_digits.images))
    card = write_card(tiny_recipe, network, sizes, train_count=200, test_count=200, seconds=1.0, cpu_seconds=2.0)
    judged, rival = card["sizes"]["4"]["model"], card["sizes"]["4"]["pca"]
    assert judged["mse_percentiles"] == sorted(judged["mse_percentiles"])
    assert rival["mse"] == pytest.approx(
        measure(PCA.fit(tiny_digits.images, 64), tiny_digits.images, tiny_digits.images.mean(axis=0), 4)["mse"]
    )
    assert card["parameters"] == network.parameter_count
    assert card["training"]["epochs"] == 2
    assert "evaluate digits-4" in card["check"]
    json.dumps(card, allow_nan=False)


@pytest.fixture
def offline(tiny_recipe, tiny_digits, tmp_path, monkeypatch):
    """The command line on synthetic digits, tiny recipes and a models folder of its own."""
    digits = Digits(images=tiny_digits.images, labels=tiny_digits.labels, source="mnist", split="test")
    monkeypatch.setattr("aecore.__main__.load_digits", lambda *_, **__: digits)
    monkeypatch.setitem(RECIPES, "digits-4", tiny_recipe)
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path / "models"))


def test_the_command_line_trains_and_evaluates(offline, capsys):
    assert main(["download"]) == 0
    assert "200 test digits are there" in capsys.readouterr().out
    assert main(["list"]) == 0
    assert "trained" not in capsys.readouterr().out
    assert main(["train", "digits-4", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["digits-4"]
    assert main(["evaluate", "digits-4", "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)["digits-4"]
    assert checked["sizes"] == card["sizes"]  # to the last digit: the card judges what is on disk
    assert main(["evaluate", "digits-4"]) == 0
    assert "4 numbers" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipes"]["digits-4"]["trained"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["evaluate", "nothing"], "take one of digits-2"), (["evaluate", "ordered"], "no model 'ordered'")],
)
def test_errors_are_a_line_on_stderr(offline, capsys, arguments, message):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_a_reader_who_has_had_enough_sees_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    found = subprocess.run(
        [sys.executable, "-m", "aecore", "list"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writer)
    assert (found.returncode, found.stderr) == (0, "")
