"""Manifests: the JSON beside a model that describes it. Nothing is inferred from file names.

``eyes.json`` beside ``eyes.onnx`` (abridged), and ``eyes.int8.json`` beside ``eyes.int8.onnx``
where a quantised version is offered::

    {"format": 1, "region": "eyes", "architecture": "DenseNet201", "file": "eyes.onnx",
     "sha256": "...", "precision": "...", "size": [48, 96], "classes": ["happiness", ...],
     "temperature": 1.0, "data": "...", "scores": {...}}

Models of other classes or regions add: ``"colours": {"dark": ["#..."], "white": ["#..."]}`` and
``"neutral": "calm"`` (see `models.classes.Classes`), and ``"place": {"left": 0, "top": 12, "width": 128,
"height": 64, "pixels_per_point": 0.75}`` on the canvas of `models.regions`. Missing entries are as in the
models that ship; the place of ``face`` is known, too. All models of a folder have the same classes,
and its ``weights.json`` lists the regions that vote, in order: ``"regions": ["eyes", "lips", "brow"]``; by
default eyes and lips.
"""

import json
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from emotion.models.atomic_files import write_atomically
from emotion.models.classes import SIX, Classes
from emotion.models.errors import ModelFileError, unreadable_model
from emotion.models.regions import KNOWN, REGIONS, Region, Regions
from emotion.models.schema import Schema
from emotion.models.signature import Signature
from emotion.models.small_files import read_json, sha256

FORMAT = 1
ZOO = Path(__file__).parent / "zoo"
"""The models that ship: DenseNet201 for the eyes (`standard`), and those for landmarks."""
LITE = ZOO / "lite"
"""Those with a small network for the eyes too."""
DEFAULT = LITE
"""The default: more accurate than `ZOO`'s, with a sixth of the work."""
INPUT = "crops"
"""The name of a model's input."""
Precision: TypeAlias = Literal["fp32", "int8"]
PrecisionChoice: TypeAlias = Literal["auto", "fp32", "int8"]


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """The description of one ONNX file.

    Attributes:
        region: of the face that the model classifies.
        architecture: the network's name.
        file: the ONNX file's name, in the manifest's folder or a subfolder: a file that two folders share is
            stored once, as the lips of `standard` in ``lite/lips.onnx``.
        sha256: of that file.
        precision: of weights and computation.
        size: (height, width) of the uint8 gray crops it takes.
        temperature: by which logits were divided to calibrate them (Guo et al. 2017).
        data: the training photographs, and their terms.
        scores: from the project's evaluation of this file.
        classes: in the order of the outputs.
        place: of the region; None: that of the same name in `regions.KNOWN`.
        format: of the manifest.
        made_from: of a quantised model: the sha256 of the float model.
    """

    region: str
    architecture: str
    file: str
    sha256: str
    precision: str
    size: tuple[int, int]
    temperature: float = 1.0
    data: str = ""
    scores: dict[str, Any] = field(default_factory=dict)
    classes: Classes = SIX
    place: Region | None = None
    format: int = FORMAT
    made_from: str = ""

    @property
    def where(self) -> Region:
        """The region on the canvas.

        Raises:
            KeyError: it has no `place`, and no known one has its name.
        """
        return self.place or KNOWN[self.region]

    @property
    def int8(self) -> bool:
        """Whether it is a quantised model."""
        return bool(self.made_from)

    @property
    def signature(self) -> Signature:
        """The model's signature, for an engine."""
        shape, output = (*self.size, 1), (len(self.classes),)
        return Signature(self.region, self.sha256, INPUT, shape, "uint8", output, self.int8)

    def path(self, folder: Path) -> Path:
        """Its path in a folder: ``<region>.json``, or ``<region>.int8.json``."""
        return manifest_path(folder, self.region, "int8" if self.int8 else "fp32")

    def to_json(self) -> str:
        """The file's text."""
        values = asdict(self) | {"classes": list(self.classes)}
        del values["place"]
        if self.classes != Classes(self.classes.names):
            values["colours"] = {"dark": self.classes.on_dark, "white": self.classes.on_white}
            values["neutral"] = self.classes.neutral
        if self.place is not None:
            values["place"] = {key: value for key, value in asdict(self.place).items() if key != "name"}
        return json.dumps(values, indent=2) + "\n"

    def save(self, folder: Path) -> Path:
        """Write it into a folder; an existing file is replaced."""
        path = self.path(folder)
        write_atomically(path, self.to_json())
        return path


def manifest_path(folder: Path, region: str, precision: Precision = "fp32") -> Path:
    """The path of a model's manifest."""
    return folder / (f"{region}.json" if precision == "fp32" else f"{region}.{precision}.json")


def model_path(folder: Path, region: str, precision: Precision = "fp32") -> Path:
    """The path of a region's model, from its manifest; by default beside it."""
    manifest = manifest_path(folder, region, precision)
    name = _values(manifest).get("file")
    return folder / name if isinstance(name, str) and _is_below(name) else manifest.with_suffix(".onnx")


def choose_precision(folder: Path, region: str) -> Precision:
    """int8 if the folder has it, made from the model beside it; else fp32."""
    quantised, plain = (_values(manifest_path(folder, region, kind)) for kind in ("int8", "fp32"))
    return "int8" if quantised and quantised.get("made_from") == plain.get("sha256") else "fp32"


