"""The cost of each stage alone, one frame after the other, without threads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from emotion.benchmarks.timing import Timing, time_each
from emotion.models.engines.session import RegionModel
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame, FaceFrame, PredictionFrame, VideoFrame
from emotion.realtime.session import Models
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.faces import FaceFinder
from emotion.realtime.stages.people import People

AFTER = ("draw", "encode")
"""The stages after the analysis, which has all stages from a file to its results."""


@dataclass(frozen=True, slots=True)
class StageTimes:
    """The stages in order, for one clip."""

    clip: str
    stages: tuple[Timing, ...]

    def cpu(self) -> float:
        """Processor milliseconds a frame of the analysis."""
        return sum(stage.cpu for stage in self.stages if stage.name not in AFTER)

    def bound(self, cores: int) -> float:
        """Frames a second if these cores did nothing but the analysis, one thread each."""
        return 1000 * cores / self.cpu()


def measure_stages(name: str, clip: Path, models: Models, max_faces: int, frames: int) -> StageTimes:
    """Time each stage on the first frames of a clip.

    Args:
        name: of the clip, for the report.
        clip: the video.
        models: loaded with one thread each.
        max_faces: maximum number of faces in a frame.
        frames: number of measured frames.
    """
    with VideoFile(clip) as video:
        info = video.info
        reader = iter(video)
        pictures, decode = time_each("decode", lambda _: next(reader), range(min(frames, _length(video))))
    schema = models.schema
    found, landmarks, crops = _faces(pictures, max_faces, models)
    predicted, times = [], []
    for index, model in enumerate(models.regions):
        probabilities, timing = time_each(model.manifest.region, _predictor(model, index), found)
        predicted.append(probabilities)
        times.append(timing)
    predictions = [
        PredictionFrame(f.frame, f.faces, np.stack(rows), schema=schema)
        for f, *rows in zip(found, *predicted, strict=True)
    ]
    people = People(models.weights)
    results, vote = time_each("vote", lambda item: next(iter(people.process([item]))), predictions)
    overlay = Overlay()
    drawn, draw = time_each("draw", overlay.draw, results)
    encode = _encode(info, results, drawn)
    return StageTimes(name, (decode, landmarks, crops, *times, vote, draw, encode))


def _predictor(model: RegionModel, index: int) -> Callable[[FaceFrame], npt.NDArray[np.float32]]:
    return lambda item: model([face.crops[index].image for face in item.faces])


def _length(video: VideoFile) -> int:
    return video.info.frame_count or 1


def _faces(
    pictures: list[VideoFrame], max_faces: int, models: Models
) -> tuple[list[FaceFrame], Timing, Timing]:
    """The faces, and the cost of detecting them and cutting their crops."""
    finder = FaceFinder(max_faces, nets=models.nets, regions=models.schema.regions)

    def look(picture: VideoFrame) -> FaceFrame:
        item = next(iter(finder.process([picture])))
        for face in item.faces:
            _ = face.blendshapes  # computed on first use: else they would count as part of the vote
        return item

    try:
        for picture in islice(pictures, 1):
            list(finder.process([picture]))  # creates the landmarkers for this number of faces
        found, landmarks = time_each("landmarks", look, pictures)
    finally:
        finder.close()
    # They are cut on first use.
    _, crops = time_each("crops", lambda item: [tuple(face.crops) for face in item.faces], found)
    return found, landmarks, crops


def _encode(info: VideoInfo, results: Sequence[EmotionFrame], drawn: Sequence[np.ndarray]) -> Timing:
    """Encoding runs in its own threads and returns frames later: closing is part of it."""
    with TemporaryDirectory() as folder:
        sink = Mp4Sink(Path(folder) / "encoded.mp4", info)
        pairs: list[tuple[EmotionFrame, np.ndarray] | None] = [*zip(results, drawn, strict=True), None]
        _, all_of_it = time_each("encode", lambda pair: sink.write(*pair) if pair else sink.close(), pairs)
    # One item more than there are frames: closing, too.
    scale = len(pairs) / len(results)
    mean, cpu = all_of_it.mean * scale, all_of_it.cpu * scale
    return Timing("encode", len(results), mean, all_of_it.p50, all_of_it.p95, all_of_it.p99, cpu)
