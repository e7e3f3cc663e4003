"""The networks that learn from several sets: a MobileNet for whole faces, and those that ship."""

from pathlib import Path
from typing import Any

import keras
from keras import layers

from emotion.models.errors import ModelFileError
from emotion.models.training.mobilenet import mobilenet
from emotion.models.training.networks import BLENDSHAPE_HEAD, EMOTION_HEAD, Standardise
from emotion.models.training.set_heads import with_set_heads

# What standardised gray levels become for a network that has learnt from those of photographs.
_MIDDLE, _SPREAD = 128.0, 50.0


def face_network(sets: int, pull: float = 1e-3, dropout: float = 0.2) -> keras.Model:
    """An untrained network for whole faces with a head a set.

    Input: uint8 or float (n, height, width, 1) gray levels, as `data.face_crops` cuts them; output as
    `emotion.models.training.set_heads.with_set_heads`. 3.2 million parameters.
    """
    images = keras.Input((None, None, 1), name="crops")
    gray = layers.Rescaling(_SPREAD, _MIDDLE)(Standardise()(images))
    features = layers.GlobalAveragePooling2D(name="features")(mobilenet(gray))
    heads = with_set_heads(layers.Dropout(dropout)(features), sets, pull)
    return keras.Model(images, heads, name="face_mobilenet")


def with_sets(trained: keras.Model, sets: int, pull: float = 1e-3) -> keras.Model:
    """A trained network of `networks.build` with a head a set in place of one for all.

    The common head and the blendshapes' begin as they were; the sets add nothing yet.
    """
    features = trained.get_layer(EMOTION_HEAD).input
    heads = with_set_heads(features, sets, pull)
    model = keras.Model(trained.inputs, heads, name=trained.name)
    for name in (EMOTION_HEAD, BLENDSHAPE_HEAD):
        _layer(model, name).set_weights(trained.get_layer(name).get_weights())
    return model


def without_sets(model: keras.Model, like: keras.Model) -> keras.Model:
    """The common part of a network of `with_sets`, as `networks.build` makes it: what is exported.

    Args:
        model: trained.
        like: a network of the same view and architecture; its weights are overwritten.
    """
    for layer in like.layers:
        if layer.weights:
            layer.set_weights(_layer(model, layer.name).get_weights())
    return like


def load(path: Path) -> keras.Model:
    """A network that was saved.

    Raises:
        ModelFileError: `path` is none.
    """
    try:
        return keras.saving.load_model(path, compile=False)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} is no trained network: {error}") from error


def probabilities_of(model: keras.Model, size: tuple[int, int], temperature: float = 1.0) -> keras.Model:
    """The part of a trained network that ships: uint8 crops (n, h, w, 1) in, six probabilities out."""
    crops = keras.Input((*size, 1), dtype="uint8", name="crops")
    logits = model(crops)[EMOTION_HEAD] / temperature
    return keras.Model(crops, layers.Softmax(name="probabilities")(logits), name=model.name)


def _layer(model: keras.Model, name: str) -> Any:
    try:
        return model.get_layer(name)
    except ValueError as error:
        raise ModelFileError(f"{model.name} has no layer {name}: it is of another architecture.") from error
