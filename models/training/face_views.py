"""Outputs of a network's frozen blocks for whole faces, computed once and used in every epoch.

At the size at which FaceRes was trained (`set_networks.INPUT_SIZE`) a training step costs 2 1/4 times as much
as at that of the crops. The features of its lower blocks do not depend on the task; so these blocks are
frozen (Yosinski et al. 2014, "How transferable are features in deep neural networks?"), their outputs are
stored for some views of each face, and only the upper blocks are trained. A folder of views::

    features.npy   uint8 (n, h, w, c), the last lower block's output times `augmentation.FEATURE_STEPS`
    views.npz      the faces' rows in the pool that they were cut from, and which are mirrored
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.atomic_files import atomic_output
from emotion.models.data.pools import Pool
from emotion.models.errors import DatasetError
from emotion.models.training.augmentation import FEATURE_STEPS
from emotion.models.training.networks import MIDDLE, SPREAD
from emotion.models.training.trainer import BlendshapeTargets

Floats = npt.NDArray[np.float32]
Below = Callable[[Floats], Floats]
"""Pictures, float32 (n, h, w), to what the lower blocks make of them, float32 (n, h, w, c), in 0 to 6."""

_BATCH = 16
# Gray levels up to this one are black: outside of the face.
_BLACK = 4
# Spread of a view's turn (radians), size, stretch (log units), place (of its height) and tone.
_TURN, _SCALE, _STRETCH, _SHIFT, _GAMMA, _SLOPE = 0.14, 0.09, 0.05, 0.04, 0.25, 0.12
_COARSE, _COVERED, _NOISE = 0.2, 0.12, 3.0


def cut_views(
    pool: Pool,
    most: dict[str, int],
    size: tuple[int, int],
    below: Below,
    folder: Path,
    twice: tuple[str, ...] = (),
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write views of some of a pool's faces.

    Args:
        pool: of whole faces with a margin.
        most: faces of each set, rare emotions first.
        size: (height, width) in pixels of a view.
        below: the lower blocks.
        folder: to write to.
        twice: the sets whose faces are seen as they are and, mirrored, in an altered view; of the others each
            second face is altered.
        seed: of all chance.
        report: called with (views done, views in all).

    Raises:
        DatasetError: the pool has no faces of these sets.
    """
    rng = np.random.default_rng(seed)
    wanted: list[tuple[int, bool, bool]] = []
    for name, count in most.items():
        for number, row in enumerate(_rare_first(pool, name, count, rng)):
            flip = bool(rng.random() < 0.5)
            wanted.append((row, name not in twice and number % 2 == 1, flip))
            if name in twice:
                wanted.append((row, True, not flip))
    if not wanted:
        raise DatasetError(f"There are no faces of {', '.join(most)} to cut views of.")
    wanted = [wanted[place] for place in rng.permutation(len(wanted)).tolist()]
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_output(folder / "features.npy") as made:
        _keep_features(made, pool, wanted, size, below, rng, report)
        # An old index must never be combined with new features.
        (folder / "views.npz").unlink(missing_ok=True)
    with atomic_output(folder / "views.npz") as made:
        np.savez(made, rows=[w[0] for w in wanted], flipped=[w[2] for w in wanted])


def _keep_features(
    path: Path,
    pool: Pool,
    wanted: Sequence[tuple[int, bool, bool]],
    size: tuple[int, int],
    below: Below,
    rng: np.random.Generator,
    report: Callable[[int, int], None],
) -> None:
    kept: npt.NDArray[np.uint8] | None = None
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        views = [
            _view(np.asarray(pool.images[row]), pool.margin, size, altered, flip, rng)
            for row, altered, flip in part
        ]
        features = below(np.stack(views))
        if kept is None:
            kept = np.lib.format.open_memmap(path, "w+", np.uint8, (len(wanted), *features.shape[1:]))
        kept[start : start + len(part)] = np.rint(features * FEATURE_STEPS)
        report(start + len(part), len(wanted))


