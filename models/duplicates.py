"""Which pictures show the same face photograph: perceptual hashes and groups of near duplicates."""

import cv2
import numpy as np
import numpy.typing as npt

from models.regions import Image

HASH_BITS = 256
# Bits of 256 that may differ between two copies of one photograph (other size, JPEG, gray).
# Measured on the aligned crops of 28,000 web photographs: pairs up to 28 bits apart are copies to
# the eye, other people's faces appear at 32 and are the most at 36.
MAX_DISTANCE = 28
_ROWS_AT_ONCE = 256


def perceptual_hash(image: Image) -> npt.NDArray[np.uint64]:
    """A 256-bit DCT hash, uint64 (4,), of a gray uint8 picture.

    The signs, against their median, of the lowest 16 x 16 cosine coefficients of the picture at
    32 x 32 (pHash, Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions", with 256 bits in place of 64).
    """
    small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:16, :16].ravel()
    return np.packbits(low > np.median(low[1:])).view(np.uint64)


def face_hash(eyes: Image, lips: Image) -> npt.NDArray[np.uint64]:
    """The `perceptual_hash` of a face's crops in one picture: the lips in the middle under the eyes."""
    side = (eyes.shape[1] - lips.shape[1]) // 2
    below = np.pad(lips, ((0, 0), (side, eyes.shape[1] - lips.shape[1] - side)))
    return perceptual_hash(np.vstack([eyes, below]))


def group_near_duplicates(
    hashes: npt.NDArray[np.uint64], max_distance: int = MAX_DISTANCE
) -> npt.NDArray[np.int64]:
    """The group, int64 (n,), of every picture: one number for all that are near duplicates.

    Nearness is passed on: where a is near b and b near c, all three share a group, whose number
    is the smallest index in it.

    Args:
        hashes: uint64 (n, 4) of `perceptual_hash`.
        max_distance: the most bits by which near duplicates differ.
    """
    parents = np.arange(len(hashes))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = int(parents[index])
        return index

    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        rows = hashes[start : start + _ROWS_AT_ONCE]
        distance = np.zeros((len(rows), len(hashes) - start), dtype=np.uint16)
        for word in range(hashes.shape[1]):
            distance += np.bitwise_count(rows[:, None, word] ^ hashes[None, start:, word])
        for a, b in np.argwhere(distance <= max_distance):
            low, high = sorted((root(start + int(a)), root(start + int(b))))
            parents[high] = low
    return np.array([root(index) for index in range(len(hashes))], dtype=np.int64)
