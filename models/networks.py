"""The networks, in Keras: DenseNet201 for the eyes, a small residual CNN for the lips.

The residual CNN can look at the eyes too, with a sixth of the work. All take uint8 gray crops
(n, height, width, 1) as `models.regions` cuts them, standardise them inside the graph, and give
logits for the six emotions. While training, a second head regresses the 52 blendshapes that
MediaPipe sees in the same face: clean, dense labels beside noisy ones.
"""

from typing import Any, Literal, TypeAlias

import keras
import tensorflow as tf
from keras import layers, ops

from models.emotions import EMOTIONS
from models.regions import RegionName

EMOTION_HEAD = "emotion"
BLENDSHAPE_HEAD = "blendshapes"
BLENDSHAPE_COUNT = 52

Precision: TypeAlias = Literal["float32", "bfloat16"]
Architecture: TypeAlias = Literal["densenet201", "residual"]

STANDARD: dict[RegionName, Architecture] = {"eyes": "densenet201", "lips": "residual"}
TITLES: dict[Architecture, str] = {"densenet201": "DenseNet201", "residual": "residual CNN"}

# Gray levels up to this one count as painted black: resampling smears the oval's edge a little.
_BLACK = 4.0
_RESIDUAL_STAGES = ((32, 1), (64, 2), (128, 2), (192, 1))


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
    of DenseNet201 on a CPU. Values, statistics and weights are the same.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise (n, h, w, c), by the batch's own statistics where `training`."""
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
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
    region: RegionName, architecture: Architecture | None = None, precision: Precision = "float32"
) -> keras.Model:
    """The untrained network of a region.

    Input: uint8 or float (n, height, width, 1), any size from 32 x 32 on. Output: a dict of
    ``emotion``, float32 (n, 6) logits, and ``blendshapes``, float32 (n, 52), standardised units.

    Args:
        region: what it looks at.
        architecture: the region's own in `STANDARD` where there is none.
        precision: of the computation; weights and statistics are float32 in both (Micikevicius et
            al. 2018, "Mixed Precision Training"). bfloat16 pays on processors with AMX or
            AVX512-BF16.
    """
    architecture = architecture or STANDARD[region]
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else "mixed_bfloat16")
    try:
        images = keras.Input((None, None, 1), name="crops")
        features = {"densenet201": _densenet201, "residual": _residual_cnn}[architecture](
            Standardise()(images)
        )
        heads = {
            EMOTION_HEAD: layers.Dense(len(EMOTIONS), dtype="float32", name=EMOTION_HEAD)(features),
            BLENDSHAPE_HEAD: layers.Dense(BLENDSHAPE_COUNT, dtype="float32", name=BLENDSHAPE_HEAD)(features),
        }
        plain = keras.Model(images, heads, name=f"{region}_{architecture}")
        return keras.models.clone_model(plain, clone_function=_with_fused_batch_norm)
    finally:
        keras.config.set_dtype_policy(policy)


def _with_fused_batch_norm(layer: keras.Layer) -> keras.Layer:
    fused = type(layer) is layers.BatchNormalization
    return (FusedBatchNormalization if fused else type(layer)).from_config(layer.get_config())


def identify(model: keras.Model) -> tuple[RegionName, Architecture]:
    """What a network made by `build` looks at, and how it is built.

    Raises:
        ValueError: it is none.
    """
    region, _, architecture = model.name.partition("_")
    if region not in STANDARD or architecture not in TITLES:
        raise ValueError(f"{model.name} is no network of this program")
    return region, architecture


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
    """DenseNet201 (Huang et al. 2017), global average of its last features."""
    backbone = keras.applications.DenseNet201(
        include_top=False, weights=None, input_tensor=images, pooling="avg"
    )
    return backbone.output


def _residual_cnn(images: Any) -> Any:
    """A residual network (He et al. 2016) of 1.5 million parameters, global average at the end."""
    x = _conv_bn(images, _RESIDUAL_STAGES[0][0], "stem", stride=2)
    x = layers.ReLU()(x)
    for stage, (width, blocks) in enumerate(_RESIDUAL_STAGES, start=1):
        for block in range(1, blocks + 1):
            x = _residual_block(x, width, f"stage{stage}_block{block}", 2 if stage > 1 and block == 1 else 1)
    return layers.GlobalAveragePooling2D()(x)


def _residual_block(x: Any, width: int, name: str, stride: int) -> Any:
    y = layers.ReLU()(_conv_bn(x, width, f"{name}_first", stride))
    y = _conv_bn(y, width, f"{name}_second")
    if stride != 1 or x.shape[-1] != width:
        x = _conv_bn(x, width, f"{name}_shortcut", stride, kernel=1)
    return layers.ReLU()(layers.Add()([x, y]))


def _conv_bn(x: Any, width: int, name: str, stride: int = 1, kernel: int = 3) -> Any:
    """Named layers, so that `exporters.restore` finds them again in an exported file."""
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
