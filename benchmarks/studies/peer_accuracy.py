"""Accuracy of this program and of other programs on the same labelled photographs::

    python -m emotion.benchmarks.studies.peer_accuracy london rafdb=validation --parts PARTS --predictions DIR

A folder holds a folder per emotion, as for 'emotion evaluate'; its test part is used, or the one after '='.
Where its folders do not name the parts, a table of a data set does (``manifest.parquet``, with the columns
``source`` and ``split``). Each program is called as its users call it, and detects the face itself. All get
the same pictures: small photographs are enlarged. Detectors of peers may miss a face that fills its picture.
They are therefore also run, as other ways of detection, about a copy with a border where they find no face,
and about the whole photograph as the face. Peers are installed first where they are missing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import typer

from emotion.benchmarks.studies.peer_predictions import PEERS, Inputs, Journal, command_of, predictions_of
from emotion.benchmarks.studies.peer_scores import (
    MISSED,
    Measured,
    Predicted,
    brief,
    recalls,
    rows,
    strongest,
    table,
)
from emotion.models.atomic_files import write_atomically
from emotion.models.classes import EMOTIONS
from emotion.models.data.duplicates import group_near_duplicates, perceptual_hash
from emotion.models.data.label_folders import SPLITS, Photograph, Split, find_photographs
from emotion.models.data.splits import lot, parts_of
from emotion.models.engines.options import model_folder
from emotion.models.errors import DatasetError
from emotion.models.evaluation.records import with_block
from emotion.models.regions import Image
from emotion.models.user_folders import user_folder
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.session import EachPicture, Models, Session
from emotion.realtime.sources.photographs import photograph_frame

SHORTER_SIDE = 200
"""Pixels of a photograph's shorter side, to which smaller ones are enlarged."""
BORDER = 0.25
"""Width of the border, as a share of the shorter side."""
UNLISTED = "unlisted"
"""The photographs that no table of parts has, since the data set was made without them."""


class Program(Protocol):
    """Another program, which predicts pictures in several ways of detection."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    def predictions(self, pictures: Iterator[Inputs]) -> Iterator[Mapping[str, Mapping[str, float] | None]]:
        """By way of detection, the scores of each picture's face; None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Installed:
    """A peer of `PEERS`, with its journal.

    Attributes:
        name: of the peer.
        environments: holds the folder in which it is installed.
        journal: of its predictions.
    """

    name: str
    environments: Path
    journal: Journal

    def predictions(self, pictures: Iterator[Inputs]) -> Iterator[Mapping[str, Mapping[str, float] | None]]:
        """See `Program`."""
        return predictions_of(
            self.name, lambda: command_of(self.name, self.environments), self.journal, pictures
        )


def name_of(given: str) -> str:
    """A set's name for tables."""
    folder, part = _split(given)
    return folder.resolve().name + ("" if part == "test" else f", {part}")


def photographs_of(given: str, parts: Mapping[str, Split], most: int | None = None) -> list[Photograph]:
    """The photographs of one part of a folder.

    Args:
        given: the folder, with ``=PART`` behind it if it is not the test part, or ``=unlisted`` for those
            that `parts` lacks.
        parts: by source, where folders do not name them.
        most: of each emotion; the same ones in every run, and among those of a run with more.

    Raises:
        DatasetError: there are none.
    """
    root, part = _split(given)
    found = list(find_photographs(root))
    if part == UNLISTED:
        chosen = [one for one in found if one.source not in parts]
    else:
        chosen = of_part(found, part, parts)
    if not chosen:
        raise DatasetError(f"{root} has no {part} part: name its part, or with --parts a table that has it.")
    if most is None:
        return chosen
    drawn = sorted(chosen, key=lambda one: lot(0, one.source))
    kept = [[one for one in drawn if one.label == emotion][:most] for emotion in EMOTIONS]
    return sorted((one for some in kept for one in some), key=lambda one: one.source)


def of_part(found: Sequence[Photograph], part: str, parts: Mapping[str, Split]) -> list[Photograph]:
    """Those of a part, by their folder, else by the table; all are test data if neither names parts."""
    in_folder = [one for one in found if one.split == part]
    listed = [one for one in found if parts.get(one.source) == part]
    nothing_named = not any(one.split or one.source in parts for one in found)
    return in_folder or listed or (list(found) if nothing_named and part == "test" else [])


def _split(given: str) -> tuple[Path, str]:
    """The folder, and the part."""
    folder, _, word = given.rpartition("=")
    if folder and (word in SPLITS or word == UNLISTED):
        return Path(folder), SPLITS.get(word, word)
    return Path(given), "test"


def inputs_of(photograph: Image) -> Inputs:
    """A photograph as all programs get it: enlarged if it is small. The border repeats its edge."""
    scale = max(1.0, SHORTER_SIDE / min(photograph.shape[:2]))
    large = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    border = round(BORDER * min(large.shape[:2]))
    framed = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    return Inputs(np.asarray(large, np.uint8), np.asarray(framed, np.uint8))


def our_predictions(photographs: Sequence[Photograph], models: Models) -> tuple[Predicted, int]:
    """This program's prediction for each photograph, and how many labels are ``uncertain``."""
    frames = (photograph_frame(at, inputs_of(one.read()).image) for at, one in enumerate(photographs))
    with Session(frames, models=models, policy=EachPicture()) as session:
        said = [(_strongest(result), _is_uncertain(result)) for result in session]
    return np.array([prediction for prediction, _ in said], np.int64), sum(unsure for _, unsure in said)


