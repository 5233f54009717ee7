from __future__ import annotations

import numpy as np
import pytest
import torch

from aecore import ConfigError, DataError, DivergedError, NetworkConfig, TrainConfig, TrainingError, build, train
from aecore.noise import add_noise
from aecore.training import _Batches, _damage, _NestedDropout, bfloat16_is_faster, schedule

SMALL = NetworkConfig(hidden=(16,), code=4)


def test_a_report_an_epoch(tiny_digits):
    reports = list(train(build(SMALL), tiny_digits.images, TrainConfig(epochs=3, batch_size=32)))
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert all(report.epochs == 3 and report.images_per_second > 0 for report in reports)
    assert reports[0].seconds_left > 0
    assert reports[-1].seconds_left == 0
    assert reports[0].best


def test_break_stops_cleanly(tiny_digits):
    network = build(SMALL)
    for report in train(network, tiny_digits.images, TrainConfig(epochs=1000, batch_size=32)):
        if report.epoch == 2:
            break
    assert not network.training
    assert network.reconstruct(tiny_digits.images).shape == (200, 28, 28)


def test_closing_in_the_middle_leaves_evaluation_mode(tiny_digits):
    network = build(SMALL)
    steps = train(network, tiny_digits.images, TrainConfig(epochs=5, batch_size=32))
    next(steps)
    network.train()
    steps.close()
    assert not network.training


def test_validation_images_are_never_trained_on(tiny_digits):
    """With a tenth of nonsense held out by hand, the weights are those of training without it."""
    images = tiny_digits.images[:100]
    nonsense = np.ones((10, 28, 28), np.float32)
    weights = []
    for valid in (nonsense, images[:10]):
        network = build(SMALL)
        reports = list(train(network, images, TrainConfig(epochs=1, batch_size=25), valid_images=valid))
        weights.append(network.encoder[0].weight.detach().clone())
    assert torch.equal(*weights)
    assert reports[0].valid_loss is not None


def test_without_validation_there_is_no_validation_loss(tiny_digits):
    report = next(train(build(SMALL), tiny_digits.images, TrainConfig(epochs=1, valid_fraction=0.0)))
    assert report.valid_loss is None
    assert report.best


def test_early_stopping_waits_for_its_patience(tiny_digits):
    # A learning rate next to nothing: the loss hardly falls, and on garbage it does not fall for ever.
    noise = np.random.default_rng(0).random((60, 28, 28), dtype=np.float32)
    config = TrainConfig(epochs=400, batch_size=10, learning_rate=0.02, patience=3, seed=1)
    reports = list(train(build(NetworkConfig(hidden=(64,), code=32)), noise, config))
    assert len(reports) < 400
    losses = [report.valid_loss for report in reports]
    assert min(losses) == losses[-4]
    assert [report.best for report in reports[-4:]] == [True, False, False, False]


def test_nan_is_named_and_the_pixels_checked(tiny_digits):
    config = TrainConfig(epochs=30, batch_size=20, learning_rate=10.0, warmup=0.0, precision="float32")
    linear = NetworkConfig(hidden=(), code=4, output="linear")
    images = tiny_digits.images * np.float32(1e25)  # finite, but their squares are not
    with pytest.raises(DivergedError, match="lower the learning rate"):
        list(train(build(linear), images, config))
    assert issubclass(DivergedError, TrainingError)
    with pytest.raises(DataError, match="NaN or infinite pixels"):
        train(build(SMALL), np.full((9, 28, 28), np.nan, np.float32))


def test_wrong_images_are_refused_before_the_first_epoch():
    with pytest.raises(DataError, match="needs images of shape"):
        train(build(SMALL), np.zeros((9, 784), np.float32))
    with pytest.raises(DataError, match="at least 2"):
        train(build(SMALL), np.zeros((1, 28, 28), np.float32))


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="not on this machine"):
        train(build(SMALL), np.zeros((9, 28, 28), np.float32), TrainConfig(device="cuda"))


def test_bfloat16_learns_too(tiny_digits):
    config = TrainConfig(epochs=8, batch_size=20, precision="bfloat16")
    reports = list(train(build(SMALL), tiny_digits.images, config))
    assert reports[-1].train_loss < 0.5 * reports[0].train_loss
    assert isinstance(bfloat16_is_faster(), bool)


def test_the_learning_rate_rises_then_falls_to_zero():
    assert schedule(0.0, 0.1) == pytest.approx(0.01, abs=0.001)
    assert schedule(0.1, 0.1) == 1.0
    assert schedule(0.55, 0.1) == pytest.approx(0.5)
    assert schedule(1.0, 0.1) == pytest.approx(0.0)
    assert schedule(0.0, 0.0) == 1.0


def test_an_epoch_shows_every_image_once():
    images = torch.arange(12.0).repeat_interleave(4).reshape(12, 2, 2)
    batches = _Batches(images, TrainConfig(batch_size=4), torch.Generator().manual_seed(0))
    seen = torch.cat(list(batches.epoch()))
    assert len(batches) == 3
    assert sorted(seen[:, 0, 0].tolist()) == list(range(12))
    assert not torch.equal(seen, torch.cat(list(batches.epoch())))  # another order each epoch


