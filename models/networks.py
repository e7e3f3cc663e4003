"""The two networks, in Keras: DenseNet201 for the eyes, a small residual CNN for the lips.

Both take uint8 gray crops (n, height, width, 1) as `models.regions` cuts them, standardise them
inside the graph, and give logits for the six emotions. While training, a second head regresses
the 52 blendshapes that MediaPipe sees in the same face: clean, dense labels beside noisy ones.
"""

from typing import Any

import keras
from keras import layers, ops

from models.emotions import EMOTIONS
from models.regions import RegionName

EMOTION_HEAD = "emotion"
BLENDSHAPE_HEAD = "blendshapes"
BLENDSHAPE_COUNT = 52

# Gray levels up to this one count as painted black: resampling smears the oval's edge a little.
_BLACK = 4.0
_LIPS_STAGES = ((32, 1), (64, 2), (128, 2), (192, 1))


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


def build(region: RegionName) -> keras.Model:
    """The untrained network of a region.

    Input: uint8 or float (n, height, width, 1), any size from 32 x 32 on. Output: a dict of
    ``emotion``, float32 (n, 6) logits, and ``blendshapes``, float32 (n, 52), standardised units.
    """
    images = keras.Input((None, None, 1), name="crops")
    features = {"eyes": _densenet201, "lips": _residual_cnn}[region](Standardise()(images))
    heads = {
        EMOTION_HEAD: layers.Dense(len(EMOTIONS), name=EMOTION_HEAD)(features),
        BLENDSHAPE_HEAD: layers.Dense(BLENDSHAPE_COUNT, name=BLENDSHAPE_HEAD)(features),
    }
    return keras.Model(images, heads, name=region)


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
    x = _conv_bn(images, _LIPS_STAGES[0][0], "stem", stride=2)
    x = layers.ReLU()(x)
    for stage, (width, blocks) in enumerate(_LIPS_STAGES, start=1):
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
