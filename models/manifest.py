"""The JSON beside a model that says what it is. A model is never guessed from its file name.

``eyes.json`` beside ``eyes.onnx`` (abridged), and ``eyes.int8.json`` beside ``eyes.int8.onnx``
where a quantised version is offered::

    {"format": 1, "region": "eyes", "architecture": "DenseNet201", "file": "eyes.onnx",
     "sha256": "...", "precision": "...", "size": [48, 96], "classes": ["happiness", ...],
     "temperature": 1.0, "data": "...", "scores": {...}}
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from emotion.models.classes import EMOTIONS
from emotion.models.errors import ModelFileError
from emotion.models.regions import REGIONS, RegionName
from emotion.models.signature import Signature

FORMAT = 1
ZOO = Path(__file__).parent / "zoo"
"""The models that ship."""
LITE = ZOO / "lite"
"""Those with a small network for the eyes, for machines on which DenseNet201 is too slow."""
INPUT = "crops"
"""What a model's input is called."""
Precision: TypeAlias = Literal["fp32", "int8"]
PrecisionChoice: TypeAlias = Literal["auto", "fp32", "int8"]


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """What one ONNX file is.

    Attributes:
        region: what the model looks at.
        architecture: the network's name.
        file: the ONNX file's name, in the manifest's folder.
        sha256: of that file.
        precision: how the weights are stored and computed with.
        size: (height, width) of the uint8 gray crops it takes.
        temperature: by which logits were divided to calibrate them (Guo et al. 2017).
        data: which photographs it learnt from, and their terms.
        scores: what the project's evaluation printed for this file.
        classes: in the order of the outputs.
        format: of the manifest.
        made_from: of a quantised model: the sha256 of the model that it stands for.
    """

    region: RegionName
    architecture: str
    file: str
    sha256: str
    precision: str
    size: tuple[int, int]
    temperature: float = 1.0
    data: str = ""
    scores: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = EMOTIONS
    format: int = FORMAT
    made_from: str = ""

    @property
    def int8(self) -> bool:
        """Whether it is a quantised model."""
        return bool(self.made_from)

    @property
    def signature(self) -> Signature:
        """What an engine has to know of the model."""
        shape, output = (*self.size, 1), (len(self.classes),)
        return Signature(self.region, self.sha256, INPUT, shape, "uint8", output, self.int8)

    def path(self, folder: Path) -> Path:
        """Where it stands in a folder: ``<region>.json``, or ``<region>.int8.json``."""
        return manifest_path(folder, self.region, "int8" if self.int8 else "fp32")

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def save(self, folder: Path) -> Path:
        """Write it into a folder; what was there of that name is gone."""
        path = self.path(folder)
        path.write_text(self.to_json(), encoding="utf-8")
        return path


def manifest_path(folder: Path, region: RegionName, precision: Precision = "fp32") -> Path:
    """Where the manifest of a model stands."""
    return folder / (f"{region}.json" if precision == "fp32" else f"{region}.{precision}.json")


def choose_precision(folder: Path, region: RegionName) -> Precision:
    """int8 where the folder offers it, made from the very model beside it; else fp32."""
    quantised, plain = (_values(manifest_path(folder, region, kind)) for kind in ("int8", "fp32"))
    return "int8" if quantised and quantised.get("made_from") == plain.get("sha256") else "fp32"


def _values(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def read_manifest(folder: Path, region: RegionName, precision: Precision = "fp32") -> ModelManifest:
    """Read a region's manifest and check that its model is the one it speaks of.

    Raises:
        ModelFileError: the manifest or the model is missing, changed, or made for another version
            of the program; or a quantised model stands for another model than the one beside it.
    """
    path = manifest_path(folder, region, precision)
    advice = f"Install emotion-live again, or make the {region} model anew with 'emotion export'."
    if precision == "int8":
        advice = f"Make it with 'emotion quantise {region}', or run with --precision fp32."
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.get("format") != FORMAT:
            raise ModelFileError(f"{path} has format {values.get('format')}, not {FORMAT}. {advice}")
        manifest = ModelManifest(
            **values | {"size": tuple(values["size"]), "classes": tuple(values["classes"])}
        )
        digest = sha256(folder / manifest.file)
    except OSError as error:
        raise ModelFileError(f"{error.filename} cannot be read ({error.strerror}). {advice}") from error
    except (json.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
        raise ModelFileError(f"{path} is not a model manifest. {advice}") from error
    _check(manifest, region, path, advice)
    if precision == "int8" and manifest.made_from != _values(manifest_path(folder, region)).get("sha256"):
        raise ModelFileError(f"{path} was quantised from another {region} model than the one here. {advice}")
    if digest != manifest.sha256:
        raise ModelFileError(f"{folder / manifest.file} is damaged or changed (wrong sha256). {advice}")
    return manifest


def _check(manifest: ModelManifest, region: RegionName, path: Path, advice: str) -> None:
    if manifest.region != region:
        raise ModelFileError(f"{path} is of a model for the {manifest.region}, not the {region}. {advice}")
    if manifest.classes != EMOTIONS:
        raise ModelFileError(
            f"{path} has the classes {', '.join(manifest.classes)}; this program's are "
            f"{', '.join(EMOTIONS)}, in this order. {advice}"
        )
    if manifest.size != REGIONS[region].size:
        raise ModelFileError(f"{path} wants crops of {manifest.size}, not {REGIONS[region].size}. {advice}")


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
