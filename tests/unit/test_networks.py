"""The contract that every network passes; a new family is one line in NETWORKS."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aecore import ConfigError, DataError, NetworkConfig, TrainConfig, build, load, save, train
from aecore.networks import FAMILIES

NETWORKS = {
    "dense": NetworkConfig(hidden=(32,), code=6),
    "deep": NetworkConfig(hidden=(48, 24), code=4, activation="relu"),
    "asymmetric": NetworkConfig(hidden=(48,), decoder=(16, 24), code=5, activation="gelu"),
    "single layer": NetworkConfig(hidden=(), code=8),
    "no bias": NetworkConfig(hidden=(32,), code=6, bias=False),
    "tied": NetworkConfig(hidden=(32,), code=6, tied=True),
    "linear": NetworkConfig(hidden=(), code=6, output="linear", bias=False),
    "tied linear": NetworkConfig(hidden=(), code=6, output="linear", bias=False, tied=True),
    "orthogonal": NetworkConfig(hidden=(), code=6, output="linear", bias=False, orthogonal=True),
    "tied orthogonal": NetworkConfig(hidden=(), code=6, output="linear", bias=False, orthogonal=True, tied=True),
    "ordered": NetworkConfig(hidden=(32,), code=8, ordered=True),
    "ordered tied": NetworkConfig(hidden=(32,), code=8, ordered=True, tied=True),
    "conv": NetworkConfig(family="conv", channels=(4, 8), hidden=(32,), code=6),
    "shallow conv": NetworkConfig(family="conv", channels=(4,), hidden=(), code=6, normalise=False, activation="relu"),
    "unet": NetworkConfig(family="unet", channels=(4, 8), hidden=(16,), code=6, activation="relu"),
    "shallow unet": NetworkConfig(family="unet", channels=(4,), hidden=(), code=3, normalise=False),
    "ordered conv": NetworkConfig(family="conv", channels=(4, 8), hidden=(), code=8, ordered=True),
}


@pytest.fixture(params=NETWORKS, ids=lambda name: name.replace(" ", "-"))
def config(request):
    return NETWORKS[request.param]


def test_every_family_is_under_contract():
    assert {config.family for config in NETWORKS.values()} == set(FAMILIES)


def test_shapes_and_ranges(config, tiny_digits):
    network = build(config)
    codes = network.encode(tiny_digits.images)
    pictures = network.decode(codes)
    assert (codes.shape, codes.dtype) == ((200, network.code_size), np.float32)
    assert (pictures.shape, pictures.dtype) == ((200, 28, 28), np.float32)
    if config.output == "sigmoid":
        assert pictures.min() >= 0.0
        assert pictures.max() <= 1.0
    assert network.encode(tiny_digits.images[:0]).shape == (0, network.code_size)


def test_numpy_and_tensors_agree(config, tiny_digits):
    network = build(config, seed=3)
    images = tiny_digits.images[:7]
    with torch.no_grad():
        tensor = network(torch.from_numpy(images))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(network.reconstruct(images), tensor.numpy(), atol=1e-6)
    np.testing.assert_allclose(network.decode(network.encode(images)), tensor.numpy(), atol=1e-6)


def test_a_batch_is_no_more_than_its_images(config, tiny_digits):
    network = build(config, seed=3)
    together = network.reconstruct(tiny_digits.images[:5])
    alone = np.concatenate([network.reconstruct(tiny_digits.images[place : place + 1]) for place in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_seed_decides_the_weights_and_nothing_else_does(config):
    torch.manual_seed(99)
    before = torch.rand(1)
    torch.manual_seed(99)
    first, again, other = build(config, seed=1), build(config, seed=1), build(config, seed=2)
    assert torch.equal(torch.rand(1), before)  # the caller's random state is untouched
    weights, same, different = (list(network.state_dict().values()) for network in (first, again, other))
    assert all(torch.equal(left, right) for left, right in zip(weights, same, strict=True))
    assert not all(torch.equal(left, right) for left, right in zip(weights, different, strict=True))


def test_training_lowers_the_loss_and_repeats(config, tiny_digits):
    settings = TrainConfig(epochs=6, batch_size=20, learning_rate=5e-3, shift=1, precision="float32", seed=5)
    runs = []
    for _ in range(2):
        network = build(config, seed=0)
        runs.append([report.valid_loss for report in train(network, tiny_digits.images, settings)])
        assert not network.training
    assert runs[0][-1] < 0.9 * runs[0][0]
    assert runs[0] == pytest.approx(runs[1], rel=1e-4)


def test_saved_and_loaded_it_is_the_same(config, tiny_digits, tmp_path):
    network = build(config, seed=0)
    list(train(network, tiny_digits.images, TrainConfig(epochs=1, batch_size=50)))
    network.calibrate(tiny_digits.images)
    loaded = load(save(network, tmp_path / "mine", {"seed": 0}))
    assert loaded.config == config
    assert loaded.card == {"seed": 0}
    assert not loaded.training
    np.testing.assert_allclose(
        loaded.reconstruct(tiny_digits.images), network.reconstruct(tiny_digits.images), atol=0.01
    )
    np.testing.assert_array_equal(loaded.code_mean, network.code_mean)
    again = load(save(loaded, tmp_path / "again"))  # float16 loses only the first time
    np.testing.assert_array_equal(again.reconstruct(tiny_digits.images[:9]), loaded.reconstruct(tiny_digits.images[:9]))


def test_wrong_shapes_are_refused(config):
    network = build(config)
    with pytest.raises(DataError, match="takes images of shape"):
        network.encode(np.zeros((2, 14, 14), np.float32))
    with pytest.raises(DataError, match="takes images of shape"):
        network.encode(np.zeros((28, 28), np.float32))
    with pytest.raises(DataError, match="codes have shape"):
        network.decode(np.zeros((2, network.code_size + 1), np.float32))


def test_a_code_has_as_many_numbers_as_the_config_says_unless_skips_pass_it_by(config):
    network = build(config)
    if config.family != "unet":
        assert network.code_size == config.code
    else:  # the picture, 4 channels of 14x14, and 8 of 7x7 where there is a second level
        assert network.code_size == config.code + 784 + 4 * 196 + (8 * 49 if len(config.channels) == 2 else 0)


def test_without_noise_a_unet_learns_to_copy_even_what_it_has_never_seen(tiny_digits):
    network = build(NETWORKS["unet"])
    list(train(network, tiny_digits.images, TrainConfig(epochs=12, batch_size=20, learning_rate=5e-3, shift=2)))
    noise = np.random.default_rng(0).random((9, 28, 28), dtype=np.float32)
    copied = network.reconstruct(noise)
    assert np.square(copied - noise).mean() < 0.3 * noise.var()
    assert copied.min() >= 0.0
    assert copied.max() <= 1.0


def test_parameters_by_hand():
    # 784 -> 10 -> 3 -> 10 -> 784 with biases and a scale and shift a hidden unit.
    dense = build(NetworkConfig(hidden=(10,), code=3))
    assert dense.parameter_count == (784 * 10 + 10) + 20 + (10 * 3 + 3) + (3 * 10 + 10) + 20 + (10 * 784 + 784)
    tied = build(NetworkConfig(hidden=(10,), code=3, tied=True))
    assert tied.parameter_count == dense.parameter_count - 784 * 10 - 10 * 3
    assert build(NetworkConfig(hidden=(), code=3, bias=False, output="linear")).parameter_count == 2 * 784 * 3


def test_tied_weights_are_the_encoders_transposed(tiny_digits):
    network = build(NetworkConfig(hidden=(), code=4, tied=True, bias=False, output="linear"), seed=1)
    list(train(network, tiny_digits.images, TrainConfig(epochs=2, batch_size=50)))
    weight = network.encoder[0].weight.detach().numpy()  # (code, pixels)
    np.testing.assert_allclose(network.decoder_basis(), weight, atol=1e-6)
    assert not any(name.startswith("decoder") for name in network.state_dict())


def test_orthogonal_weights_stay_orthonormal_while_training(tiny_digits):
    network = build(NetworkConfig(hidden=(), code=4, orthogonal=True, bias=False, output="linear"), seed=1)
    before = network.decoder_basis()
    list(train(network, tiny_digits.images, TrainConfig(epochs=2, batch_size=50)))
    basis = network.decoder_basis()
    np.testing.assert_allclose(basis @ basis.T, np.eye(4), atol=1e-5)
    assert np.abs(basis - before).max() > 1e-3


def test_an_ordered_code_uses_its_first_k_numbers_only(tiny_digits):
    network = build(NETWORKS["ordered"], seed=0)
    list(train(network, tiny_digits.images, TrainConfig(epochs=2, batch_size=50)))
    codes = network.encode(tiny_digits.images[:5])
    garbled = codes.copy()
    garbled[:, 3:] = 1e3
    np.testing.assert_array_equal(network.decode(codes, 3), network.decode(garbled, 3))
    np.testing.assert_array_equal(network.decode(codes, 3), network.decode(codes[:, :3]))
    assert np.abs(network.decode(codes, 3) - network.decode(codes, 4)).max() > 1e-4
    np.testing.assert_array_equal(network.decode(codes), network.decode(codes, 8))
    each_its_own = network.decode(torch.from_numpy(codes), torch.tensor([1, 2, 3, 4, 8])).detach().numpy()
    np.testing.assert_allclose(each_its_own[2], network.decode(codes, 3)[2], atol=1e-6)


@pytest.mark.parametrize("k", [0, -1, 9])
def test_an_impossible_k_is_refused(k):
    with pytest.raises(ConfigError, match="from 1 to 8"):
        build(NETWORKS["ordered"]).decode(np.zeros((2, 8), np.float32), k)


def test_no_more_numbers_than_are_given():
    with pytest.raises(ConfigError, match="from 1 to 3, got 4"):
        build(NETWORKS["ordered"]).decode(np.zeros((2, 3), np.float32), 4)


def test_k_needs_an_ordered_code():
    network = build(NETWORKS["dense"])
    with pytest.raises(ConfigError, match="needs an ordered code"):
        network.decode(np.zeros((2, 6), np.float32), 3)
    assert network.decode(np.zeros((2, 6), np.float32), 6).shape == (2, 28, 28)


def test_only_a_linear_decoder_has_a_basis():
    with pytest.raises(ConfigError, match="only a linear decoder"):
        build(NETWORKS["dense"]).decoder_basis()


def test_many_images_come_back_in_order():
    network = build(NETWORKS["single layer"])
    images = np.random.default_rng(0).random((5000, 28, 28), dtype=np.float32)  # more than one chunk
    codes = network.encode(images)
    assert codes.shape == (5000, 8)
    np.testing.assert_allclose(codes[4500:4510], network.encode(images[4500:4510]), atol=1e-5)


def test_read_only_images_are_no_trouble(recwarn):
    images = np.zeros((2, 28, 28), np.float32)
    images.flags.writeable = False
    build(NETWORKS["dense"]).encode(images)
    assert not recwarn.list
