from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from aecore import ConfigError, DataError, code_bytes, information_kept, mse, png_bytes, psnr, ssim


def test_mse_and_psnr_by_hand():
    black, grey = np.zeros((2, 28, 28)), np.stack([np.full((28, 28), 0.1), np.zeros((28, 28))])
    np.testing.assert_allclose(mse(black, grey), [0.01, 0.0])
    np.testing.assert_allclose(psnr(black, grey), [20.0, np.inf])


def test_ssim_of_flat_images_is_the_luminance_term():
    # Without any texture SSIM is (2ab + C1) / (a² + b² + C1).
    flat, other = np.full((1, 28, 28), 0.2), np.full((1, 28, 28), 0.6)
    assert ssim(flat, other)[0] == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), rel=1e-9)


def test_ssim_in_its_slowest_form():
    """Window by window, as Wang et al. 2004 write it."""
    random = np.random.default_rng(0)
    x, y = random.random((2, 13, 12))
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for row in range(3):
        for column in range(2):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            top = (2 * mean_a * mean_b + 1e-4) * (2 * both + 9e-4)
            values.append(top / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))
    assert ssim(x[None], y[None])[0] == pytest.approx(np.mean(values), rel=1e-9)


def test_ssim_falls_with_noise(tiny_digits):
    noise = np.random.default_rng(0).normal(size=tiny_digits.images.shape)
    scores = [ssim(tiny_digits.images, tiny_digits.images + s * noise).mean() for s in (0.0, 0.05, 0.3)]
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] > scores[1] > scores[2]


def test_information_kept_is_one_zero_or_below(tiny_digits):
    images, mean = tiny_digits.images, tiny_digits.images.mean(axis=0)
    assert information_kept(images, images, mean) == 1.0
    assert information_kept(images, np.broadcast_to(mean, images.shape), mean) == pytest.approx(0.0, abs=1e-6)
    assert information_kept(images, 1 - images, mean) < 0
    with pytest.raises(DataError, match="no variance"):
        information_kept(np.zeros((2, 3, 3)), np.zeros((2, 3, 3)), np.zeros((3, 3)))


def test_bytes_of_codes_and_pictures():
    assert code_bytes(64, 8) == 64
    assert code_bytes(1, 2) == 1
    assert code_bytes(5, 3) == 2  # 15 bits
    with pytest.raises(ConfigError, match="at least one number"):
        code_bytes(0, 8)
    assert png_bytes(np.zeros((28, 28), np.float32)) < 100  # nothing on it
    noise = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    assert png_bytes(noise) > 784  # noise does not compress


def test_a_png_of_that_size_holds_the_image(tiny_digits):
    buffer = io.BytesIO()
    grey = np.rint(tiny_digits.images[0] * 255).astype(np.uint8)
    Image.fromarray(grey).save(buffer, format="PNG", optimize=True)
    assert png_bytes(tiny_digits.images[0]) == len(buffer.getvalue())


def test_shapes_must_agree():
    for metric in (mse, psnr, ssim):
        with pytest.raises(DataError, match="must both have shape"):
            metric(np.zeros((1, 28, 28)), np.zeros((2, 28, 28)))
    with pytest.raises(DataError, match="11x11"):
        ssim(np.zeros((1, 8, 8)), np.zeros((1, 8, 8)))
