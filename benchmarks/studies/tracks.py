"""How often people change their number in made-up scenes::

    python -m emotion.benchmarks.studies.tracks

Faces of 80 to 120 pixels, 25 pictures a second, boxes that shake by 1.5 pixels, three faces in a hundred
missed. What is counted are changes of a person's number, which should be none.
"""

import json
from collections.abc import Callable, Iterator
from typing import Annotated, TypeAlias

import numpy as np
import typer

from emotion.realtime.messages import Box
from emotion.realtime.stages.tracker import Tracker

Scene: TypeAlias = Iterator[tuple[float, dict[str, tuple[float, float]]]]
"""Seconds, and where the middles of those who can be seen are."""

_RATE = 25
_SHAKE = 1.5
_MISSED = 0.03


def crossing(rng: np.random.Generator, size: float) -> Scene:
    """Two who walk past each other; while they are close, one hides the other."""
    speed, beside = rng.uniform(120, 500), rng.uniform(-30, 30)
    for step in range(int(900 / speed * _RATE) + 1):
        there, back = 50 + speed * step / _RATE, 950 - speed * step / _RATE
        hidden = abs(there - back) < 0.8 * size
        yield step / _RATE, {"a": (there, 200.0)} | ({} if hidden else {"b": (back, 200 + beside)})


def behind(rng: np.random.Generator, size: float) -> Scene:
    """Two who walk on; one is behind something for up to 1.2 s."""
    speed = rng.uniform(120, 500)
    count = int(900 / speed * _RATE) + 1
    away = min(1.2, 0.5 * count / _RATE)
    for step in range(count):
        seconds = step / _RATE
        hidden = 0.4 < seconds < 0.4 + away
        walker = {} if hidden else {"a": (50 + speed * seconds, 200.0)}
        yield seconds, walker | {"b": (950 - speed * seconds, 500.0)}


def turning(rng: np.random.Generator, size: float) -> Scene:
    """Two who sit and sway; one turns away for up to 1.5 s."""
    away = rng.uniform(0.5, 1.5)
    for step in range(4 * _RATE):
        seconds = step / _RATE
        turned = {} if 1.0 < seconds < 1.0 + away else {"a": (300 + 20 * np.sin(2 * seconds), 200.0)}
        yield seconds, turned | {"b": (520 + 15 * np.cos(3 * seconds), 210.0)}


SCENES: dict[str, Callable[[np.random.Generator, float], Scene]] = {
    "crossing": crossing,
    "behind something": behind,
    "turning away": turning,
}


def changes(name: str, seed: int) -> int:
    """Number of identity switches in one scene of a kind."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(80, 120)
    tracks, last, count = Tracker(), dict[str, int](), 0
    for seconds, shown in SCENES[name](rng, size):
        seen = {person: middle for person, middle in shown.items() if rng.random() >= _MISSED}
        boxes = [_box(middle, size, rng) for middle in seen.values()]
        for person, number in zip(seen, tracks.assign(boxes, seconds), strict=True):
            count += last.get(person, number) != number
            last[person] = number
    return count


def _box(middle: tuple[float, float], size: float, rng: np.random.Generator) -> Box:
    across, down, width = rng.normal(0, _SHAKE, 3)
    return Box(middle[0] + across - size / 2, middle[1] + down - size / 2, size + width, size)


def main(scenes: Annotated[int, typer.Option(min=1, help="Number of scenes of each kind.")] = 200) -> None:
    """Count changes of numbers; JSON on standard output."""
    for name in SCENES:
        counts = np.array([changes(name, seed) for seed in range(scenes)])
        report = {
            "scene": name,
            "changes a scene": round(float(counts.mean()), 3),
            "scenes without any": round(float((counts == 0).mean()), 3),
        }
        typer.echo(json.dumps(report))


if __name__ == "__main__":
    typer.run(main)