def _strongest(result: EmotionFrame) -> int:
    """Of the largest face, as peers are run, too; also where its label is ``uncertain``."""
    face = result.faces[0] if result.faces else None
    return MISSED if face is None or face.emotion is None else EMOTIONS.index(face.emotion)


def _is_uncertain(result: EmotionFrame) -> bool:
    return bool(result.faces) and result.faces[0].label not in EMOTIONS


def peer_predictions(
    photographs: Sequence[Photograph], peer: Program
) -> dict[str, tuple[Predicted, Predicted]]:
    """By name and way of detection: predictions among the six classes, and among all classes of the peer."""
    said = list(peer.predictions(inputs_of(one.read()) for one in photographs))
    return {
        f"{peer.name}, {way}": (_indices(said, way, other=False), _indices(said, way, other=True))
        for way in said[0]
    }


def _indices(said: Sequence[Mapping[str, Any]], way: str, other: bool) -> Predicted:
    return np.array([strongest(one[way], other) for one in said], np.int64)


def groups_of(photographs: Sequence[Photograph]) -> npt.NDArray[np.int64]:
    """The near duplicates among photographs; each group has a number, int64 (n,)."""
    grays = (cv2.cvtColor(one.read(), cv2.COLOR_BGR2GRAY) for one in photographs)
    hashes = [perceptual_hash(np.asarray(gray, np.uint8)) for gray in grays]
    return group_near_duplicates(np.array(hashes))


def measure(
    name: str, photographs: Sequence[Photograph], models: Models, peers: Sequence[Program]
) -> Measured:
    """All programs on one set of photographs."""
    said: dict[str, tuple[Predicted, Predicted]] = {}
    for peer in peers:
        said |= peer_predictions(photographs, peer)
    ours, uncertain = our_predictions(photographs, models)
    labels = np.array([EMOTIONS.index(one.label) for one in photographs], np.int64)
    groups = groups_of(photographs)
    scores = rows(labels, groups, ours, said)
    return Measured(name, len(labels), len(np.unique(groups)), uncertain, tuple(scores))


def blocks(measured: Sequence[Measured], peer: str) -> dict[str, str]:
    """The tables of a peer in Markdown, by the name of their block in a page."""
    return {
        f"{peer}": "\n".join(brief(measured, peer)),
        f"{peer}, all ways": "\n".join(table(measured, peer)),
        f"{peer}, recall": "\n".join(recalls(measured, peer)),
    }


def update(page: Path, tables: Mapping[str, str]) -> None:
    """Replace the tables for which a page has a block."""
    text = page.read_text(encoding="utf-8")
    for name, markdown in tables.items():
        if f"<!-- scores of {name} -->" in text:
            text = with_block(text, name, markdown)
    write_atomically(page, text)


def main(
    folders: Annotated[
        list[str],
        typer.Argument(
            help="Labelled folders; FOLDER=validation for that part, =unlisted for what has none."
        ),
    ],
    predictions: Annotated[
        Path, typer.Option(help="Folder in which the peers' predictions are kept for later runs.")
    ],
    models: Annotated[str, typer.Option(help="lite, standard or a model folder.")] = "lite",
    peers: Annotated[str, typer.Option(help=f"Peers, separated by commas: {', '.join(PEERS)}.")] = "fer",
    parts: Annotated[
        list[Path] | None, typer.Option(help="Table of a data set's parts; may be repeated.")
    ] = None,
    most: Annotated[int | None, typer.Option(help="Use only so many photographs of each emotion.")] = None,
    environments: Annotated[
        Path | None, typer.Option(help="Folder of the peers' installations, by default the cache's.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None,
    pages: Annotated[
        list[Path] | None, typer.Option("--page", help="Replace the tables in this page; may be repeated.")
    ] = None,
) -> None:
    """Compare, and print the tables."""
    names = [name.strip() for name in peers.split(",") if name.strip()]
    if not names or (unknown := [name for name in names if name not in PEERS]):
        raise typer.BadParameter(f"{(unknown or [peers])[0]!r} is none of {', '.join(PEERS)}")
    known = {source: part for path in parts or () for source, part in parts_of(path, needed=True).items()}
    chosen = {name_of(folder): photographs_of(folder, known, most) for folder in folders}
    place = environments or user_folder("cache")
    programs = [Installed(name, place, Journal(predictions / f"{name}.jsonl")) for name in names]
    loaded = Models.load(models=model_folder(models))
    measured = []
    for name, photographs in chosen.items():
        measured.append(measure(name, photographs, loaded, programs))
        typer.echo(f"{name}: {len(photographs)} photographs", err=True)
    versions = {peer.name: peer.journal.versions for peer in programs}
    values = {"models": models, "peers": versions, "sets": [asdict(one) for one in measured]}
    tables = {block: text for name in names for block, text in blocks(measured, name).items()}
    text = "\n\n".join(tables.values()) + "\n"
    if json_file is not None:
        write_atomically(json_file, json.dumps(values, indent=1) + "\n")
    if markdown is not None:
        write_atomically(markdown, text)
    for page in pages or ():
        update(page, tables)
    typer.echo(text)


if __name__ == "__main__":
    typer.run(main)
