from __future__ import annotations

import json

import pytest

from aecore import ConfigError, NetworkConfig, TrainConfig
from aecore.config import NOISE_NAMES
from aecore.noise import NOISES


def test_a_config_survives_json():
    config = NetworkConfig(hidden=(64, 32), decoder=(16,), code=3, activation="relu", bias=False)
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    training = TrainConfig(epochs=3, betas=(0.8, 0.9), patience=2)
    assert TrainConfig.from_dict(json.loads(json.dumps(training.to_dict()))) == training


def test_the_decoder_mirrors_the_encoder_unless_told_otherwise():
    assert NetworkConfig(hidden=(5, 4)).decoder_sizes == (4, 5)
    assert NetworkConfig(hidden=(5, 4), decoder=()).decoder_sizes == ()


@pytest.mark.parametrize(
    ("settings", "linear"),
    [
        ({"hidden": (), "output": "linear"}, True),
        ({"hidden": (), "output": "sigmoid"}, False),
        ({"hidden": (9,), "activation": "linear", "normalise": False, "output": "linear"}, True),
        ({"hidden": (9,), "activation": "linear", "normalise": True, "output": "linear"}, False),
        ({"hidden": (9,), "activation": "relu", "normalise": False, "output": "linear"}, False),
        ({"hidden": (), "decoder": (9,), "output": "linear"}, False),
        ({"hidden": (), "decoder": (9,), "activation": "linear", "output": "linear"}, False),  # layer normalisation
    ],
)
def test_linear_means_that_no_layer_bends(settings, linear):
    assert NetworkConfig(code=2, **settings).is_linear is linear


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"code": 0}, "0 units"),
        ({"code": 2.5}, "2.5 units"),
        ({"hidden": (10**9,)}, "whole numbers from 1"),
        ({"hidden": 512}, "give a tuple"),
        ({"activation": "swish"}, "take one of silu"),
        ({"family": "transformer"}, "take one of conv, dense, unet"),
        ({"output": "tanh"}, "take one of linear, sigmoid"),
        ({"family": "conv"}, "no channels"),
        ({"family": "conv", "channels": (4, 4, 4)}, "fewer channels"),
        ({"family": "conv", "channels": (4,), "tied": True}, "dense"),
        ({"channels": (4,)}, "family='conv'"),
        ({"family": "unet"}, "a unet network has no channels"),
        ({"family": "unet", "channels": (4, 4, 4)}, "fewer channels"),
        ({"family": "unet", "channels": (4,), "ordered": True}, "pass its code by"),
        ({"tied": True, "decoder": (3,)}, "mirrors the encoder"),
    ],
)
def test_an_impossible_network_is_refused_with_the_reason(settings, message):
    with pytest.raises(ConfigError, match=message):
        NetworkConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": True}, "epochs is True"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"warmup": 1.5}, "warmup is 1.5"),
        ({"shift": 20}, "shift is 20"),
        ({"valid_fraction": 0.0, "patience": 3}, "patience watches"),
        ({"noise": "rain"}, "take None, 'all', or some of gaussian"),
        ({"noise": ("gaussian", "rain")}, "take None, 'all', or some of gaussian"),
        ({"noise": ()}, "take None, 'all', or some of gaussian"),
        ({"noise": 3}, "take None, 'all', or some of gaussian"),
        ({"loss": "bce"}, "take one of log_mse, mse"),
        ({"device": "tpu"}, "take one of auto"),
        ({"precision": "float16"}, "take one of auto"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_absurd_training_is_refused_with_the_reason(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**settings)


def test_noise_is_named_alone_in_a_list_or_all_at_once():
    assert TrainConfig().noise is None
    assert TrainConfig(noise="blur").noise == ("blur",)
    assert TrainConfig(noise=["blur", "blur", "masking"]).noise == ("blur", "blur", "masking")
    assert TrainConfig(noise="all").noise == NOISE_NAMES == tuple(NOISES)
    config = TrainConfig(noise=("gaussian", "speckle"), loss="log_mse")
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    before = {name: value for name, value in TrainConfig().to_dict().items() if name not in ("noise", "loss")}
    assert TrainConfig.from_dict(before) == TrainConfig()  # cards from before there was noise


def test_an_unknown_setting_is_named():
    with pytest.raises(ConfigError, match="no setting depth"):
        NetworkConfig.from_dict({"depth": 3})
