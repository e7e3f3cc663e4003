"""The networks, in Keras: DenseNet201 for the eyes, a small residual CNN for the lips, and others.

The residual CNN, a ResNet of 29 layers, can also be used for the eyes, with a fraction of the work, and for
both together. All take uint8 gray crops
(n, height, width, 1) as `emotion.models.regions` cuts them, standardise them inside the graph, and give
logits for the six emotions, or for other classes. While training, a second head regresses the 52
blendshapes of the same face by MediaPipe: clean, dense labels in addition to noisy ones.
"""

from typing import Any

import keras
from keras import layers, ops

from emotion.models.classes import EMOTIONS
from emotion.models.training.inputs import View, view_size
from emotion.models.training.mobilenet import mobilenet
from emotion.models.training.options import STANDARD, TITLES, Architecture, Precision

EMOTION_HEAD = "emotion"
BLENDSHAPE_HEAD = "blendshapes"
BLENDSHAPE_COUNT = 52

# What standardised gray levels become for a network that has learnt from those of photographs.
MIDDLE, SPREAD = 128.0, 50.0
MOBILENET_SCALE = 1.5
"""Pixels a canvas point at which the MobileNet sees a face: what it begins with has learnt from such."""

_POINTS = 0.75  # pixels a canvas point of eyes and lips
# Gray levels up to this one count as painted black: resampling smears the oval's edge a little.
_BLACK = 4.0
RESNET29_STAGES = ((32, 3), (64, 4), (128, 3), (256, 3))


@keras.saving.register_keras_serializable("emotion")
class Standardise(layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Zero mean and unit variance over the pixels that are not black; black becomes 0.

    Takes uint8 or float (n, h, w, 1) in gray levels 0 to 255, gives float32 of the same shape.
    A dark picture and a bright one of the same face come out alike.
    """

    def call(self, images: Any) -> Any:
        """Standardise a batch."""
        images = ops.cast(images, "float32")
        face = ops.cast(images > _BLACK, "float32")
        count = ops.sum(face, axis=(1, 2), keepdims=True) + 1.0
        mean = ops.sum(images * face, axis=(1, 2), keepdims=True) / count
        centred = (images - mean) * face
        variance = ops.sum(centred * centred, axis=(1, 2), keepdims=True) / count
        # One gray level at least, so that an even picture is not blown up to noise.
        return centred / ops.sqrt(variance + 1.0)


@keras.saving.register_keras_serializable("emotion")
class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """Batch normalization (Ioffe & Szegedy 2015) by TensorFlow's one kernel for it while it learns.

    Keras composes it of a dozen operations, each a walk through memory, which takes 40% of a step
    of DenseNet201 on a CPU. Values, statistics and weights are the same. On other backends it is
    Keras' own.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise (n, h, w, c), by the batch's own statistics where `training`."""
        if not training or not self.trainable or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # noqa: PLC0415  other backends train without it

        unused = tf.constant([], tf.float32)
        # Averages of the network's life are kept below, as Keras keeps them: of the biased variance.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=ops.convert_to_tensor(self.gamma),
            offset=ops.convert_to_tensor(self.beta),
            mean=unused,
            variance=unused,
            epsilon=self.epsilon,
            is_training=True,
        )
        biased = variance * (count - 1.0) / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, biased)):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))
        return outputs


def build(
    view: View, architecture: Architecture | None = None, precision: Precision = "float32"
) -> keras.Model:
    """An untrained network.

    Input: uint8 or float (n, height, width, 1), any size from 32 x 32 on. Output: a dict of
    ``emotion``, float32 (n, 6) logits, and ``blendshapes``, float32 (n, 52), standardised units.

    Args:
        view: of the face.
        architecture: by default the view's own in `STANDARD`.
        precision: of the computation; weights and statistics are float32 in both (Micikevicius et
            al. 2018, "Mixed Precision Training"). bfloat16 pays on processors with AMX or
            AVX512-BF16, and on GPUs.
    """
    architecture = architecture or STANDARD[view]
    seen = tuple(round(MOBILENET_SCALE / _POINTS * side) for side in view_size(view))
    name = f"{view}_{architecture}"
    return network(name, architecture, len(EMOTIONS), precision, (seen[0], seen[1]))


def network(
    name: str,
    architecture: Architecture,
    classes: int,
    precision: Precision = "float32",
    seen: tuple[int, int] | None = None,
) -> keras.Model:
    """An untrained network for any classes; otherwise as `build`.

    Args:
        name: of the model.
        architecture: which.
        classes: how many logits it gives.
        precision: of the computation.
        seen: (height, width) to which a MobileNet brings its pictures first; others take them as they are.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else "mixed_bfloat16")
    try:
        images = keras.Input((None, None, 1), name="crops")
        maps = _mobilenet(images, seen) if architecture == "mobilenet" else None
        if maps is None:
            maps = _BACKBONES[architecture](Standardise()(images))
        features = layers.GlobalAveragePooling2D(dtype="float32")(maps)
        heads = {
            EMOTION_HEAD: layers.Dense(classes, dtype="float32", name=EMOTION_HEAD)(features),
            BLENDSHAPE_HEAD: layers.Dense(BLENDSHAPE_COUNT, dtype="float32", name=BLENDSHAPE_HEAD)(features),
        }
        plain = keras.Model(images, heads, name=name)
        return keras.models.clone_model(plain, clone_function=_with_fused_batch_norm)
    finally:
        keras.config.set_dtype_policy(policy)


