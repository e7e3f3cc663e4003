"""What is loaded once and shared by all sessions."""

from dataclasses import dataclass
from pathlib import Path

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.options import LandmarksChoice
from emotion.models.engines.providers import NetOptions
from emotion.models.engines.session import ProviderName, RegionModel
from emotion.models.manifest import ZOO, PrecisionChoice
from emotion.models.voting.vote import VoteWeights

# The most pictures or faces that a landmark net takes at once.
_NET_BATCH = 8


@dataclass(frozen=True, slots=True)
class Models:
    """What is loaded once and shared by all videos. Heavy, and without state.

    Attributes:
        eyes, lips: the models.
        weights: of the vote.
        nets: that find faces; MediaPipe does where there are none.
    """

    eyes: RegionModel
    lips: RegionModel
    weights: VoteWeights
    nets: LandmarkNets | None = None

    @classmethod
    def load(
        cls,
        folder: Path = ZOO,
        provider: ProviderName = "auto",
        threads: int = 1,
        precision: PrecisionChoice = "auto",
        landmarks: LandmarksChoice = "mediapipe",
        *,
        cache: Path | None = None,
    ) -> "Models":
        """Both models and the vote's weights from a model folder, ready to run.

        Args:
            folder: holds eyes.onnx, lips.onnx, their manifests and weights.json.
            provider: where the models run, and the landmark nets.
            threads: intra-op threads of each model on the CPU.
            precision: ``auto`` takes quantised models where the folder offers them and they pay.
            landmarks: ``onnx`` finds faces with MediaPipe's nets in ONNX Runtime, which is made for
                GPUs; ``mediapipe`` leaves them to MediaPipe, on the CPU.
            cache: folder for what providers compile.

        Raises:
            ModelFileError: a file is missing, damaged, or of another version.
            MissingDependencyError: the provider is not there.
        """
        eyes, lips = (
            RegionModel(folder, region, provider, threads, precision, cache=cache)
            for region in ("eyes", "lips")
        )
        for model in (eyes, lips):
            model.warm_up()
        nets = None
        if landmarks == "onnx":
            nets = LandmarkNets.load(NetOptions(provider, threads, max_batch=_NET_BATCH, cache=cache))
        return cls(eyes, lips, VoteWeights.read(folder), nets)
