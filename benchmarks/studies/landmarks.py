"""How far MediaPipe's nets in ONNX Runtime are from MediaPipe::

    python -m emotion.benchmarks.studies.landmarks [CLIP ...]

Both look at the same pictures in turn, 640 pixels wide: each picture by itself (``image``), and
following faces from picture to picture (``video``; one face, which MediaPipe smooths over time, or up
to four). The ratio of processor times holds for one thread and within one run.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import av
import cv2
import numpy as np
import typer

from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.engines.providers import NetOptions, ProviderName
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker
from emotion.models.faces.onnx_landmarker import OnnxLandmarker
from emotion.models.faces.picture import Landmarks, Picture
from emotion.models.regions import Image
from emotion.realtime.sources.demo import DEMO

_WIDTH = 640
# (name, maximum number of faces, video)
WAYS = (("image", 4, False), ("video", 4, True), ("video", 1, True))


def compare(
    pictures: Sequence[tuple[float, Image]], nets: LandmarkNets, max_faces: int, video: bool
) -> dict[str, Any]:
    """Let both find faces in pictures.

    Args:
        pictures: seconds, and uint8 (h, w, 3) BGR.
        nets: from `LandmarkNets.load`.
        max_faces, video: of both landmarkers.

    Returns:
        pictures, faces (that MediaPipe found), other_count (pictures in which both found different
        numbers of faces); of the landmarks of the others mean, p95 and worst distance in pixels; of
        the blendshapes mean and worst difference; depth, the mean difference; cpu_ratio, ONNX Runtime's
        processor time by MediaPipe's.
    """
    seen: list[tuple[tuple[Landmarks, ...], tuple[Landmarks, ...]]] = []
    worked = np.zeros(2)
    with (
        FaceLandmarker(max_faces, video) as theirs,
        closing(OnnxLandmarker(nets, max_faces, video)) as ours,
    ):
        for seconds, image in pictures:
            picture = Picture(image)
            clock = [time.process_time()]
            detections = []
            for landmarker in (theirs, ours):
                detections.append(landmarker.detect(picture, seconds))
                for face in detections[-1]:
                    _ = face.blendshapes  # which may be computed on first use
                clock.append(time.process_time())
            worked += np.diff(clock)
            seen.append((detections[0], detections[1]))
    pairs = [pair for some in seen if len(some[0]) == len(some[1]) for pair in _pairs(*some)]
    apart = np.array([np.linalg.norm(one.points - other.points, axis=1) for one, other in pairs])
    shapes = np.array([np.abs(one.blendshapes - other.blendshapes) for one, other in pairs])
    deep = np.array([np.abs(one.depth - other.depth) for one, other in pairs])
    return {
        "pictures": len(seen),
        "faces": sum(len(found) for found, _ in seen),
        "other_count": sum(len(one) != len(other) for one, other in seen),
        "mean": _rounded(apart, np.mean),
        "p95": _rounded(apart, lambda values: np.quantile(values, 0.95)),
        "worst": _rounded(apart, np.max),
        "blendshapes_mean": _rounded(shapes, np.mean),
        "blendshapes_worst": _rounded(shapes, np.max),
        "depth": _rounded(deep, np.mean),
        "cpu_ratio": round(float(worked[1] / worked[0]), 2),
    }


def _pairs(some: Sequence[Landmarks], others: Sequence[Landmarks]) -> Iterator[tuple[Landmarks, Landmarks]]:
    """Each face with the nearest of the others."""
    for one in some:
        yield one, min(others, key=lambda other: float(np.linalg.norm(one.points - other.points)))


def _rounded(values: np.ndarray, measure: Any) -> float | None:
    return round(float(measure(values)), 4) if values.size else None


def read_pictures(path: Path, count: int, step: int = 1) -> list[tuple[float, Image]]:
    """The first pictures of a clip, or each so many-th, 640 pixels wide: seconds, and uint8 (h, w, 3) BGR."""
    with av.open(str(path)) as container:
        pictures: list[tuple[float, Image]] = []
        for index, frame in enumerate(container.decode(video=0)):
            if len(pictures) == count:
                break
            if index % step == 0:
                height = round(frame.height * _WIDTH / frame.width)
                image = cv2.resize(frame.to_ndarray(format="bgr24"), (_WIDTH, height))
                pictures.append((float(frame.time or 0), np.asarray(image, np.uint8)))
        return pictures


def main(
    clips: Annotated[list[Path] | None, typer.Argument(help="Clips; by default the included clip.")] = None,
    frames: Annotated[int, typer.Option(min=1, help="Number of frames of each.")] = 60,
    provider: Annotated[ProviderName, typer.Option(help="ONNX Runtime execution provider.")] = "cpu",
) -> None:
    """Compare the two on clips; a table, then JSON."""
    nets = LandmarkNets.load(NetOptions(provider, max_batch=8))
    rows = []
    for path in clips or [DEMO]:
        pictures = read_pictures(path, frames)
        for name, faces, video in WAYS:
            row = compare(pictures, nets, faces, video)
            rows.append({"clip": path.name, "way": name, "asked_for": faces, **row})
    keys = ("pictures", "faces", "other_count", "mean", "p95", "worst", "blendshapes_mean", "cpu_ratio")
    typer.echo(f"{'clip':<46} {'way':<8} " + " ".join(f"{key:>16}" for key in keys))
    for row in rows:
        way = f"{row['way']} {row['asked_for']}"
        typer.echo(f"{row['clip']:<46} {way:<8} " + " ".join(f"{row[key]!s:>16}" for key in keys))
    typer.echo(json.dumps(rows))


if __name__ == "__main__":
    typer.run(main)