def load_views(folder: Path, pool: Pool) -> Pool:
    """The views in the place of a pool's pictures, with what is known of each.

    Args:
        folder: that `cut_views` wrote.
        pool: that they were cut from.

    Raises:
        DatasetError: there are none.
    """
    try:
        features = np.load(folder / "features.npy", mmap_mode="r")
        index = np.load(folder / "views.npz")
    except OSError as error:
        raise DatasetError(f"{folder} has no views yet ({error}): cut them first.") from error
    rows, flipped = index["rows"], index["flipped"]
    # A memory map of the pictures would be read whole to pick some of them.
    light = replace(pool, images=np.zeros((len(pool), 1, 1), np.uint8))[rows]
    mirror = BlendshapeTargets.fit(light.blendshapes).mirror
    blendshapes = np.where(flipped[:, None], light.blendshapes[:, mirror], light.blendshapes)
    return replace(light, images=features, blendshapes=blendshapes, margin=0)


def _rare_first(pool: Pool, name: str, most: int, rng: np.random.Generator) -> list[int]:
    """Rows of a set, at most so many, as even over the emotions as there are faces."""
    rows = np.flatnonzero(pool.sets == name)
    labels = pool.labels[rows]
    # Each face's turn among those of its emotion: the first of all emotions come first.
    turn = np.zeros(len(rows), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = rng.permutation(int((labels == label).sum()))
    kept: list[int] = rows[np.argsort(turn, kind="stable")][:most].tolist()
    return kept


def _view(
    image: npt.NDArray[np.uint8],
    margin: int,
    size: tuple[int, int],
    altered: bool,
    flip: bool,
    rng: np.random.Generator,
) -> Floats:
    inner = image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]
    view = (
        _altered(image, inner.shape[0], size, rng)
        if altered
        else cv2.resize(inner, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)
    )
    view = view[:, ::-1] if flip else view
    face = view > _BLACK
    seen = view[face]
    if not len(seen):
        return np.full(size, MIDDLE, np.float32)
    even = MIDDLE + SPREAD * (view - seen.mean()) / np.sqrt(seen.var() + 1)
    return np.asarray(np.where(face, even, MIDDLE), np.float32)


def _altered(
    image: npt.NDArray[np.uint8], inner: int, size: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Turned, moved, coarsened, lit otherwise, with noise, perhaps partly covered."""
    height, width = size
    jitter = np.clip(rng.standard_normal(8), -2.5, 2.5) / 1.5
    scale, turn = height / inner * np.exp(_SCALE * jitter[1]), _TURN * jitter[0]
    across = scale * np.exp(_STRETCH * jitter[2])
    transform = np.array(
        [
            [across * np.cos(turn), -scale * np.sin(turn), (width - 1) / 2 + _SHIFT * height * jitter[3]],
            [across * np.sin(turn), scale * np.cos(turn), (height - 1) / 2 + _SHIFT * height * jitter[4]],
        ]
    )
    middle = np.array([(image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2])
    transform[:, 2] -= transform[:, :2] @ middle
    view = cv2.warpAffine(image, transform, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    face = view > _BLACK
    seen: Floats = view
    if rng.random() < _COARSE:
        by = int(rng.integers(2, 4))
        small = cv2.resize(view, (width // by, height // by), interpolation=cv2.INTER_AREA)
        seen = np.asarray(cv2.resize(small, (width, height)), np.float32)
    lit = 1 + _SLOPE * jitter[6] * np.linspace(-1, 1, width)
    toned = 255 * (np.clip(seen, 0, 255) / 255) ** np.exp(_GAMMA * jitter[5]) * lit
    noisy = np.clip(toned + _NOISE * rng.random() * rng.standard_normal(size), _BLACK + 1, 255) * face
    if rng.random() < _COVERED:
        box = _box(size, rng)
        noisy = np.where(box & face, _BLACK + 1 + 250 * rng.random(), noisy)
    return np.asarray(noisy, np.float32)


def _box(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """A uniform box at a random position, in place of a hand, hair, a mask or glasses."""
    box = np.zeros(size, bool)
    middles, halves = rng.random(2) * size, (0.08 + 0.12 * rng.random(2)) * size
    low, high = np.maximum(middles - halves, 0).astype(int), (middles + halves).astype(int)
    box[low[0] : high[0], low[1] : high[1]] = True
    return box
