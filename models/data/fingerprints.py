"""The fingerprints of the faces that models were trained and validated on: ``fingerprints.npz``.

A fingerprint is the `perceptual_hash` of a face's crops, 32 bytes. With it `emotion evaluate` detects copies
of a model's training faces, also in another size, quality or tone, but not mirrored or much smaller ones. The
fine structure that `emotion dataset` also compares is not stored: it is a picture.

A fingerprint is no picture, but tells something of one: who has a photograph can find out whether it is in
the list, and a blurred face can be guessed (`docs/explanation/privacy-and-law.md`). 64 bits would tell less,
but also take other people for copies: at a distance that finds 80% of the copies, 227 of 18 million pairs of
other faces, with 256 bits none (`emotion.benchmarks.studies.fingerprints`).

A model folder has one list, with what each of its predictors has seen: the network of a region, and the vote.
A run of `emotion train` has one of its network. The file may be deleted: nothing but evaluations needs it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from emotion.models.atomic_files import atomic_output
from emotion.models.checksums import FINGERPRINTS
from emotion.models.data.duplicates import HASH_BITS, face_hash
from emotion.models.data.image_io import read_gray
from emotion.models.data.label_folders import Split
from emotion.models.data.stored import crop_path, read_manifest, read_options
from emotion.models.errors import DatasetError, ModelFileError, unreadable_model
from emotion.models.regions import REGIONS, Regions, write_region
from emotion.models.shipped import refuse_shipped
from emotion.models.small_files import check_regular

FILE = FINGERPRINTS
FORMAT = 1
VOTE = "vote"
"""The predictor that is no region's network."""
_WORDS = HASH_BITS // 64
_TRAINING, _VALIDATION = 1, 2

Hashes = npt.NDArray[np.uint64]
NO_HASHES: Hashes = np.zeros((0, _WORDS), np.uint64)


def places_of(regions: Regions = REGIONS) -> tuple[str, ...]:
    """Where the eyes and the lips lie that are in fingerprints, if models look at these regions."""
    return tuple(write_region(regions[name] if name in regions else REGIONS[name]) for name in REGIONS.names)


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """What one predictor of a model folder has seen.

    Attributes:
        training: uint64 (n, 4) of the faces that it was trained on.
        validation: uint64 (m, 4) of those that it was only chosen, calibrated or weighed by.
        places: of eyes and lips; see `places_of`.
        unknown: the names of models that it began with and that have no such list.
        model: the SHA-256 of its model, so that a list is never taken for another's; empty where it has none.
    """

    training: Hashes = field(default_factory=lambda: NO_HASHES)
    validation: Hashes = field(default_factory=lambda: NO_HASHES)
    places: tuple[str, ...] = places_of()
    unknown: tuple[str, ...] = ()
    model: str = ""

    def after(self, earlier: "Fingerprints") -> "Fingerprints":
        """These, of what began with a model that had seen others."""
        unknown = tuple(dict.fromkeys((*self.unknown, *earlier.unknown)))
        if earlier.count and earlier.places != self.places:
            return replace(self, unknown=(*unknown, "models of other regions"))
        return replace(
            self,
            training=np.unique(np.concatenate([self.training, earlier.training]), axis=0),
            validation=np.unique(np.concatenate([self.validation, earlier.validation]), axis=0),
            unknown=unknown,
        )

    @property
    def count(self) -> int:
        """How many faces there are. Also without any, such a list may tell what is unknown."""
        return len(self.training) + len(self.validation)


def together(predictors: Iterable[Fingerprints]) -> Fingerprints:
    """What some predictors of a folder have seen between them."""
    first, *others = predictors
    for other in others:
        first = first.after(other)
    return replace(first, model="")


# --- of data sets -----------------------------------------------------------------------------------


def hashes_of_dataset(folder: Path, splits: Collection[Split]) -> Hashes:
    """The fingerprints of some parts of a data set, uint64 (n, 4), in the manifest's order.

    Raises:
        DatasetError: `folder` is no data set, or lacks a crop.
    """
    inner = read_options(folder).middle
    found = []
    for row in (row for row in read_manifest(folder) if row["split"] in splits):
        eyes, lips = (read_gray(crop_path(folder, region, row)) for region in REGIONS.names)
        if eyes is None or lips is None:
            raise DatasetError(f"{crop_path(folder, 'eyes', row)} is missing: make the data set again.")
        found.append(face_hash(eyes[inner], lips[inner]))
    return np.array(found, np.uint64).reshape(-1, _WORDS)


