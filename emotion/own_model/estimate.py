"""How long it will take, said before it begins, from steps that were measured on this machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from emotion.exporters.head import features_of
from emotion.models.data.image_io import SUFFIXES, PictureError, read_photograph
from emotion.models.data.label_folders import VIDEOS
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker, find_portrait
from emotion.models.regions import Regions

_PHOTOGRAPHS, _CROPS = 6, 32
# In times of a network's answer to a crop: learning from it, with a batch's augmentation.
_LEARNT = 4.0
# What is done whatever the number of faces (the report's intervals, the vote, libraries to load), in times
# of looking at a photograph: docs/your-own-model.md.
_FIXED = 120


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds, as measured.

    Attributes:
        photographs: how many there are.
        look: for one photograph, on one core.
        ask: for one face, by all networks, as it is and mirrored, on all cores.
        measured: photographs that were looked at.
        videos: how many there are beside; how many of their frames have a face is not known before.
    """

    photographs: int
    look: float
    ask: float
    measured: int
    videos: int = 0

    def seconds(self, workers: int, passes: float) -> float:
        """In all.

        Args:
            workers: processes that look at photographs.
            passes: how often each face is learnt from, where more than last layers learn.
        """
        return (
            self.photographs * (self.look / workers + self.ask * (1 + passes * _LEARNT / 2))
            + _FIXED * self.look / workers
        )


def measure(roots: Sequence[Path], begin: Path | None, regions: Regions) -> Estimate:
    """Look at some of the photographs and ask the networks about as many crops.

    Args:
        roots: folders of photographs.
        begin: folder with a network for each region; None where there is none yet.
        regions: that are looked at.
    """
    files = sorted(path for root in roots for path in root.rglob("*"))
    found = [path for path in files if path.suffix.lower() in SUFFIXES]
    videos = sum(path.suffix.lower() in VIDEOS for path in files)
    taken = found[:: max(1, len(found) // _PHOTOGRAPHS)][:_PHOTOGRAPHS]
    ask = 0.0
    for region in regions if begin else ():
        crops = np.random.default_rng(0).integers(0, 256, (_CROPS, *region.size), np.uint8)
        begun = perf_counter()
        features_of(begin, region.name, crops, threads=0)  # type: ignore[arg-type]
        ask += 2 * (perf_counter() - begun) / _CROPS
    return Estimate(len(found), _look(taken), ask, len(taken), videos)


def _look(photographs: Sequence[Path]) -> float:
    """Seconds for one, the first left out: it warms the landmarker up."""
    seconds = []
    with FaceLandmarker() as landmarker:
        for path in photographs:
            begun = perf_counter()
            try:
                find_portrait(landmarker, read_photograph(path))
            except PictureError:
                continue
            seconds.append(perf_counter() - begun)
    return float(np.mean(seconds[1:] or seconds or [0.0]))


def in_words(estimate: Estimate, workers: int | None, passes: float = 0.0) -> str:
    """A sentence."""
    if not estimate.measured:
        return "  The time is only known after the videos have been read."
    seconds = estimate.seconds(workers or os.cpu_count() or 1, passes)
    about = "less than a minute" if seconds < 60 else f"about {round(seconds / 60)} min"
    learning = f", {passes:.0f} passes of learning at most" if passes else ""
    beside = f"; the frames of {estimate.videos} videos come on top" if estimate.videos else ""
    return (
        f"  It will take {about}: {estimate.photographs} photographs at {1000 * estimate.look:.0f} ms on one "
        f"core{learning} (measured on {estimate.measured} of them){beside}; what is done already is not done "
        "again."
    )
