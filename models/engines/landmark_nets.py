"""MediaPipe's three nets for faces as ONNX files: detector, landmarks, blendshapes.

`exporters/landmarks.py` makes them of ``face_landmarker.task`` and writes ``landmarks.json`` beside
them (abridged)::

    {"format": 1, "made_from": "<sha256 of face_landmarker.task>",
     "nets": {"face_detector": {"file": "face_detector.onnx", "sha256": "..."}, ...}}
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from emotion.models.engines.providers import NetOptions, Provider
from emotion.models.engines.session import Net
from emotion.models.errors import ModelFileError, unreadable_model
from emotion.models.manifest import ZOO
from emotion.models.signature import Signature
from emotion.models.small_files import read_json, sha256

FORMAT = 1
MANIFEST = "landmarks.json"
DETECTOR_SIDE = 128
CROP_SIDE = 256
ANCHORS = 896
LANDMARKS = 478

NetName: TypeAlias = Literal["face_detector", "face_landmarks", "face_landmarks.cpu", "face_blendshapes"]
NET_NAMES: tuple[NetName, ...] = get_args(NetName)


@dataclass(frozen=True, slots=True)
class LandmarkNets:
    """The nets, loaded once and shared by all threads. Heavy, and without state.

    Attributes:
        detector: uint8 (n, 128, 128, 3) RGB to float32 (n, 896, 17): for each anchor 16 coordinates of a
            box and its key points in 128ths of the picture, and the logit of a face.
        landmarks: uint8 (n, 256, 256, 3) RGB, upright faces, to float32 (n, 1435): x, y, z of 478
            landmarks in pixels, and the logit of a face.
        blendshapes: float32 (n, 146, 2), landmarks in pixels of any picture, to float32 (n, 52).
    """

    detector: Net
    landmarks: Net
    blendshapes: Net

    @classmethod
    def load(cls, options: NetOptions, folder: Path = ZOO) -> "LandmarkNets":
        """The nets of a folder, checked and ready to run.

        Args:
            options: of the engine.
            folder: holds ``landmarks.json`` and the files that it names.

        Raises:
            ModelFileError: a file is missing or changed, or of another version.
            ProviderError: the provider that was requested by name is not available.
        """
        signatures = read_signatures(folder)

        def net(name: NetName, cpu: NetName | None = None) -> Net:
            def find(provider: Provider) -> tuple[Path, Signature]:
                chosen = cpu if cpu and provider.name == "cpu" else name
                return folder / f"{chosen}.onnx", signatures[chosen]

            return Net(find, options)

        nets = cls(
            net("face_detector"), net("face_landmarks", cpu="face_landmarks.cpu"), net("face_blendshapes")
        )
        for started in (nets.detector, nets.landmarks, nets.blendshapes):
            started.warm_up()
        return nets

    @property
    def batches(self) -> bool:
        """Whether several pictures at once are cheaper than one after the other; on a CPU they aren't."""
        return self.landmarks.provider.name != "cpu"


def signature(name: NetName, digest: str) -> Signature:
    """The signature of a net with a given SHA-256."""
    match name:
        case "face_detector":
            side = DETECTOR_SIDE
            return Signature(name, digest, "pictures", (side, side, 3), "uint8", (ANCHORS, 17))
        case "face_blendshapes":
            return Signature(name, digest, "points", (146, 2), "float32", (52,))
        case _:
            side = CROP_SIDE
            return Signature(name, digest, "crops", (side, side, 3), "uint8", (3 * LANDMARKS + 1,))


def read_signatures(folder: Path) -> dict[NetName, Signature]:
    """The nets of a folder, each checked against its manifest.

    Raises:
        ModelFileError: a file is missing or changed, or of another version.
    """
    path = folder / MANIFEST
    advice = "Install emotion-live again, or run with --landmarks mediapipe."
    try:
        values = read_json(path)
        if values.get("format") != FORMAT:
            raise ModelFileError(f"{path} has format {values.get('format')}, not {FORMAT}. {advice}")
        wanted = {name: values["nets"][name]["sha256"] for name in NET_NAMES}
        found = {name: sha256(folder / f"{name}.onnx") for name in NET_NAMES}
    except OSError as error:
        raise unreadable_model(error.filename, error, advice) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} is not a manifest of the landmark nets. {advice}") from error
    for name in NET_NAMES:
        if wanted[name] != found[name]:
            raise ModelFileError(f"{folder / name}.onnx is damaged or changed (wrong sha256). {advice}")
    return {name: signature(name, found[name]) for name in NET_NAMES}
