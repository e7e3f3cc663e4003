"""The stages between a source and its results, put together for this machine."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.options import LandmarksChoice
from emotion.models.engines.providers import NetOptions
from emotion.models.engines.session import ProviderName, RegionModel
from emotion.models.manifest import ZOO, PrecisionChoice
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.pipeline.pipeline import Step
from emotion.realtime.stages.classifier import EmotionClassifier
from emotion.realtime.stages.faces import FaceFinder
from emotion.realtime.stages.load_shedding import LoadShedder, LoadSheddingClassifier
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People

# More would wait for one another: one finder feeds about so many one-thread classifiers.
_MOST_CLASSIFIERS = 4
# The most pictures or faces that a landmark net takes at once.
_NET_BATCH = 8


def available_cores() -> int:
    """How many cores this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_classifiers(cores: int | None = None) -> int:
    """A worker a core, for the system to share out: two where there is one core or two."""
    return max(2, min(_MOST_CLASSIFIERS, cores or available_cores()))


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


@dataclass(frozen=True, slots=True)
class Workers:
    """How the costly stages share out their work.

    Attributes:
        classifiers: that ask the models; results do not depend on how many there are.
        finders: that follow faces, each through a share of the frames: landmarks tremble a little more
            than with one, by less than a hundredth of the distance between the eyes.
        batch: how many frames a classifier takes at once.
        stride: faces are looked for in one of so many frames, and lie between in the others: half a
            hundredth of that distance away, at 30 frames a second and a stride of two. The models see
            each frame all the same.
    """

    classifiers: int = field(default_factory=default_classifiers)
    finders: int = 1
    batch: int = 8
    stride: int = 1

    def __post_init__(self) -> None:
        if min(self.classifiers, self.finders, self.batch, self.stride) < 1:
            raise ValueError("there is one classifier, one finder, one frame a batch and a stride at least")


def stages(
    models: Models,
    max_faces: int = 4,
    ensemble: VoteOptions | None = None,
    workers: Workers | None = None,
) -> list[Step]:
    """All stages from `VideoFrame` to `EmotionFrame` for a file: whole batches, no hurry.

    Args:
        models: from `Models.load`.
        max_faces: the most faces in a frame.
        ensemble: `VoteOptions()` where not given.
        workers: `Workers()` where not given.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
    """
    workers = workers or Workers()
    return [
        FaceFinder(max_faces, nets=models.nets, turns=workers.finders, stride=workers.stride),
        [
            EmotionClassifier(models.eyes, models.lips, workers.batch, full=True)
            for _ in range(workers.classifiers)
        ],
        People(models.weights, ensemble),
    ]


def live_stages(
    models: Models, load_shedder: LoadShedder, max_faces: int = 4, ensemble: VoteOptions | None = None
) -> list[Step]:
    """All stages of a live stream: one picture at a time, and less where the load_shedder says so.

    Args:
        models: from `Models.load`.
        load_shedder: decides what is left out.
        max_faces: the most faces in a frame.
        ensemble: `VoteOptions()` where not given.

    Raises:
        ModelFileError: the landmark model is missing or damaged.
    """
    # One classifier: a second would work on the next picture while this one is waited for.
    classifier = EmotionClassifier(models.eyes, models.lips, batch=1)
    finder = FaceFinder(max_faces, nets=models.nets)
    return [finder, LoadSheddingClassifier(classifier, load_shedder), People(models.weights, ensemble)]
