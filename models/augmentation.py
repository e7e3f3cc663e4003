"""What a camera, a codec and a careless landmark do to a crop, done to a batch in TensorFlow.

Every draw comes from a seed that names the run and the step, never from a hidden state: a run
that is killed and resumed sees the same pictures as one that is not.
"""

from typing import Any

import tensorflow as tf

# Spread of the random similarity transform: landmark jitter, and faces that are not average.
ROTATION = 0.15  # radians
SCALE = 0.1
SHIFT = 0.05  # of the crop's height
GAMMA = 0.25  # in log units
CONTRAST = 0.12
NOISE = 3.0  # gray levels
# Shares of the pictures that are flipped, coarsened (a face far away) or partly covered.
FLIP = 0.5
COARSE = 0.1
COVERED = 0.08


@tf.function  # type: ignore[untyped-decorator]  # TensorFlow ships no types
def augment(images: Any, margin: int, size: tuple[int, int], seed: Any) -> tuple[Any, Any]:
    """Random views of crops, at the size that is trained on.

    Args:
        images: uint8 (n, h, w), crops with their margin.
        margin: pixels of `images` around the crop proper.
        size: (height, width) of the result.
        seed: int32 (2,): one for a run, one for a step.

    Returns:
        float32 (n, height, width, 1) in gray levels 0 to 255 with 0 outside the face, and
        bool (n,): which are mirrored (left and right blendshapes change places there).
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 8))
    count = tf.shape(images)[0]
    flipped = tf.random.stateless_uniform((count,), seeds[0]) < FLIP
    pixels = tf.cast(images, tf.float32)[..., None]
    x = _warp(pixels, margin, size, flipped, seeds[1])
    face = tf.cast(x > 4.0, tf.float32)
    x = _coarsen(x, seeds[2])
    x = _tone(x, seeds[3])
    x += (
        NOISE
        * tf.random.stateless_uniform((count, 1, 1, 1), seeds[4])
        * tf.random.stateless_normal(tf.shape(x), seeds[5])
    )
    x = tf.clip_by_value(x, 5.0, 255.0) * face
    return _cover(x, seeds[6]), flipped


def resize(images: Any, margin: int, size: tuple[int, int]) -> Any:
    """Crops without their margin at another size, unaugmented: float32 (n, height, width, 1)."""
    inner = tf.cast(
        images[:, margin : images.shape[1] - margin, margin : images.shape[2] - margin, None], tf.float32
    )
    if inner.shape[1:3] == size:
        return inner
    return tf.image.resize(inner, size, antialias=True)


def _warp(images: Any, margin: int, size: tuple[int, int], flipped: Any, seed: Any) -> Any:
    """Resample each picture through a random similarity transform about its middle.

    The picture's margin is beyond the result's edge until rotation, scale or shift bring it in.
    """
    count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    draws = tf.random.stateless_normal((4, count), seed)
    draws = tf.clip_by_value(draws, -2.5, 2.5) / 1.5
    angle, scale = ROTATION * draws[0], tf.exp(SCALE * draws[1])
    inner = height - 2 * margin
    step = scale * (inner / size[0])  # crop pixels a result pixel, in rows and columns alike
    mirror = tf.where(flipped, -1.0, 1.0)
    a, b = step * tf.cos(angle), step * tf.sin(angle)
    middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    centre_x = (width - 1) / 2 + SHIFT * inner * draws[2]
    centre_y = (height - 1) / 2 + SHIFT * inner * draws[3]
    x0 = centre_x - (a * mirror * middle_x - b * middle_y)
    y0 = centre_y - (b * mirror * middle_x + a * middle_y)
    zero = tf.zeros_like(a)
    transforms = tf.stack([a * mirror, -b, x0, b * mirror, a, y0, zero, zero], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.constant(size, tf.int32),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _coarsen(x: Any, seed: Any) -> Any:
    """Some pictures at a half or a third of their resolution, as a face far away or out of focus."""
    count, height, width = tf.shape(x)[0], x.shape[1], x.shape[2]
    half = tf.image.resize(tf.image.resize(x, (height // 2, width // 2), antialias=True), (height, width))
    third = tf.image.resize(tf.image.resize(x, (height // 3, width // 3), antialias=True), (height, width))
    draw = tf.random.stateless_uniform((count, 1, 1, 1), seed)
    return tf.where(draw < COARSE / 2, half, tf.where(draw < COARSE, third, x))


def _tone(x: Any, seed: Any) -> Any:
    """Gamma and a slope of light across the face: exposure, display and side light."""
    draws = tf.random.stateless_normal((3, tf.shape(x)[0], 1, 1, 1), seed)
    x = 255.0 * tf.pow(tf.clip_by_value(x / 255.0, 0.0, 1.0), tf.exp(GAMMA * draws[0]))
    across = tf.reshape(tf.linspace(-1.0, 1.0, x.shape[2]), (1, 1, -1, 1))
    down = tf.reshape(tf.linspace(-1.0, 1.0, x.shape[1]), (1, -1, 1, 1))
    return x * (1.0 + CONTRAST * (draws[1] * across + draws[2] * down))


def _cover(x: Any, seed: Any) -> Any:
    """Paint a random even box over some pictures: a hand, hair, a mask, glasses."""
    count, height, width = tf.shape(x)[0], x.shape[1], x.shape[2]
    draws = tf.random.stateless_uniform((6, count, 1, 1, 1), seed)
    rows = tf.reshape(tf.range(height, dtype=tf.float32), (1, -1, 1, 1)) / height
    columns = tf.reshape(tf.range(width, dtype=tf.float32), (1, 1, -1, 1)) / width
    box = tf.logical_and(
        tf.abs(rows - draws[0]) < 0.1 + 0.15 * draws[1], tf.abs(columns - draws[2]) < 0.1 + 0.15 * draws[3]
    )
    box = tf.logical_and(box, draws[5] < COVERED)
    return tf.where(tf.logical_and(box, x > 0.0), 5.0 + 250.0 * draws[4], x)
