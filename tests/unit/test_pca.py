from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA as SklearnPCA

from aecore import PCA, ConfigError, DataError, load, save


def test_rank_two_images_are_kept_by_two_numbers():
    random = np.random.default_rng(0)
    basis = random.random((2, 49))
    images = (random.normal(size=(50, 2)) @ basis + random.random(49)).reshape(50, 7, 7).astype(np.float32)
    pca = PCA.fit(images, 2)
    np.testing.assert_allclose(pca.reconstruct(images), images, atol=1e-5)
    assert pca.explained_variance_ratio.sum() == pytest.approx(1.0, abs=1e-6)


def test_the_same_as_scikit_learn(tiny_digits):
    pca = PCA.fit(tiny_digits.images, 10)
    rival = SklearnPCA(10, svd_solver="full").fit(tiny_digits.images.reshape(200, -1).astype(np.float64))
    np.testing.assert_allclose(pca.explained_variance_ratio, rival.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(pca.components * rival.components_, axis=1)), 1.0, atol=1e-4)
    expected = rival.inverse_transform(rival.transform(tiny_digits.images.reshape(200, -1)))
    np.testing.assert_allclose(pca.reconstruct(tiny_digits.images).reshape(200, -1), expected, atol=1e-4)


def test_components_are_orthonormal_and_ordered(tiny_digits):
    pca = PCA.fit(tiny_digits.images, 12)
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(12), atol=1e-5)
    assert (np.diff(pca.variances) <= 0).all()
    assert (pca.components[np.arange(12), np.abs(pca.components).argmax(axis=1)] > 0).all()


def test_the_first_k_numbers_are_a_code_of_their_own(tiny_digits):
    pca, smaller = PCA.fit(tiny_digits.images, 8), PCA.fit(tiny_digits.images, 3)
    codes = pca.encode(tiny_digits.images)
    np.testing.assert_allclose(pca.decode(codes, 3), smaller.reconstruct(tiny_digits.images), atol=1e-4)
    np.testing.assert_array_equal(pca.decode(codes, 3), pca.decode(codes[:, :3]))


def test_saved_and_loaded_it_is_nearly_the_same(tiny_digits, tmp_path):
    pca = PCA.fit(tiny_digits.images, 5)
    loaded = load(save(pca, tmp_path / "pca", {"k": 5}))
    assert isinstance(loaded, PCA)
    assert loaded.card == {"k": 5}
    np.testing.assert_allclose(loaded.reconstruct(tiny_digits.images), pca.reconstruct(tiny_digits.images), atol=5e-3)
    np.testing.assert_allclose(loaded.explained_variance_ratio, pca.explained_variance_ratio, rtol=1e-6)


def test_impossible_requests_are_refused(tiny_digits):
    with pytest.raises(ConfigError, match="from 1 to 784"):
        PCA.fit(tiny_digits.images, 785)
    with pytest.raises(DataError, match="at least 2 images"):
        PCA.fit(tiny_digits.images[:1], 1)
    pca = PCA.fit(tiny_digits.images, 3)
    with pytest.raises(DataError, match="takes images of shape"):
        pca.encode(np.zeros((1, 14, 14), np.float32))
    with pytest.raises(DataError, match="cannot decode 4 numbers"):
        pca.decode(np.zeros((1, 3), np.float32), 4)
