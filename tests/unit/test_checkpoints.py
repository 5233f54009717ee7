from __future__ import annotations

import json

import numpy as np
import pytest

import aecore
from aecore import CheckpointError, ModelNotFoundError, NetworkConfig, build, load, read_card, save, shipped_names
from aecore.checkpoints import CARD, CONFIG, WEIGHTS

SMALL = NetworkConfig(hidden=(8,), code=3)


@pytest.fixture
def folder(tmp_path):
    return save(build(SMALL), tmp_path / "mine", {"mse": 0.5})


def test_all_three_files_and_nothing_left_behind(folder):
    assert sorted(path.name for path in folder.iterdir()) == [CARD, CONFIG, WEIGHTS]
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]
    assert json.loads((folder / CARD).read_text()) == {"mse": 0.5}
    assert json.loads((folder / CONFIG).read_text())["network"]["code"] == 3


def test_saving_again_replaces_the_model(folder):
    save(build(NetworkConfig(hidden=(8,), code=5)), folder)
    assert load(folder).config.code == 5
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_failed_save_leaves_the_old_model(folder):
    with pytest.raises(ValueError, match="JSON"):
        save(build(NetworkConfig(hidden=(8,), code=5)), folder, {"mse": float("nan")})
    assert load(folder).config.code == 3
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_other_peoples_folders_are_not_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(CheckpointError, match="not a model folder"):
        save(build(SMALL), tmp_path)
    with pytest.raises(CheckpointError, match="not a model folder"):
        save(build(SMALL), tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_float16_on_disk_float32_in_memory(folder):
    from safetensors.numpy import load_file

    assert load_file(folder / WEIGHTS)["encoder.0.weight"].dtype == np.float16
    assert {str(value.dtype) for value in load(folder).state_dict().values()} == {"torch.float32"}


def test_shipped_models_load_by_name(folder, monkeypatch):
    monkeypatch.setenv("AECORE_MODELS", str(folder.parent))
    assert shipped_names() == ["mine"]
    assert load("mine").config == SMALL
    assert read_card("mine") == {"mse": 0.5}
    with pytest.raises(ModelNotFoundError, match=r"no model 'yours'.*mine"):
        load("yours")


def test_without_any_model_the_message_says_how_to_get_some(tmp_path, monkeypatch):
    monkeypatch.setenv("AECORE_MODELS", str(tmp_path / "nowhere"))
    assert shipped_names() == []
    with pytest.raises(ModelNotFoundError, match="make models"):
        load("digits-32")


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, CARD])
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_every_damage_is_told_not_thrown(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "garbage": b"\xff\x00garbage" * 9, "empty": b""}[damage])
    with pytest.raises(CheckpointError):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "update aecore"),
        ({"network": {**SMALL.to_dict(), "code": 4}}, "do not fit"),
        ({"network": {**SMALL.to_dict(), "hidden": [8, 8]}}, "differing parts"),
        ({"network": {**SMALL.to_dict(), "code": -1}}, "-1 units"),
        ({"network": {"depth": 2}}, "no setting depth"),
        ({"network": None}, "do not fit"),
    ],
)
def test_a_config_that_does_not_fit_is_told(folder, change, message):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=message):
        load(folder)


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    network = build(SMALL)
    network.encoder[0].weight.data[0, 0] = float("nan")
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        load(save(network, tmp_path / "mine"))


def test_loading_never_unpickles(folder):
    """A pickle in place of the weights is refused, not run."""
    import pickle

    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('the pickle was run')",))

    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError):
        load(folder)


def test_the_public_names_are_there():
    for name in aecore.__all__:
        assert getattr(aecore, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        aecore.lode  # noqa: B018
