"""Batch normalisation by one kernel: the same as of Keras, and as in the paper; needs the train extra."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    import keras

    from emotion.models.training import networks

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def test_a_network_learns_with_the_fused_batch_norm():
    norms = [
        layer for layer in networks.build("lips").layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert {type(layer) for layer in norms} == {networks.FusedBatchNormalization}


def batch_norm_in_float64(images, gradient, gamma, beta, epsilon):
    """Outputs, the batch's mean and variance, and gradients by images, gamma and beta, as in the paper."""
    images, gradient = images.astype(np.float64), gradient.astype(np.float64)
    mean, variance = images.mean(axis=(0, 1, 2)), images.var(axis=(0, 1, 2))
    spread = np.sqrt(variance + epsilon)
    normal = (images - mean) / spread
    by_gamma, by_beta = (gradient * normal).sum(axis=(0, 1, 2)), gradient.sum(axis=(0, 1, 2))
    count = images[..., 0].size
    by_images = gamma / spread * (gradient - (by_beta + normal * by_gamma) / count)
    return normal * gamma + beta, mean, variance, by_images, by_gamma, by_beta


# Few values show a variance that is biased otherwise; many are what a network has.
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (4, 6, 8, 16)])
@pytest.mark.parametrize(
    "kind", [networks.FusedBatchNormalization, keras.layers.BatchNormalization], ids=["fused", "keras"]
)
def test_batch_norm_is_the_same_by_one_kernel_and_by_keras(kind, shape):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images, gradient = (rng.normal(1, 2, shape).astype(np.float32) for _ in range(2))
    gamma, beta, before, spread_before = (rng.uniform(0.5, 2, shape[-1]).astype(np.float32) for _ in range(4))
    layer = kind(momentum=0.9, epsilon=1e-3)
    layer.build(shape)
    layer.set_weights([gamma, beta, before, spread_before])
    given = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(given)
        outputs = layer(given, training=True)
        loss = tf.reduce_sum(outputs * gradient)
    by = tape.gradient(loss, [given, layer.gamma.value, layer.beta.value])
    expected, mean, variance, *by_expected = batch_norm_in_float64(images, gradient, gamma, beta, 1e-3)
    # In whatever order float32 adds n numbers, it errs by less than n times its precision times the sum
    # of their sizes; a few such sums follow one another here.
    count = images[..., 0].size
    error = 4 * count * np.finfo(np.float32).eps

    def same(ours, theirs, size):
        np.testing.assert_allclose(np.asarray(ours), theirs, rtol=0, atol=error * size)

    same(outputs, expected, np.abs(expected).max())
    same(layer.moving_mean, 0.9 * before + 0.1 * mean, np.abs(images).mean())
    same(layer.moving_variance, 0.9 * spread_before + 0.1 * variance, np.square(images).mean())
    by_images, by_gamma, by_beta = zip(by, by_expected, strict=True)
    same(*by_images, np.abs(by_expected[0]).max())
    same(*by_gamma, np.abs(gradient * (expected - beta) / gamma).sum(axis=(0, 1, 2)).max())
    same(*by_beta, np.abs(gradient).sum(axis=(0, 1, 2)).max())
