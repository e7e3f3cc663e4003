"""Probabilities that are right about as often as they say, and labelled faces, made without a model."""

import numpy as np

from emotion.models.evaluation.predictions import LabelledFaces, Predictions
from emotion.models.schema import SHIPPED


def labels(faces=600):
    return np.arange(faces) % 6


def probabilities(truth, strength, seed=0, classes=6):
    """Probabilities, float32 (n, classes), that lean towards the truth; calibrated where labels are drawn."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(truth), classes))
    logits[np.arange(len(truth)), truth] += np.broadcast_to(strength, len(truth))
    shares = np.exp(logits)
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def faces(truth, **more):
    """Labelled faces without pictures worth seeing."""
    count, regions = len(truth), more.get("schema", SHIPPED).regions
    values = {
        "sources": tuple(f"set/{i}.png" for i in range(count)),
        "labels": truth,
        "crops": tuple(np.zeros((count, *region.size), np.uint8) for region in regions),
        "visible": np.ones((count, len(regions)), np.float32),
        "blendshapes": np.zeros((count, 52), np.float32),
        "eye_distance": np.full(count, 50, np.float32),
        "alignment_error": np.full(count, 3, np.float32),
        "groups": np.arange(count),
    }
    return LabelledFaces(**values | more)


def predictions(faces_count=600, eyes=1.0, lips=1.0, **more):
    truth = labels(faces_count)
    free = np.ones((faces_count, 2), np.float32)
    said = np.stack([probabilities(truth, eyes, 1), probabilities(truth, lips, 2)])
    return Predictions(faces(truth, **more), said, free)
