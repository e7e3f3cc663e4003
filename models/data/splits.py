"""Which part of a data set a face belongs to. Parts go by group, never by picture."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.data.label_folders import Photograph, Split
from emotion.models.errors import DatasetError

PARTS: tuple[Split, ...] = ("test", "validation", "train")
"""The strictest first; it decides for all of a group: test faces are never used for training."""


def with_whole_videos(
    copies: npt.NDArray[np.int64], photographs: Sequence[Photograph]
) -> npt.NDArray[np.int64]:
    """Groups of near duplicates, joined where they hold frames of one video.

    Copies with different labels are dropped, frames of one video never: a person's neutral face may
    occur in two videos, and then only that face is dropped.
    """
    first: dict[str, int] = {}
    joined = [
        (copies[i], copies[first.setdefault(photograph.video, i)])
        for i, photograph in enumerate(photographs)
        if photograph.video is not None
    ]
    count = len(photographs)
    rows, columns = np.array(joined, dtype=np.int64).reshape(-1, 2).T
    from scipy.sparse import coo_array  # noqa: PLC0415  most of a second; running needs none
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    _, component = connected_components(links, directed=False)
    smallest = np.full(count, count, dtype=np.int64)
    np.minimum.at(smallest, component[copies], np.arange(count))
    return np.asarray(smallest[component[copies]], dtype=np.int64)


def parts_of(manifest: Path, needed: bool = False) -> dict[str, Split]:
    """The part of each source in a data set, for example in this one before a root was added.

    Raises:
        DatasetError: `manifest` is `needed` and missing, or is none.
    """
    if not manifest.exists() and not needed:
        return {}
    try:
        with open(manifest, "rb") as file:
            table = pq.read_table(file, columns=["source", "split"])
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{manifest} tells no parts of a data set: {error}") from error
    return dict(zip(*(table[column].to_pylist() for column in ("source", "split")), strict=True))


def split_groups(
    members: dict[int, list[Photograph]],
    validation: float,
    test: float,
    seed: int,
    before: dict[str, Split],
) -> dict[int, Split]:
    """The part of every group: the strictest of its members' folders, else pseudo-random.

    Parts that a root's folders do not define are drawn: a root with ``train`` and ``test`` gets a validation
    part, one with all three none. A face that had a part `before` keeps it, so that faces held
    out from one model's training stay held out from the next one's. The draw depends only on names: if
    another machine detects one face less, all others stay in their parts.

    Args:
        members: the photographs of each group.
        validation, test: shares of the groups for these parts, where a root has no such folder.
        seed: of the draw.
        before: parts by source.
    """
    named: dict[str, set[Split | None]] = {}
    for same in members.values():
        for photograph in same:
            named.setdefault(photograph.root, set()).add(photograph.split)
    splits: dict[int, Split] = {}
    for group, same in members.items():
        place = lot(seed, min(photograph.source for photograph in same))
        asked = {photograph.split for photograph in same} - {None}
        kept = {before[photograph.source] for photograph in same if photograph.source in before}
        strictest = next((part for part in PARTS if part in asked), None)
        parts = set().union(*(named[photograph.root] for photograph in same))
        tested = 0.0 if "test" in parts else test
        validated = 0.0 if "validation" in parts else validation
        if strictest in ("test", "validation"):
            splits[group] = strictest
        elif kept:
            splits[group] = next(part for part in PARTS if part in kept)
        elif place < tested and strictest is None:
            splits[group] = "test"
        else:
            splits[group] = "validation" if place < tested + validated else "train"
    return splits


def lot(seed: int, name: str) -> float:
    """A number from 0 to 1 that depends on a seed and a name."""
    digest = blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
