"""Whether panels keep off faces and keep still, over clips and 200 made scenes::

    python -m emotion.benchmarks.studies.panels [CLIP ...] [--style panel]

Printed are, for the clips and for the scenes: overlaps of a panel with a face that was found, faces of 40
pixels and more without a word, panels that reach outside of the picture, how many hide a fifth of another
person, and how often a panel moves a minute where people stand still. A move is another form, another side of
the face, or a step of the panel that is farther than its face's by more than the gap between them.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import typer

from emotion.benchmarks.studies.made_scenes import made_scene
from emotion.models.manifest import LITE
from emotion.realtime.drawing.layout import Rect, person
from emotion.realtime.drawing.options import DrawingOptions, Style
from emotion.realtime.drawing.overlay import Overlay, PlacedWidget
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.session import EveryFrame, Models, Session
from emotion.realtime.sources.file import VideoFile

_LEAST_FACE = 40
_FIFTH = 0.2
# Whoever has been within half a face's width of a place for so many seconds stands still.
_STILL_SECONDS = 2.0
_STILL_REACH = 0.5


@dataclass(slots=True)
class Figures:
    """What was counted.

    Attributes:
        panels: forms drawn.
        overlaps: of a form with a face.
        wordless: faces of 40 pixels and more without a form.
        labels_on_faces: faces that fill the picture, with a label over the chin.
        outside: forms that reach outside of the picture.
        away: forms that stand away from their face, with a line.
        hiding: forms that hide a fifth of another person (hair, shoulders and chest) or more.
        moves: of a form, while everybody stands still.
        minutes: of a person with everybody standing still.
        moves_else: of a form, while somebody moves.
        worst: the most moves a minute of one person who stood still for most of a minute.
    """

    panels: int = 0
    overlaps: int = 0
    wordless: int = 0
    labels_on_faces: int = 0
    outside: int = 0
    away: int = 0
    hiding: int = 0
    moves: int = 0
    minutes: float = 0.0
    moves_else: int = 0
    worst: float = 0.0

    def add(self, placed: tuple[PlacedWidget, ...], width: int, height: int) -> None:
        """Count what can be seen in one picture."""
        boxes = [one.box for one in placed]
        for one in placed:
            if one.rect is None or one.place is None:
                self.labels_on_faces += one.rect is not None
                self.wordless += one.rect is None and min(one.box.width, one.box.height) >= _LEAST_FACE
                continue
            self.panels += 1
            self.away += one.away
            self.overlaps += sum(one.rect.overlaps(box) for box in boxes)
            others = [person(other.box) for other in placed if other is not one]
            others = [other for other in others if other.overlaps(one.rect)]
            self.hiding += any(_hidden(one, other) >= _FIFTH * other.area for other in others)
            rect = one.rect
            self.outside += rect.left < 0 or rect.top < 0 or rect.right > width or rect.bottom > height

    def report(self) -> dict[str, float]:
        """The figures as they are printed."""
        return {
            "panels": self.panels,
            "overlaps with faces": self.overlaps,
            "faces of 40 pixels without a word": self.wordless,
            "panels outside": self.outside,
            "moves a minute, standing": round(self.moves / self.minutes, 3) if self.minutes else 0.0,
            "moves a minute, standing, worst person": round(self.worst, 2),
            "minutes of people standing": round(self.minutes, 1),
            "moves while somebody moves": self.moves_else,
            "share that hides a fifth of another person": round(self.hiding / max(1, self.panels), 4),
            "share away from the face": round(self.away / max(1, self.panels), 4),
        }


@dataclass(slots=True)
class _Trail:
    """Where a person has been."""

    places: list[tuple[float, float, float]] = field(default_factory=list)
    last: PlacedWidget | None = None
    minutes: float = 0.0
    moves: int = 0

    def still(self, now: float, box: Rect) -> bool:
        """Add a place; whether the person has stood around it for long enough."""
        x, y = box.left + box.width / 2, box.top + box.height / 2
        self.places = [place for place in self.places if now - place[0] <= _STILL_SECONDS] + [(now, x, y)]
        if now - self.places[0][0] < 0.8 * _STILL_SECONDS:
            return False
        return all(hypot(x - a, y - b) < _STILL_REACH * box.width for _, a, b in self.places)


def _hidden(one: PlacedWidget, other: Rect) -> int:
    """Pixels of another person behind a form, without those of its own person."""
    assert one.rect is not None
    behind = other.common(one.rect)
    return behind.area - behind.common(person(one.box)).area


def watch(results: Iterable[EmotionFrame], style: Style, figures: Figures) -> None:
    """Lay out a stream of results, and count."""
    overlay = Overlay(DrawingOptions(style=style))
    trails: dict[int, _Trail] = {}
    before = 0.0
    for result in results:
        now = result.frame.seconds
        height, width = result.frame.image.shape[:2]
        placed = overlay.plan(result)
        figures.add(placed, width, height)
        people = [(trails.setdefault(one.face.track_id, _Trail()), one) for one in placed]
        still = [trail.still(now, one.box) for trail, one in people]
        gap = 0.8 * (5 + 0.015 * min(width, height))
        for trail, one in people:
            moved = _moved(trail.last, one, gap)
            figures.moves_else += moved and not all(still)
            trail.moves += moved and all(still)
            trail.minutes += (now - before) / 60 if all(still) else 0.0
            trail.last = one if one.place else None
        before = now
    for trail in trails.values():
        figures.moves += trail.moves
        figures.minutes += trail.minutes
        if trail.minutes > 0.8:
            figures.worst = max(figures.worst, trail.moves / trail.minutes)


def _moved(old: PlacedWidget | None, new: PlacedWidget, gap: float) -> bool:
    """Whether a panel has another form or another place than its face's motion explains."""
    if old is None or old.place is None or new.place is None:
        return False
    before, after = old.place.spot, new.place.spot
    step = _step(old.place.rect, new.place.rect) - _step(old.box, new.box)
    return (before.level, before.side) != (after.level, after.side) or step > gap


def _step(a: Rect, b: Rect) -> float:
    """How far the farthest of the edges has gone."""
    return max(abs(a.left - b.left), abs(a.top - b.top), abs(a.right - b.right), abs(a.bottom - b.bottom))


def analysed(clip: Path, models: Models) -> Iterator[EmotionFrame]:
    """The results of a clip, without its pictures."""
    with Session(VideoFile(clip), models=models, policy=EveryFrame()) as session:
        for result in session:
            frame = result.frame
            blank = np.broadcast_to(np.zeros(3, np.uint8), frame.image.shape)
            bare = VideoFrame(frame.index, frame.pts, frame.time_base, frame.captured_at, blank)
            yield EmotionFrame(bare, result.faces, result.schema)


def main(
    clips: Annotated[list[Path] | None, typer.Argument(help="Videos.")] = None,
    style: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Style)[:-1])}.")] = "panel",
    scenes: Annotated[int, typer.Option(min=0, help="Number of simulated scenes.")] = 200,
) -> None:
    """Count over clips and made scenes; JSON on standard output."""
    wanted: Style = next(one for one in get_args(Style) if one == style)
    models = Models.load(models=LITE) if clips else None
    for clip in clips or ():
        if models:
            figures = Figures()
            watch(analysed(clip, models), wanted, figures)
            typer.echo(json.dumps({"clip": clip.name, **figures.report()}))
    figures = Figures()
    for seed in range(scenes):
        watch(made_scene(seed), wanted, figures)
    typer.echo(json.dumps({"made scenes": scenes, **figures.report()}))


if __name__ == "__main__":
    typer.run(main)
