"""The cost of face detection in a stream, by arrangement::

    python -m emotion.benchmarks.studies.faces

All arrangements look at the same pictures in turn, frame by frame, so that a machine whose speed
changes is as slow for one as for another: trust the ratios. The processor time of all threads is what
a pipeline that keeps all cores busy pays; the time on the clock is what one that is idle waits.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated, Any, Protocol

import av
import cv2
import numpy as np
import typer

from emotion.models.faces.mediapipe_landmarker import FaceDetector, FaceLandmarker, Landmarks, Picture
from emotion.models.regions import Image, eye_distance
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.stages.face_follower import FaceFollower

SIZE = (480, 640)
_RATE = 30.0
# Pictures at the start, in which landmarkers are made and all tiles are looked at, that do not count.
_START = 10
# Where faces stand, (left, top), each 300 x 230 pixels with its surroundings.
_PLACES = ((10, 5), (330, 245), (330, 5), (10, 245))
_SPOT = (300, 230)


class Arrangement(Protocol):
    """A way to find all faces of a stream's pictures."""

    def find(self, picture: Picture, seconds: float, /) -> Sequence[Landmarks]:
        """The faces of the next picture."""

    def close(self) -> None:
        """Free what it holds."""


class _Plain:
    """MediaPipe's own arrangement: one landmarker for the maximum number of faces."""

    def __init__(self, max_faces: int, video: bool) -> None:
        self._landmarker = FaceLandmarker(max_faces, video)

    def find(self, picture: Picture, seconds: float) -> Sequence[Landmarks]:
        return self._landmarker.detect(picture, seconds)

    def close(self) -> None:
        self._landmarker.close()


def arrangements(faces: int, max_faces: int) -> dict[str, Arrangement]:
    """The arrangements to compare for a number of faces in the picture and `max_faces`."""
    return {
        "exact": _Plain(faces, video=True),
        "plain": _Plain(max_faces, video=True),
        "picture": _Plain(max_faces, video=False),
        "follower": FaceFollower(lambda count: FaceLandmarker(count, video=True), FaceDetector(), max_faces),
    }


def compare(clip: Sequence[Image], faces: int, max_faces: int = 4) -> dict[str, Any]:
    """Run all arrangements over pictures with that many faces.

    Args:
        clip: uint8 (h, w, 3), BGR, of one face.
        faces: copies of it in each picture, 1 to 4.
        max_faces: how many are asked for.

    Returns:
        By arrangement, as means a picture: cpu_ms and clock_ms; ratio (of cpu_ms to that of "exact",
        which is told how many faces there are); found; and difference (median distance of landmarks
        to those of "picture", in eye distances).
    """
    with ExitStack() as stack:
        ways = {
            name: stack.enter_context(closing(way)) for name, way in arrangements(faces, max_faces).items()
        }
        cpu: dict[str, list[float]] = {name: [] for name in ways}
        clock: dict[str, list[float]] = {name: [] for name in ways}
        found: dict[str, list[int]] = {name: [] for name in ways}
        away: dict[str, list[float]] = {name: [] for name in ways}
        for index, image in enumerate(_crowd(clip, faces)):
            picture, seen = Picture(image), {}
            for name, way in ways.items():
                start, worked = time.perf_counter(), time.process_time()
                seen[name] = way.find(picture, index / _RATE)
                if index >= _START:
                    clock[name].append(1000 * (time.perf_counter() - start))
                    cpu[name].append(1000 * (time.process_time() - worked))
                found[name].append(len(seen[name]))
            for name, them in seen.items():
                away[name] += [_difference(face, seen["picture"]) for face in them]
    exact = float(np.mean(cpu["exact"]))
    return {
        name: {
            "cpu_ms": round(float(np.mean(cpu[name])), 2),
            "clock_ms": round(float(np.mean(clock[name])), 2),
            "ratio": round(float(np.mean(cpu[name])) / exact, 3),
            "found": round(float(np.mean(found[name])), 3),
            "difference": round(float(np.median(away[name] or [np.nan])), 4),
        }
        for name in ways
    }


def _difference(face: Landmarks, others: Sequence[Landmarks]) -> float:
    """To the nearest of other faces: median distance of landmarks, in eye distances."""
    distances = [np.median(np.linalg.norm(face.points - other.points, axis=1)) for other in others]
    return float(min(distances, default=np.nan)) / eye_distance(face.points)


def _crowd(clip: Sequence[Image], faces: int) -> Iterator[Image]:
    """Pictures with copies of one face side by side, each at another moment of its clip."""
    for index in range(len(clip)):
        crowd = np.full((*SIZE, 3), 90, np.uint8)
        for number, (left, top) in enumerate(_PLACES[:faces]):
            part = clip[(index + number * len(clip) // 7) % len(clip)]
            crowd[top : top + _SPOT[1], left : left + _SPOT[0]] = part
        yield crowd


def read_clip(path: Path, frames: int) -> list[Image]:
    """The part of a clip around its first face, uint8 (230, 300, 3), BGR."""
    with av.open(str(path)) as container, FaceLandmarker() as landmarker:
        pictures = [
            np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            for frame, _ in zip(container.decode(video=0), range(frames), strict=False)
        ]
        (face,) = landmarker.detect(pictures[0])
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    reach = 0.75 * (high - low).max() * np.array([_SPOT[0] / _SPOT[1], 1.0])
    left, top = np.maximum((low + high) / 2 - reach, 0).astype(int)
    right, bottom = ((low + high) / 2 + reach).astype(int)
    return [
        np.asarray(cv2.resize(picture[top:bottom, left:right], _SPOT, interpolation=cv2.INTER_AREA), np.uint8)
        for picture in pictures
    ]


def main(
    clip: Annotated[
        Path | None, typer.Argument(help="A clip with one face; by default the included clip.")
    ] = None,
    frames: Annotated[int, typer.Option(min=20, help="Number of frames.")] = 150,
    max_faces: Annotated[int, typer.Option(min=1, max=20, help="Maximum number of faces.")] = 4,
) -> None:
    """Compare arrangements for 1, 2, 3 and 4 faces at 640x480; a table, then JSON."""
    pictures = read_clip(clip or DEMO, frames)
    report = {faces: compare(pictures, faces, max_faces) for faces in range(1, len(_PLACES) + 1)}
    typer.echo(
        f"{'faces':>5}  {'arrangement':<11} {'cpu ms':>8} {'clock ms':>8} {'ratio':>6} {'found':>6} diff"
    )
    for faces, ways in report.items():
        for name, row in ways.items():
            typer.echo(
                f"{faces:>5}  {name:<11} {row['cpu_ms']:>8} {row['clock_ms']:>8} {row['ratio']:>6}"
                f" {row['found']:>6} {row['difference']}"
            )
    typer.echo(json.dumps(report))


if __name__ == "__main__":
    typer.run(main)