def of_dataset(
    folder: Path, training: Collection[Split] = (), validation: Collection[Split] = ()
) -> Fingerprints:
    """The fingerprints of the parts of a data set that something is trained and validated on.

    Raises:
        DatasetError: as `hashes_of_dataset`.
    """
    return Fingerprints(
        hashes_of_dataset(folder, training),
        hashes_of_dataset(folder, validation),
        places_of(read_options(folder).places),
    )


# --- on disk ----------------------------------------------------------------------------------------


def read(folder: Path) -> dict[str, Fingerprints]:
    """The list of a folder, by predictor; empty where it has none.

    Raises:
        ModelFileError: the file is damaged, or of another version of the program.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    advice = "Delete it: then nothing is known of the faces that these models were trained on."
    try:
        check_regular(path)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            if about["format"] != FORMAT:
                raise ModelFileError(f"{path} is of another version of the program. {advice}")
            hashes = np.asarray(stored["hashes"], np.uint64).reshape(-1, _WORDS)
            roles = np.asarray(stored["roles"], np.uint8).reshape(len(about["predictors"]), len(hashes))
        return {
            one["name"]: _predictor(one, hashes, row)
            for one, row in zip(about["predictors"], roles, strict=True)
        }
    except OSError as error:
        raise unreadable_model(path, error, advice) from error
    except (KeyError, TypeError, ValueError, EOFError, BadZipFile, OverflowError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is damaged. {advice}") from error


def _predictor(about: dict[str, Any], hashes: Hashes, roles: npt.NDArray[np.uint8]) -> Fingerprints:
    return Fingerprints(
        hashes[roles == _TRAINING],
        hashes[roles == _VALIDATION],
        tuple(map(str, about["places"])),
        tuple(map(str, about["unknown"])),
        str(about["model"]),
    )


def of_models(folder: Path, name: str, predictors: Collection[str] = ()) -> Fingerprints:
    """What models that others begin with have seen, as far as it is known.

    Args:
        folder: of the models, or of a run.
        name: by which they are called where nothing is known.
        predictors: which of them; none: all.

    Raises:
        ModelFileError: the folder's list is damaged.
    """
    known = {key: one for key, one in read(folder).items() if not predictors or key in predictors}
    return together(known.values()) if known else Fingerprints(unknown=(name,))


def write(folder: Path, predictors: Mapping[str, Fingerprints]) -> None:
    """Write the list of a folder; without any predictor there is none.

    No earlier version is kept beside it: who deletes the list has deleted it.

    Raises:
        ShippedModelsError: the folder is that of the models that ship.
    """
    refuse_shipped(folder)
    path = folder / FILE
    if not predictors:
        path.unlink(missing_ok=True)
        return
    every = [hashes for one in predictors.values() for hashes in (one.training, one.validation)]
    hashes = np.unique(np.concatenate(every), axis=0)
    roles = np.zeros((len(predictors), len(hashes)), np.uint8)
    for row, one in zip(roles, predictors.values(), strict=True):
        row[_rows(hashes, one.validation)] = _VALIDATION
        row[_rows(hashes, one.training)] = _TRAINING
    about = {
        "format": FORMAT,
        "predictors": [
            {"name": name, "places": one.places, "unknown": one.unknown, "model": one.model}
            for name, one in predictors.items()
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_output(path) as made, open(made, "wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), hashes=hashes, roles=roles)


def write_one(folder: Path, name: str, one: Fingerprints | None) -> None:
    """Replace the entry of one predictor in a folder's list; None: remove it.

    Raises:
        ModelFileError: the list that is there is damaged.
        ShippedModelsError: the folder is that of the models that ship.
    """
    others = {key: value for key, value in read(folder).items() if key != name}
    write(folder, others | ({name: one} if one is not None else {}))


def _rows(table: Hashes, some: Hashes) -> npt.NDArray[np.int64]:
    """Where hashes stand in a table without repetitions that holds them all."""
    places = {row.tobytes(): index for index, row in enumerate(table)}
    return np.array([places[row.tobytes()] for row in some], np.int64)