def test_shifts_move_by_up_to_so_many_pixels_and_fill_with_background():
    dot = torch.zeros(900, 28, 28)
    dot[:, 14, 14] = 1.0
    batches = _Batches(dot, TrainConfig(batch_size=900, shift=1), torch.Generator().manual_seed(0))
    moved = next(batches.epoch())
    assert moved.shape == (900, 28, 28)
    assert moved.sum(dim=(1, 2)).tolist() == [1.0] * 900
    places = moved.sum(dim=0)
    assert (places[13:16, 13:16] > 60).all()  # nine moves, about 100 times each
    assert places[13:16, 13:16].sum() == 900
    assert torch.equal(next(batches.epoch(shifted=False)), dot)
    edge = torch.zeros(300, 28, 28)
    edge[:, 0, 0] = 1.0
    leftover = next(_Batches(edge, TrainConfig(batch_size=300, shift=1), torch.Generator().manual_seed(0)).epoch())
    assert 0 < leftover.sum() < 300  # some left the field, none came back on the other side
    assert leftover[:, 2:, :].sum() == leftover[:, :, 2:].sum() == 0


def test_shifts_end_when_told(tiny_digits, monkeypatch):
    asked = []
    original = _Batches.epoch
    monkeypatch.setattr(
        _Batches, "epoch", lambda self, *, shifted: asked.append(shifted) or original(self, shifted=shifted)
    )
    list(train(build(SMALL), tiny_digits.images, TrainConfig(epochs=10, batch_size=90, shift=1, shift_until=0.7)))
    assert asked == [True] * 7 + [False] * 3


def test_nested_dropout_draws_every_size_small_ones_more_often():
    nested = _NestedDropout(8, torch.Generator().manual_seed(0), torch.device("cpu"))
    drawn = torch.bincount(nested.draw(20_000), minlength=9)
    assert drawn[0] == 0
    assert (drawn[1:] > 800).all()
    assert drawn[1] > 2 * drawn[8]
    # log-uniform over [1, 9): P(k) = log((k + 1) / k) / log(9)
    expected = torch.log(torch.arange(2.0, 10) / torch.arange(1.0, 9)) / np.log(9)
    assert torch.allclose(drawn[1:] / 20_000, expected.float(), atol=0.015)


def test_nested_dropout_balances_sizes_by_their_usual_error():
    nested = _NestedDropout(2, torch.Generator(), torch.device("cpu"))
    errors, k = torch.tensor([4.0, 4.0, 1.0, 1.0]), torch.tensor([1, 1, 2, 2])
    assert nested.balance(errors, k).item() == pytest.approx(2.5)  # each is as usual: the mean error
    worse = nested.balance(torch.tensor([8.0, 8.0, 1.0, 1.0]), k)
    assert worse.item() == pytest.approx((8 / 4.08 + 1) / 2 * (4.08 + 1) / 2, rel=1e-4)


def test_an_ordered_network_keeps_more_with_more_numbers(tiny_digits):
    network = build(NetworkConfig(hidden=(64,), code=8, ordered=True))
    list(train(network, tiny_digits.images, TrainConfig(epochs=60, batch_size=50)))
    codes = network.encode(tiny_digits.images)
    errors = [float(np.square(network.decode(codes, k) - tiny_digits.images).mean()) for k in (1, 2, 8)]
    assert errors[0] > errors[1] > errors[2]


def test_with_noise_the_network_learns_the_clean_picture_not_the_one_it_sees(tiny_digits):
    """Trained without noise it hands the noise through; trained with noise, as long and as large, it takes it out."""
    config = NetworkConfig(family="unet", channels=(8, 16), hidden=(32,), code=16, activation="relu")
    noisy = add_noise(tiny_digits.images, "salt_and_pepper", 0.3, seed=7)
    errors = {}
    for noise in (None, "salt_and_pepper"):
        network = build(config)
        settings = TrainConfig(epochs=15, batch_size=20, learning_rate=5e-3, noise=noise, loss="log_mse", seed=1)
        reports = list(train(network, tiny_digits.images, settings))
        errors[noise] = float(np.square(network.reconstruct(noisy) - tiny_digits.images).mean())
    assert errors["salt_and_pepper"] < 0.3 * errors[None]
    assert reports[-1].valid_loss > 0.2 * errors["salt_and_pepper"]  # watched on noisy pictures too


def test_noise_is_drawn_anew_for_each_batch_and_the_same_again_for_the_same_seed():
    damage = [_damage(TrainConfig(noise="gaussian"), np.random.default_rng(seed)) for seed in (0, 0, 1)]
    images = torch.full((4, 28, 28), 0.5)
    first, again, other = (one(images) for one in damage)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, damage[0](images))
    assert torch.equal(images, torch.full((4, 28, 28), 0.5))


def test_the_logarithm_of_the_error_lets_faint_damage_count(tiny_digits):
    """Of two errors, the small one weighs as much as the large one: after as many steps it is smaller than by MSE."""
    errors = {}
    for loss in ("mse", "log_mse"):
        network = build(NetworkConfig(family="unet", channels=(8,), hidden=(), code=8, activation="relu"))
        config = TrainConfig(epochs=10, batch_size=20, learning_rate=5e-3, noise="gaussian", loss=loss, seed=2)
        list(train(network, tiny_digits.images, config))
        faint = add_noise(tiny_digits.images, "gaussian", 0.15, seed=3)
        errors[loss] = float(np.square(network.reconstruct(faint) - tiny_digits.images).mean())
    assert errors["log_mse"] < errors["mse"]
