"""Photographs, findings and faces for tests of data sets."""

import numpy as np

from emotion.models.data.duplicates import perceptual_hash
from emotion.models.data.image_io import write_png
from tests.helpers.landmarks import landmarks


def photo(path, seed=0):
    write_png(path, np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8))


def finding(source, label, seed, **more):
    noise = np.random.default_rng(seed).integers(0, 256, (96, 96), dtype=np.uint8)
    return {
        "source": source,
        "id": source.replace("/", "-"),
        "label": label,
        "eye_distance": 60.0,
        "alignment_error": 2.0,
        "eyes_visible": 1.0,
        "lips_visible": 1.0,
        "blendshapes": [0.1] * 52,
        "hash": [int(word) for word in perceptual_hash(noise)],
    } | more


class FakeFace:
    """What a landmarker finds in every photograph."""

    blendshapes = np.linspace(0, 1, 52, dtype=np.float32)

    @property
    def points(self):
        return landmarks(0.25)
