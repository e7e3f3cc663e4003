"""Finds near duplicates among photographs of faces, and groups them.

A perceptual hash detects copies of another size, quality or tone; fine structure those whose hash was changed
by cropping or toning.
"""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from emotion.models.regions import Image

HASH_BITS = 256
# Bits of 256 that may differ between two copies of one photograph (other size, JPEG, gray).
# Measured on the aligned crops of 28,000 web photographs: pairs up to 28 bits apart are copies to
# the eye, other people's faces appear at 32 and are the most at 36.
MAX_DISTANCE = 28
# The correlation of two faces' fine structures from which they are taken for one photograph: to the eye,
# nearly all pairs above 0.9 are, most above 0.85, few at 0.75.
MIN_CORRELATION = 0.85
# As near is the same photograph under two labels. Of the London set's 102 pairs, at rest and with a smile,
# 95 are further apart (the nearest: 16 bits, 0.965), other expressions in videos are 22 bits apart; gray,
# smaller and cropped copies of these faces correlate from 0.96 on.
SAME_DISTANCE, SAME_CORRELATION = 20, 0.955
_ROWS_AT_ONCE = 256
# Fine structure: faces of this many pixels a side, and the difference of two blurs of them (a band-pass).
_SIDE = 48
_FINE, _COARSE = 0.75, 2.5
_BLACK = 4
_EDGE = np.ones((5, 5), np.uint8)  # the oval's edge comes from cropping


def perceptual_hash(image: Image) -> npt.NDArray[np.uint64]:
    """A 256-bit DCT hash, uint64 (4,), of a gray uint8 picture.

    The signs, against their median, of the lowest 16 x 16 cosine coefficients of the picture at
    32 x 32 (pHash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions", with 256 bits in place of 64).
    """
    small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:16, :16].ravel()
    return np.packbits(low > np.median(low[1:])).view(np.uint64)


def face_picture(eyes: Image, lips: Image) -> Image:
    """A face's crops in one picture: the lips in the middle under the eyes, which are the wider ones."""
    if lips.shape[1] > eyes.shape[1]:
        scale = eyes.shape[1] / lips.shape[1]
        lips = np.asarray(cv2.resize(lips, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    side = (eyes.shape[1] - lips.shape[1]) // 2
    below = np.pad(lips, ((0, 0), (side, eyes.shape[1] - lips.shape[1] - side)))
    return np.vstack([eyes, below])


def face_hash(eyes: Image, lips: Image) -> npt.NDArray[np.uint64]:
    """The `perceptual_hash` of a face's crops."""
    return perceptual_hash(face_picture(eyes, lips))


def fine_structure(face: Image) -> npt.NDArray[np.float32]:
    """The difference of two blurs of a `face_picture` inside its oval, float32 (d,) of length 1.

    The product of two is their correlation. Tone and the light's fall leave it alone.
    """
    small = cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    gray = small.astype(np.float32)
    band = cv2.GaussianBlur(gray, (0, 0), _FINE) - cv2.GaussianBlur(gray, (0, 0), _COARSE)
    band = band * cv2.erode((small > _BLACK).astype(np.uint8), _EDGE)
    return np.asarray(band / (np.linalg.norm(band) + 1e-6), np.float32).ravel()


def group_near_duplicates(
    hashes: npt.NDArray[np.uint64],
    max_distance: int = MAX_DISTANCE,
    structures: npt.NDArray[np.float32] | None = None,
    min_correlation: float = MIN_CORRELATION,
) -> npt.NDArray[np.int64]:
    """The group, int64 (n,), of every picture: one number for all that are near duplicates.

    Nearness is passed on: where a is near b and b near c, all three share a group, whose number
    is the smallest index in it.

    Args:
        hashes: uint64 (n, 4) of `perceptual_hash`.
        max_distance: the most bits by which near duplicates differ.
        structures: float32 (n, d) of `fine_structure`, where copies that the hash misses count, too.
        min_correlation: from which two structures are of one photograph.
    """
    pairs = _near(hashes, max_distance, structures, min_correlation)
    return _grouped(len(hashes), ((a, b) for a, b, _ in pairs))


def group_by_label(
    hashes: npt.NDArray[np.uint64],
    labels: Sequence[str],
    max_distance: int = MAX_DISTANCE,
    structures: npt.NDArray[np.float32] | None = None,
    min_correlation: float = MIN_CORRELATION,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Groups of labelled pictures, and which are the same photograph as one with another label.

    Two with different labels are near duplicates only where they are as near as `SAME_DISTANCE` or
    `SAME_CORRELATION` apply: other expressions of one person are not copies.

    Args:
        hashes, max_distance, structures, min_correlation: as for `group_near_duplicates`.
        labels: of the pictures.

    Returns:
        int64 (n,) as of `group_near_duplicates`; bool (n,).
    """
    pairs, contradicted = [], np.zeros(len(hashes), bool)
    for a, b, same in _near(hashes, max_distance, structures, min_correlation):
        if labels[a] == labels[b]:
            pairs.append((a, b))
        elif same:
            pairs.append((a, b))
            contradicted[[a, b]] = True
    return _grouped(len(hashes), pairs), contradicted


def near_any(
    hashes: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64], max_distance: int = MAX_DISTANCE
) -> npt.NDArray[np.bool_]:
    """Which pictures are near duplicates of one of some others, bool (n,), by their hashes alone.

    Args:
        hashes, others: uint64 (n, 4) and (m, 4) of `perceptual_hash`.
        max_distance: the most bits by which near duplicates differ.
    """
    near = np.zeros(len(hashes), bool)
    for start in range(0, len(hashes) if len(others) else 0, _ROWS_AT_ONCE):
        rows = hashes[start : start + _ROWS_AT_ONCE]
        near[start : start + _ROWS_AT_ONCE] = _distances(rows, others).min(axis=1) <= max_distance
    return near


def _distances(hashes: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint16]:
    """By how many bits hashes differ, uint16 (n, m)."""
    distance = np.zeros((len(hashes), len(others)), dtype=np.uint16)
    for word in range(hashes.shape[1]):
        distance += np.bitwise_count(hashes[:, None, word] ^ others[None, :, word])
    return distance


def _grouped(count: int, pairs: Iterable[tuple[int, int]]) -> npt.NDArray[np.int64]:
    parents = np.arange(count)

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = int(parents[index])
        return index

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parents[high] = low
    return np.array([root(index) for index in range(count)], dtype=np.int64)


def _near(
    hashes: npt.NDArray[np.uint64],
    max_distance: int,
    structures: npt.NDArray[np.float32] | None,
    min_correlation: float,
) -> Iterator[tuple[int, int, bool]]:
    """Each pair of near duplicates, and whether they are the same photograph whatever their labels."""
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        distance = _distances(hashes[start : start + _ROWS_AT_ONCE], hashes[start:])
        for a, b in np.argwhere(distance <= max_distance).tolist():
            yield start + a, start + b, bool(distance[a, b] <= SAME_DISTANCE)
    if structures is None:
        return
    for start in range(0, len(structures), _ROWS_AT_ONCE):
        alike = structures[start : start + _ROWS_AT_ONCE] @ structures[start:].T
        for a, b in np.argwhere(alike >= min_correlation).tolist():
            yield start + a, start + b, bool(alike[a, b] >= SAME_CORRELATION)
