"""Held-out parts with the same share of each emotion, decided by the names of the files alone.

A draw for each photograph (`data.splits`) gives rare emotions by chance too few or too many faces:
of 280 fearful ones a fifth is 56, with a standard deviation of 7. Here each emotion's photographs are sorted
by their draws and the first of them are held out, so that the share is exact; if a photograph is missing on
another machine, at most one other changes its part.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from emotion.models.atomic_files import atomic_output
from emotion.models.data.label_folders import Photograph, Split
from emotion.models.data.splits import lot


def stratified(photographs: Iterable[Photograph], validation: float, seed: int = 0) -> dict[str, Split]:
    """The part of each photograph, by its source: ``train``, or ``validation`` for a share of each emotion.

    Near duplicates are not known here; `data.splits.split_groups` then holds out the whole group of
    such a face.

    Args:
        photographs: of a set's training part.
        validation: share of each emotion that is held out, from 0 to 1.
        seed: of the draws.
    """
    by_label: dict[str, list[str]] = {}
    for photograph in photographs:
        by_label.setdefault(photograph.label, []).append(photograph.source)
    parts: dict[str, Split] = {}
    for sources in by_label.values():
        ordered = sorted(sources, key=lambda source: (lot(seed, source), source))
        held_out = round(validation * len(ordered))
        for place, source in enumerate(ordered):
            parts[source] = "validation" if place < held_out else "train"
    return parts


def write_parts(path: Path, parts: dict[str, Split]) -> None:
    """Write a Parquet file for ``emotion dataset --parts``, with the columns source and split."""
    sources = sorted(parts)
    table = pa.table({"source": sources, "split": [parts[source] for source in sources]})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_output(path) as made, open(made, "wb") as file:
        pq.write_table(table, file, compression="zstd", compression_level=19)
