"""Heads for data sets whose labels disagree: a shared one, and a small correction per set.

Annotators of one set label as fear what those of another label as surprise; a head fitted to all of them at
once fits none of them, and one fitted to a set loses on the others what it gains there. So the logits of a
face are those of a common head plus a correction for its set, which is regularised towards zero: what the
sets agree on is learnt by the common head, which is the one that ships. This is a hierarchical model (Gelman
& Hill 2007), in place of the label transition matrices of Zeng, Shan & Chen (ECCV 2018), "Facial Expression
Recognition with Inconsistently Annotated Datasets".

Class frequencies of a set are not learnt: the logarithm
of an emotion's share is added to the logits during training (Menon et al. 2021, "Long-tail learning via logit
adjustment"). A set that lacks an emotion thus has no influence on it.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from emotion.models.classes import EMOTIONS
from emotion.models.training.networks import BLENDSHAPE_COUNT, BLENDSHAPE_HEAD, EMOTION_HEAD

SET_HEAD = "of_set"
SETS_LAYER = "sets"
_ABSENT = 1e-4  # the share of an emotion that a set lacks


def with_set_heads(features: Any, sets: int, pull: float) -> dict[str, Any]:
    """The heads over a network's features.

    Args:
        features: a Keras tensor, float32 (n, d).
        sets: how many sets there are.
        pull: weight of the squares of what the sets add, in the loss.

    Returns:
        ``emotion``: the common head's logits, float32 (n, 6); ``of_set``: what each set adds, float32
        (n, sets, 6); ``blendshapes``: float32 (n, 52), standardised units.
    """
    common = layers.Dense(len(EMOTIONS), dtype="float32", name=EMOTION_HEAD)
    added = layers.Dense(
        sets * len(EMOTIONS),
        dtype="float32",
        name=SETS_LAYER,
        kernel_initializer="zeros",
        kernel_regularizer=keras.regularizers.L2(pull),
        bias_regularizer=keras.regularizers.L2(pull),
    )
    blendshapes = layers.Dense(BLENDSHAPE_COUNT, dtype="float32", name=BLENDSHAPE_HEAD)
    return {
        EMOTION_HEAD: common(features),
        SET_HEAD: layers.Reshape((sets, len(EMOTIONS)))(added(features)),
        BLENDSHAPE_HEAD: blendshapes(features),
    }


def logits_of_set(common: Any, added: Any, one_hot: Any, log_shares: Any) -> Any:
    """Each face's logits as its own set labels it, float32 (n, 6).

    Args:
        common: float32 (n, 6), the common head's logits.
        added: float32 (n, sets, 6).
        one_hot: float32 (n, sets), which set each face comes from.
        log_shares: float32 (n, 6), a row of `log_shares` for each face; zeros while running.
    """
    return common + ops.sum(added * one_hot[..., None], axis=1) + log_shares


def log_shares(counts: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    """The logarithm of each emotion's share in each set, float32 (sets, 6).

    Args:
        counts: faces a set and emotion that are learnt from.
    """
    faces = np.asarray(counts, np.float64)
    shares = faces / np.maximum(faces.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(np.log(np.maximum(shares, _ABSENT)), dtype=np.float32)
