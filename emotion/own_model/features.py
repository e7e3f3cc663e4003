"""Features of each face from the frozen networks: computed once, and cached on disk."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emotion.exporters.head import features_of
from emotion.models.atomic_files import atomic_output
from emotion.models.manifest import Precision, read_manifest
from emotion.models.regions import CANVAS, Image, Region
from emotion.models.training.refit import Floats

MOST_MIRRORED = 2000
"""Number of faces up to which mirror images are used, too: with many faces they are not needed."""

Progress = Callable[[int, int], None]


def views_of(
    models: Path,
    region: Region,
    crops: Image,
    cache: Path,
    progress: Progress = lambda done, total: None,
    precision: Precision = "fp32",
) -> Floats:
    """Features of faces, float32 (views, n, d): of the crops and, if useful, of their mirror images.

    Args:
        models: the folder of the network.
        region: which of its networks.
        crops: uint8 (n, height, width).
        cache: folder; results of an earlier run on the same crops are reused.
        progress: called with (crops done, crops in all).
        precision: of the network; only the float one gets mirror images.
    """
    views = [crops]
    if precision == "fp32" and len(crops) <= MOST_MIRRORED and _in_the_middle(region):
        views.append(np.ascontiguousarray(crops[:, :, ::-1]))
    everything = np.concatenate(views)
    digest = hashlib.sha256(everything.tobytes())
    digest.update(read_manifest(models, region.name, precision).sha256.encode())
    path = cache / f"{region.name}-{precision}-{digest.hexdigest()[:16]}.npy"
    if path.is_file():
        found = np.load(path)
    else:
        found = features_of(models, region.name, everything, precision, 0, progress)
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_output(path) as made, open(made, "wb") as file:
            np.save(file, found)
    return np.asarray(found.reshape(len(views), len(crops), -1), np.float32)


def _in_the_middle(region: Region) -> bool:
    return region.left + region.width / 2 == CANVAS[0] / 2
