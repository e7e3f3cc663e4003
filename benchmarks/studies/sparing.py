"""What the fast arrangements change in the results of a video::

    python -m emotion.benchmarks.studies.sparing [CLIP ...]

Each clip goes through the pipeline once in float32 with one finder that looks at every frame, and once in
each arrangement that saves landmarks or works with cheaper models; "default" is what `emotion annotate` does.
Frames are compared one by one, faces with the nearest one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

from emotion.models.manifest import DEFAULT, ZOO
from emotion.models.regions import eye_distance
from emotion.realtime.messages import FaceEmotion
from emotion.realtime.session import EveryFrame, Models, Session, Workers
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the results of two runs over the same clips are apart.

    Attributes:
        frames: compared.
        other_count: share of the frames with another number of faces.
        landmarks: mean distance of landmarks, in distances between the outer eye corners.
        landmarks_p95: the same, of the worst twentieth of the faces.
        same_emotion: share of the faces whose strongest smoothed emotion is the same.
        same_label: share of the faces whose label is the same, uncertain among them.
        shares: mean difference of `probabilities`, a class.
    """

    frames: int
    other_count: float
    landmarks: float
    landmarks_p95: float
    same_emotion: float
    same_label: float
    shares: float


Faces: TypeAlias = tuple[FaceEmotion, ...]
"""Those of one frame, without its picture."""


def analyse(clip: Path, models: Models, workers: Workers) -> list[Faces]:
    """The faces in all frames of a clip."""
    with Session(VideoFile(clip), models=models, policy=EveryFrame(workers)) as session:
        return [frame.faces for frame in session]


def difference(found: Sequence[Faces], plain: Sequence[Faces]) -> Difference:
    """Compare two runs frame by frame; faces that only one of them saw are left out.

    Args:
        found: at least one face in common with `plain`.
        plain: the run that counts as right, of as many frames.
    """
    pairs = [pair for frames in zip(found, plain, strict=True) for pair in _pairs(*frames)]
    away = np.array([_apart(face, other) for face, other in pairs])
    return Difference(
        len(plain),
        float(np.mean([len(a) != len(b) for a, b in zip(found, plain, strict=True)])),
        float(away.mean()),
        float(np.quantile(away, 0.95)),
        float(np.mean([face.emotion == other.emotion for face, other in pairs])),
        float(np.mean([face.label == other.label for face, other in pairs])),
        float(
            np.mean(
                [
                    np.abs(face.probabilities - other.probabilities).mean()
                    for face, other in pairs
                    if face.probabilities is not None and other.probabilities is not None
                ]
            )
        ),
    )


def _pairs(found: Faces, plain: Faces) -> list[tuple[FaceEmotion, FaceEmotion]]:
    """Each face with the one that is nearest in the other run, unless it is another face."""
    near = [(face, other) for other in plain for face in found if _apart(face, other) < 1]
    nearest = {id(other): (face, other) for face, other in sorted(near, key=lambda pair: -_apart(*pair))}
    return list(nearest.values())


def _apart(face: FaceEmotion, other: FaceEmotion) -> float:
    if face.points is None or other.points is None:
        raise ValueError("faces of a pipeline have landmarks")
    away = np.linalg.norm(face.points - other.points, axis=1).mean()
    return float(away) / eye_distance(other.points)


def compare(clips: Sequence[Path], only: Sequence[str] = ()) -> dict[str, Difference]:
    """Compare every arrangement, or some, with every frame in float32, over all clips together."""
    plain, int8 = Models.load(precision="fp32"), Models.load(precision="int8")
    standard = Models.load(models=ZOO, precision="fp32")
    each = Workers(finders=1, stride=1)
    ways = {
        "two finders": (plain, Workers(finders=2, stride=1)),
        "stride 2": (plain, Workers(finders=1, stride=2)),
        "stride 3": (plain, Workers(finders=1, stride=3)),
        "stride by time (default)": (plain, Workers()),
        "two finders, stride 2": (plain, Workers(finders=2, stride=2)),
        "int8": (int8, each),
        "int8, default": (int8, Workers()),
        "standard": (standard, each),
    }
    right = [faces for clip in clips for faces in analyse(clip, plain, each)]
    return {
        name: difference([faces for clip in clips for faces in analyse(clip, *way)], right)
        for name, way in ways.items()
        if not only or name in only
    }


def main(
    clips: Annotated[list[Path] | None, typer.Argument(help="Clips; by default the included clip.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Arrangement to measure; by default all.")] = None,
) -> None:
    """Print what each arrangement changes, as a table in Markdown."""
    found = compare(clips or [DEMO], only or ())
    typer.echo(
        "| | other number of faces | landmarks away, mean | 95% below | same emotion | same label "
        "| shares differ by |"
    )
    typer.echo("|---|---|---|---|---|---|---|")
    for name, row in found.items():
        typer.echo(
            f"| {name} | {row.other_count:.1%} | {row.landmarks:.2%} | {row.landmarks_p95:.2%} "
            f"| {row.same_emotion:.1%} | {row.same_label:.1%} | {row.shares:.3f} |"
        )
    typer.echo(f"\n{next(iter(found.values())).frames} frames, models of {DEFAULT.name}.")


if __name__ == "__main__":
    typer.run(main)
