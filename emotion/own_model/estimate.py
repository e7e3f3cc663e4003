"""Estimates the duration of a run from steps that were measured on this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import av
import numpy as np

from emotion.exporters.head import features_of
from emotion.models.cores import available_cores
from emotion.models.data.folders import files_below
from emotion.models.data.image_io import SUFFIXES, PictureError, read_photograph
from emotion.models.data.label_folders import VIDEOS
from emotion.models.data.label_tables import is_table, read_rows
from emotion.models.data.video_frames import sample_frames
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker
from emotion.models.faces.portrait import find_portrait
from emotion.models.regions import Image, Region, Regions
from emotion.models.words import counted
from emotion.own_model.clock import about

_Item = TypeVar("_Item")
_PHOTOGRAPHS, _CROPS = 6, 32
_VIDEOS, _PROBED = 2, 100
# Cost of a training step for a crop with augmentation, relative to inference.
_LEARNT = 4.0
# Fixed costs (the report's intervals, the vote, loading of libraries), relative to the analysis of a
# photograph: 10 s of one core if that takes 22 ms.
_FIXED = 450


@dataclass(frozen=True, slots=True)
class Estimate:
    """Measured seconds.

    Attributes:
        photographs: their number.
        analyse: to analyse one photograph, on one core.
        predict: to run all networks on one face and its mirror image, on all cores.
        measured: number of measured pictures.
        videos: their number.
        frames: approximate number of frames taken from them.
    """

    photographs: int
    analyse: float
    predict: float
    measured: int
    videos: int = 0
    frames: int = 0

    @property
    def pictures(self) -> int:
        """Photographs and frames."""
        return self.photographs + self.frames

    def knows(self, epochs: float) -> bool:
        """Whether the time of so many epochs can be estimated: not for a network that does not exist yet."""
        return self.measured > 0 and (self.predict > 0 or not epochs)

    def seconds(self, workers: int, epochs: float) -> float:
        """The total.

        Args:
            workers: processes that analyse photographs.
            epochs: if more than last layers are trained.
        """
        return (
            self.pictures * (self.analyse / workers + self.predict * (1 + epochs * _LEARNT / 2))
            + _FIXED * self.analyse
        )


def measure(roots: Sequence[Path], begin: Path | None, regions: Regions, every: float = 0.5) -> Estimate:
    """Measure the analysis of some photographs, and the networks on as many crops.

    Args:
        roots: folders of photographs.
        begin: folder with a network for each region; None if there is none yet.
        regions: of the model.
        every: seconds between the frames that are taken from videos; 0: each frame.
    """
    files = sorted(path for root in roots for path in _files(root))
    found: list[Callable[[], Image]] = [
        partial(read_photograph, path) for path in files if path.suffix.lower() in SUFFIXES
    ]
    found += [row.picture for root in roots if is_table(root) for row in read_rows(root) if row.pixels]
    videos = [path for path in files if path.suffix.lower() in VIDEOS]
    predict = sum(2 * _predict(begin, region) for region in regions) if begin else 0.0
    seconds = list(_analysis_seconds(_photographs(_some(found)))) + list(
        _analysis_seconds(_frames(_some(videos), every))
    )
    analyse = float(np.median(seconds)) if seconds else 0.0
    return Estimate(len(found), analyse, predict, len(seconds), len(videos), _count(videos, every))


def _files(root: Path) -> list[Path]:
    return [row.path for row in read_rows(root)] if is_table(root) else files_below(root)


def _predict(folder: Path, region: Region) -> float:
    """Seconds of a network for one crop; the first batch is a warm-up and left out."""
    crops = np.random.default_rng(0).integers(0, 256, (_CROPS, *region.size), np.uint8)
    times: list[tuple[int, float]] = []

    def progress(done: int, total: int) -> None:
        times.append((done, perf_counter()))

    features_of(folder, region.name, crops, threads=0, progress=progress)
    (first, begun), (last, ended) = times[0], times[-1]
    return (ended - begun) / max(1, last - first)


def _some(found: Sequence[_Item]) -> Sequence[_Item]:
    return found[:: max(1, len(found) // _PHOTOGRAPHS)][:_PHOTOGRAPHS]


def _photographs(readers: Sequence[Callable[[], Image]]) -> Iterator[Image]:
    for read in readers:
        with suppress(PictureError):
            yield read()


def _frames(paths: Sequence[Path], every: float) -> Iterator[Image]:
    """The first few frames of each of some videos, with the time to decode up to them."""
    for path in paths[:_VIDEOS]:
        for _, image in islice(sample_frames(path, every), _PHOTOGRAPHS // _VIDEOS):
            yield image


def _analysis_seconds(pictures: Iterator[Image]) -> Iterator[float]:
    """Seconds to read and analyse each picture except the first, which is a warm-up."""
    with FaceLandmarker() as landmarker:
        warm = False
        while True:
            begun = perf_counter()
            image = next(pictures, None)
            if image is None:
                return
            find_portrait(landmarker, image)
            if warm:
                yield perf_counter() - begun
            warm = True


def _count(videos: Sequence[Path], every: float) -> int:
    """The number of frames taken from all videos, estimated from the metadata of a few."""
    counts = [count for path in videos[:_PROBED] if (count := _frames_of(path, every)) is not None]
    return round(sum(counts) * len(videos) / len(counts)) if counts else 0


def _frames_of(path: Path, every: float) -> float | None:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            seconds = (container.duration or 0) / av.time_base
            rate = float(stream.average_rate or 30)
    except (av.error.FFmpegError, IndexError, OSError, ValueError):
        return None
    return min(seconds * rate, seconds / every + 1) if every else seconds * rate


def in_words(estimate: Estimate, workers: int | None, epochs: float = 0.0) -> str:
    """A sentence."""
    if not estimate.measured:
        return "  The duration is unknown: no picture could be analysed."
    seconds = estimate.seconds(workers or available_cores(), epochs)
    learning = f", {epochs:.0f} epochs at most" if epochs else ""
    if not estimate.knows(epochs):
        learning = (
            f"; in addition {epochs:.0f} epochs at most, whose time is estimated once steps are measured"
        )
    photographs = counted(estimate.photographs, "photograph")
    kinds = [photographs] if estimate.photographs or not estimate.frames else []
    if estimate.videos:
        videos = counted(estimate.videos, "video")
        kinds.append(f"about {counted(estimate.frames, 'frame')} of {videos}")
    each = f"{1000 * estimate.analyse:.0f} ms on one core"
    return (
        f"  It will take {about(seconds)}: {' and '.join(kinds)} at {each}"
        f"{learning} (measured on {estimate.measured} of them); what is done already is not done again."
    )
