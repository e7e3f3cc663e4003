"""The JSON beside a model that says what it is. A model is never guessed from its file name.

``eyes.json`` beside ``eyes.onnx`` (abridged)::

    {"format": 1, "region": "eyes", "architecture": "DenseNet201", "file": "eyes.onnx",
     "sha256": "...", "precision": "...", "classes": ["happiness", ...],
     "input": {"name": "crops", "dtype": "uint8", "layout": "NHWC", "size": [48, 96],
               "pixels_per_point": 0.75},
     "temperature": 1.0, "data": "...", "scores": {...}}
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.emotions import EMOTIONS
from models.errors import ModelFileError
from models.regions import REGIONS, RegionName

FORMAT = 1
ZOO = Path(__file__).parent / "zoo"


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

    def save(self, folder: Path) -> Path:
        """Write ``<region>.json`` into a folder."""
        path = folder / f"{self.region}.json"
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path


def read_manifest(folder: Path, region: RegionName) -> ModelManifest:
    """Read a region's manifest and check that its model is the one it speaks of.

    Raises:
        ModelFileError: the manifest or the model is missing, changed, or made for another version
            of the program.
    """
    path = folder / f"{region}.json"
    advice = f"Install emotion-live again, or make the {region} model anew with 'emotion export'."
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