def _with_fused_batch_norm(layer: keras.Layer) -> keras.Layer:
    fused = type(layer) is layers.BatchNormalization
    return (FusedBatchNormalization if fused else type(layer)).from_config(layer.get_config())


def identify(model: keras.Model) -> tuple[View, Architecture]:
    """The view and the architecture of a network made by `build`.

    Raises:
        ValueError: it is none.
    """
    view, _, architecture = model.name.partition("_")
    if view not in STANDARD or architecture not in TITLES:
        raise ValueError(f"{model.name} is no network of this program")
    return view, architecture


def for_inference(model: keras.Model, size: tuple[int, int], temperature: float = 1.0) -> keras.Model:
    """The part of a trained network that ships: uint8 crops in, six probabilities out.

    Args:
        model: made by `build`.
        size: (height, width) of the crops.
        temperature: divides the logits, so that confidence meets accuracy (Guo et al. 2017).
    """
    crops = keras.Input((*size, 1), dtype="uint8", name="crops")
    logits = model(crops)[EMOTION_HEAD] / temperature
    return keras.Model(crops, layers.Softmax(name="probabilities")(logits), name=model.name)


def _densenet201(images: Any) -> Any:
    """DenseNet201 (Huang et al. 2017) up to its last features."""
    return keras.applications.DenseNet201(include_top=False, weights=None, input_tensor=images).output


def _densenet121(images: Any) -> Any:
    """Its smaller sister."""
    return keras.applications.DenseNet121(include_top=False, weights=None, input_tensor=images).output


def _mobilenet(images: Any, seen: tuple[int, int] | None) -> Any:
    """MobileNet without batch norms, which sees gray levels of a photograph's spread."""
    large = images if seen is None else layers.Resizing(*seen)(images)
    return mobilenet(layers.Rescaling(SPREAD, MIDDLE)(Standardise()(large)))


def _resnet29(images: Any) -> Any:
    """The residual network of dlib's face recognition (King 2017) up to its last features.

    He et al.'s (2016) ResNet-34 with half the filters and fewer layers, shortcuts without weights. Its
    scale, eyes 60 to 65 pixels apart, is that of the crops.
    """
    x = layers.ReLU()(_conv_bn(images, RESNET29_STAGES[0][0], "stem", stride=2, kernel=7))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for stage, (width, blocks) in enumerate(RESNET29_STAGES, start=1):
        for block in range(1, blocks + 1):
            down = stage > 1 and block == 1
            x = _residual_block(x, width, f"stage{stage}_block{block}", down)
    return x


def _residual_block(x: Any, width: int, name: str, down: bool) -> Any:
    y = layers.ReLU()(_conv_bn(x, width, f"{name}_first", 2 if down else 1))
    y = _conv_bn(y, width, f"{name}_second")
    if down:
        x = layers.AveragePooling2D(2, 2, padding="same")(x)
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, width - x.shape[-1])))
    return layers.ReLU()(layers.Add()([x, y]))


def _conv_bn(x: Any, width: int, name: str, stride: int = 1, kernel: int = 3) -> Any:
    """Named layers, so that `emotion.exporters.restore` finds them again in an exported file."""
    convolution = layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )
    return layers.BatchNormalization(name=f"{name}_bn")(convolution(x))


_BACKBONES = {"densenet201": _densenet201, "densenet121": _densenet121, "resnet29": _resnet29}
