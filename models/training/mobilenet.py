"""MobileNet v1 (Howard et al. 2017) without batch norms, for whole faces.

3.2 million parameters. It has no batch norms because the network that it begins with
(`emotion.exporters.faceres`) has them folded into its convolutions; so it gives the same outputs while
training and while running, and a step on a processor takes two thirds of the time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""(filters, stride) of each pair of a depthwise and a pointwise convolution."""
FEATURES = BLOCKS[-1][0]
_STEM = 32


def mobilenet(images: Any) -> Any:
    """The last features, float32 (n, height / 32, width / 32, `FEATURES`), of a batch of pictures.

    Args:
        images: a Keras tensor, float32 (n, height, width, channels), RGB or gray levels in 0 to 255.
    """
    return blocks(layers.ReLU(6.0)(layers.Conv2D(_STEM, 3, 2, padding="same", name="conv1")(images)))


def blocks(x: Any, first: int = 1) -> Any:
    """What the blocks from the `first` on (the first of all is 1) make of the output of the one before.

    Args:
        x: a Keras tensor, float32 (n, h, w, filters), in 0 to 6.
        first: number of a block.
    """
    for number, (filters, stride) in enumerate(BLOCKS[first - 1 :], start=first):
        x = layers.DepthwiseConv2D(3, stride, padding="same", name=f"conv_dw_{number}")(x)
        x = layers.Conv2D(filters, 1, padding="same", name=f"conv_pw_{number}")(layers.ReLU(6.0)(x))
        x = layers.ReLU(6.0)(x)
    return x


def layers_from(first: int) -> tuple[str, ...]:
    """The names of the convolutions of the blocks from the `first` on."""
    numbers = range(first, len(BLOCKS) + 1)
    return tuple(f"conv_{kind}_{number}" for number in numbers for kind in ("dw", "pw"))


def begin_with(model: keras.Model, weights: Mapping[str, Sequence[npt.NDArray[np.float32]]]) -> None:
    """Give the convolutions of a model that holds a `mobilenet` these kernels and biases, by name.

    Where it sees gray pictures, its first kernels become the sums over the colours: a gray picture is
    the same in all three.
    """
    for name, (kernel, bias) in weights.items():
        layer = model.get_layer(name)
        gray = name == "conv1" and layer.kernel.shape[2] == 1
        layer.set_weights([kernel.sum(axis=2, keepdims=True) if gray else kernel, bias])
