"""The networks that learn from several sets: a MobileNet for whole faces, and those that ship."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from emotion.models.data.pools import Pool
from emotion.models.errors import ModelFileError
from emotion.models.training.augmentation import FEATURE_STEPS
from emotion.models.training.mobilenet import blocks, mobilenet
from emotion.models.training.networks import BLENDSHAPE_HEAD, EMOTION_HEAD, MIDDLE, SPREAD, Standardise
from emotion.models.training.refit import even_shares, face_weights, fit_head
from emotion.models.training.set_heads import with_set_heads

_BATCH = 64
INPUT_SIZE = (192, 168)
"""(height, width) of the network's input, the whole face: FaceRes' features are worth most at this size."""


def face_network(sets: int, pull: float = 1e-3, dropout: float = 0.2) -> keras.Model:
    """An untrained network for whole faces with a head a set.

    Input: uint8 or float (n, height, width, 1) gray levels, as `data.face_crops` cuts them; output as
    `emotion.models.training.set_heads.with_set_heads`. 3.2 million parameters.
    """
    images = keras.Input((None, None, 1), name="crops")
    large = layers.Resizing(*INPUT_SIZE)(images)
    gray = layers.Rescaling(SPREAD, MIDDLE)(Standardise()(large))
    return keras.Model(images, _heads(mobilenet(gray), sets, pull, dropout), name="face_mobilenet")


def upper_network(shape: tuple[int, int, int], first: int, sets: int) -> keras.Model:
    """The blocks of a `face_network` from the `first` on, and its heads.

    Args:
        shape: (height, width, filters) of what the block before gives.
        first: its number; those below stay as they are (`emotion.models.training.face_views`).
        sets: how many sets there are.
    """
    features = keras.Input(shape, name="features_below")
    heads = _heads(blocks(features, first), sets, pull=1e-3, dropout=0.2)
    return keras.Model(features, heads, name="face_upper")


def begin_with_head(network: keras.Model, pool: Pool, most: int = 4000, pull: float = 0.1) -> None:
    """Fit the common head of an `upper_network` to some of a pool's features before anything is trained.

    So the blocks below are not distorted by an untrained head (Kumar et al. 2022, "Fine-tuning can
    distort pretrained features").
    """
    rows = np.sort(np.random.default_rng(0).permutation(len(pool))[:most])
    below = keras.Model(network.inputs, network.get_layer("features").output)
    features = []
    for start in range(0, len(rows), _BATCH):
        part = pool.images[rows[start : start + _BATCH]].astype(np.float32)
        features.append(below.predict_on_batch(part / np.float32(FEATURE_STEPS)))
    labels, sets = pool.labels[rows], pool.sets[rows]
    weights = face_weights(labels, sets, even_shares(labels, sets), evenness=0.5)
    head = fit_head(np.concatenate(features), labels, weights, pull)
    _layer(network, EMOTION_HEAD).set_weights([head.kernel, head.bias])


def take_over(whole: keras.Model, part: keras.Model) -> keras.Model:
    """Give a network the weights of one that has some of its layers, by name."""
    for layer in part.layers:
        if layer.weights:
            _layer(whole, layer.name).set_weights(layer.get_weights())
    return whole


def take_part(part: keras.Model, whole: keras.Model) -> keras.Model:
    """Give a network that is a part of another one the weights that this has, by name.

    Raises:
        ModelFileError: the other one lacks a layer, or has one of another shape.
    """
    for layer in part.layers:
        if layer.weights:
            try:
                layer.set_weights(_layer(whole, layer.name).get_weights())
            except ValueError as error:
                raise ModelFileError(f"{whole.name} has another {layer.name}: {error}") from error
    return part


def _heads(maps: Any, sets: int, pull: float, dropout: float) -> dict[str, Any]:
    features = layers.GlobalAveragePooling2D(name="features")(maps)
    return with_set_heads(layers.Dropout(dropout)(features), sets, pull)


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