def _values(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return {}


def read_manifest(folder: Path, region: str, precision: Precision = "fp32") -> ModelManifest:
    """Read a region's manifest and check that its model is the one described.

    Raises:
        ModelFileError: the manifest or the model is missing, changed, or made for another version
            of the program; or a quantised model was made from another model than the one beside it.
    """
    path = manifest_path(folder, region, precision)
    advice = f"Install emotion-live again, or make the {region} model again with 'emotion export'."
    if precision == "int8":
        advice = f"Make it with 'emotion quantise {region}', or run with --precision fp32."
    try:
        values = read_json(path)
        if values.get("format") != FORMAT:
            raise ModelFileError(f"{path} has format {values.get('format')}, not {FORMAT}. {advice}")
        manifest = _from_json(values)
        digest = sha256(folder / manifest.file)
    except OSError as error:
        if not folder.is_dir() or not (path.exists() or any(folder.glob("*.json"))):
            state = f"{folder} has no models" if folder.is_dir() else f"There is no model folder {folder}"
            raise ModelFileError(
                f"{state}: 'emotion models list' shows the names of the model folders that there are; others "
                "are named by their path."
            ) from error
        raise unreadable_model(error.filename, error, advice) from error
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is not a model manifest ({error}). {advice}") from error
    _check(manifest, region, path, advice)
    if precision == "int8" and manifest.made_from != _values(manifest_path(folder, region)).get("sha256"):
        raise ModelFileError(f"{path} was quantised from another {region} model than the one here. {advice}")
    if digest != manifest.sha256:
        raise ModelFileError(f"{folder / manifest.file} is damaged or changed (wrong sha256). {advice}")
    return manifest


def _from_json(values: dict[str, Any]) -> ModelManifest:
    rest = dict(values)
    colours, place = rest.pop("colours", {}), rest.pop("place", None)
    classes = Classes(
        tuple(rest["classes"]),
        tuple(colours.get("dark", ())),
        tuple(colours.get("white", ())),
        rest.pop("neutral", None),
    )
    where = Region(rest["region"], **place) if place else None
    manifest = ModelManifest(**rest | {"size": tuple(rest["size"]), "classes": classes, "place": where})
    _check_kinds(manifest)
    return manifest


def _check_kinds(manifest: ModelManifest) -> None:
    """Whether each field has the right type; JSON may hold anything."""
    for name in ("region", "architecture", "file", "sha256", "precision", "data", "made_from"):
        if not isinstance(getattr(manifest, name), str):
            raise ValueError(f"{name!r} is no text")
    if not _is_below(manifest.file):
        raise ValueError("'file' is no name of a file beside it")
    temperature = manifest.temperature
    if isinstance(temperature, bool) or not (
        isinstance(temperature, int | float) and math.isfinite(temperature) and temperature > 0
    ):
        raise ValueError("'temperature' is no positive number")
    if not isinstance(manifest.scores, dict):
        raise ValueError("'scores' is no object")


def _is_below(name: str) -> bool:
    """Whether a relative name stays inside its folder, by the rules of every system."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") and not re.search(r"[\\:]", part) for part in parts)


def schema_of(manifests: Iterable[ModelManifest]) -> Schema:
    """The classes and regions of a folder's models.

    Raises:
        ModelFileError: two of them have different classes.
    """
    found = list(manifests)
    first = found[0]
    for other in found[1:]:
        if other.classes != first.classes:
            raise ModelFileError(
                f"The models of {first.region} and {other.region} have different classes ({first.classes}; "
                f"{other.classes}): make them again with 'emotion export' from one data set."
            )
    return Schema(first.classes, Regions(tuple(manifest.where for manifest in found)))


def regions_there(folder: Path) -> tuple[str, ...]:
    """The regions of which a model folder has a manifest: the known ones first, then by name."""
    names = (_values(path).get("region") for path in folder.glob("*.json"))
    found = {name for name in names if name and isinstance(name, str)}
    known = [name for name in KNOWN.names if name in found]
    return (*known, *sorted(found.difference(known)))


def voting_regions(folder: Path, chosen: Collection[str] = ()) -> tuple[str, ...]:
    """Which regions of a model folder vote, in order, by its ``weights.json``.

    Eyes and lips by default; if there is no such file yet, all that have a manifest.

    Args:
        folder: of the models.
        chosen: only these of all that have a manifest, in the folder's order; none: the folder's own.

    Raises:
        ModelFileError: the list is invalid, or a chosen region is missing.
    """
    values = _values(folder / "weights.json")
    names = values.get("regions", REGIONS.names) if values else regions_there(folder) or REGIONS.names
    if not (isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names)):
        raise ModelFileError(
            f"{folder / 'weights.json'} is not a table of vote weights ('regions' are no names). Make it "
            "with 'emotion weights', or install emotion-live again."
        )
    if not chosen:
        return tuple(names)
    there = tuple(dict.fromkeys((*names, *regions_there(folder))))
    missing = next((name for name in chosen if name not in there), None)
    if missing is not None:
        raise ModelFileError(f"{folder} has no model of the region {missing}: it has {', '.join(there)}.")
    return tuple(name for name in there if name in chosen)


def read_schema(folder: Path) -> Schema:
    """The classes and regions of a model folder.

    Raises:
        ModelFileError: as `read_manifest`.
    """
    return schema_of(read_manifest(folder, region) for region in voting_regions(folder))


def _check(manifest: ModelManifest, region: str, path: Path, advice: str) -> None:
    if manifest.region != region:
        raise ModelFileError(f"{path} is of a model for the {manifest.region}, not the {region}. {advice}")
    if manifest.place is None and region not in KNOWN:
        raise ModelFileError(f"{path} does not say where the {region} are ('place'). {advice}")
    if manifest.size != manifest.where.size:
        raise ModelFileError(f"{path} wants crops of {manifest.size}, not {manifest.where.size}. {advice}")
