"""What the fingerprints of faces tell of them, and why they have 256 bits::

    python -m emotion.benchmarks.studies.fingerprints FACES PORTRAITS

Both are data sets made by `emotion dataset`; the portraits' file names begin with the person, as ``001_03``
does (the London set), and everybody is there with two expressions. Printed are, for all 256 bits and for the
64 of the lowest frequencies: how well a linear regression that was fitted to FACES guesses the portraits from
their fingerprints, how often the nearest portrait with another label is the same person's, and at the
distance at which four of five copies are found, how many pairs of other faces are taken for copies, too.
"""

from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
import typer

from emotion.models.data.duplicates import MAX_DISTANCE, face_picture, perceptual_hash
from emotion.models.data.image_io import read_gray
from emotion.models.data.stored import crop_path, read_manifest, read_options

_Bits = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float32]
_SIDE, _RIDGE = 32, 50.0
# Bits apart from which two faces are surely no copies.
_OTHERS = 36
_AT_ONCE = 256


def read_faces(folder: Path, most: int) -> tuple[list[dict[str, Any]], _Bits, _Floats]:
    """Some faces of a data set: rows, bits (n, 256), pixels (n, 1024) of what the fingerprint is of."""
    rows = read_manifest(folder)
    drawn = np.random.default_rng(0).permutation(len(rows))[:most]
    rows = [rows[index] for index in sorted(drawn.tolist())]
    inner = read_options(folder).middle
    bits, pixels = [], []
    for row in rows:
        eyes, lips = (read_gray(crop_path(folder, region, row)) for region in ("eyes", "lips"))
        assert eyes is not None
        assert lips is not None
        picture = face_picture(eyes[inner], lips[inner])
        bits.append(np.unpackbits(perceptual_hash(picture).view(np.uint8)))
        pixels.append(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).ravel())
    return rows, np.array(bits, bool), np.array(pixels, np.float32)


def lowest(frequencies: int) -> _Bits:
    """Which bits, bool (256,), are of so many of the lowest frequencies each way."""
    row, column = np.divmod(np.arange(256), 16)
    return np.asarray((row < frequencies) & (column < frequencies))


def guessed(bits: _Bits, pixels: _Floats, query: _Bits) -> _Floats:
    """What a ridge regression from bits to pixels gives for other bits."""

    def signs(some: _Bits) -> npt.NDArray[np.float64]:
        return np.asarray(np.c_[2.0 * some - 1, np.ones(len(some))])

    given = signs(bits)
    weights = np.linalg.solve(given.T @ given + _RIDGE * np.eye(given.shape[1]), given.T @ pixels)
    return np.asarray(signs(query) @ weights, np.float32)


def correlation(some: _Floats, others: _Floats) -> float:
    """The mean correlation of pictures with others, one by one."""
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(some, others, strict=True)]))


def recognised(rows: list[dict[str, Any]], bits: _Bits) -> float:
    """How often the nearest portrait with another label is the same person's."""
    people = np.array([row["source"].rsplit("/", 1)[-1].split("_")[0] for row in rows])
    labels = np.array([row["label"] for row in rows])
    apart = (bits[:, None] != bits[None]).sum(axis=2) + 1000 * (labels[:, None] == labels[None])
    both = np.array([len(set(labels[people == person])) > 1 for person in people])
    return float((people[apart.argmin(axis=1)] == people)[both].mean())


def mistaken(bits: _Bits, chosen: _Bits) -> tuple[int, int, int]:
    """The distance of some bits that finds 80% of the copies, pairs of other faces so near, and all."""
    near, far = np.zeros(257, np.int64), np.zeros(257, np.int64)
    every, some = (np.where(part, 1, -1).astype(np.float32) for part in (bits, bits[:, chosen]))
    for start in range(0, len(bits), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        later = np.arange(len(bits)) > np.arange(len(bits))[rows, None]
        whole, part = ((one.shape[1] - one[rows] @ one.T) / 2 for one in (every, some))
        near += np.bincount(part[later & (whole <= MAX_DISTANCE)].astype(int), minlength=257)
        far += np.bincount(part[later & (whole > _OTHERS)].astype(int), minlength=257)
    distance = int(np.searchsorted(near.cumsum(), 0.8 * near.sum()))
    return distance, int(far[: distance + 1].sum()), int(far.sum())


def main(
    faces: Annotated[Path, typer.Argument(help="Data set that the regression is fitted to.")],
    portraits: Annotated[Path, typer.Argument(help="Data set of portraits, two of each person.")],
    most: Annotated[int, typer.Option(help="Number of faces.")] = 6000,
) -> None:
    """Print what fingerprints of 256 and of 64 bits tell."""
    _, bits, pixels = read_faces(faces, most)
    rows, query, shown = read_faces(portraits, most)
    mean = correlation(np.broadcast_to(pixels.mean(axis=0), shown.shape), shown)
    typer.echo(f"{len(bits)} faces, {len(rows)} portraits; the mean face correlates with them by {mean:.2f}")
    for frequencies in (16, 8):
        chosen = lowest(frequencies)
        guess = correlation(guessed(bits[:, chosen], pixels, query[:, chosen]), shown)
        same = recognised(rows, query[:, chosen])
        distance, wrong, others = mistaken(bits, chosen)
        typer.echo(
            f"{chosen.sum()} bits: guess correlates by {guess:.2f}, same person nearest in {same:.0%}, "
            f"80% of copies within {distance} bits, with them {wrong} of {others} pairs of other faces"
        )


if __name__ == "__main__":
    typer.run(main)
