"""Where things stand in pictures, in numbers, for tests that notice any change of them.

``python -m tests.helpers.golden_measures`` writes `tests/realtime/drawing/golden/measures.json` anew. What
needs no letters is the same everywhere; widths of texts are those of the libraries that are named in it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, astuple
from random import Random
from typing import Any

import numpy as np

from emotion.models.classes import SIX
from emotion.realtime.drawing import hud
from emotion.realtime.drawing.arranger import Arranger
from emotion.realtime.drawing.cards import card_for
from emotion.realtime.drawing.layout import Form, Rect, Room, Wish, away
from emotion.realtime.drawing.overlay import _mark
from emotion.realtime.drawing.panels import Content, label_for, label_room, panel_plan
from emotion.realtime.messages import Box
from tests.helpers.golden_pictures import FIGURES, FOLDER, KEYS, LIBRARIES, mixed, unsure

FILE = FOLDER / "measures.json"
FORMS = (
    Form(0, 180, 190, ("right", "left", "above", "below")),
    Form(1, 130, 140, ("right", "left", "above", "below")),
    Form(2, 120, 20, ("above", "below", "right", "left")),
    Form(3, 80, 16, ("above", "below", "right", "left")),
)
STEPS = (0.04, 0.25, 0.7, 5.0)
BOXES = {
    "inside": Box(100, 80, 120, 150),
    "between pixels": Box(100.4, 80.6, 40.3, 50.2),
    "small": Box(20, 20, 6, 9),
    "a pixel": Box(5.5, 7.5, 1, 1),
    "over the left top": Box(-30, -20, 120, 90),
    "over the right bottom": Box(280, 190, 90, 120),
    "beside": Box(330, 20, 50, 60),
    "touching": Box(-50, 20, 50, 60),
    "all of it": Box(-100, -100, 900, 900),
    "flat": Box(10, 10, 0, 40),
    "low": Box(10, 10, 40, 0),
    "endless": Box(10, 10, 1e6, 40),
    "far": Box(-1e6, 10, 40, 40),
    "no number": Box(10, math.nan, 40, 40),
}


def walks(seed: int) -> Iterator[tuple[float, list[Wish]]]:
    """People who stand, sway, walk, leave and come back, at several rates."""
    chance, now = Random(seed), 0.0
    people = [
        [chance.random() * 560, chance.random() * 330, 40 + 110 * chance.random()]
        for _ in range(1 + seed % 4)
    ]
    speeds, here = [[0.0, 0.0] for _ in people], [True] * len(people)
    for step in range(90):
        now += STEPS[(step // 12 + seed) % 4]
        wishes = []
        for number, person in enumerate(people):
            if chance.random() < 0.06:
                speeds[number] = [30 * (chance.random() - 0.5), 16 * (chance.random() - 0.5)]
            if chance.random() < 0.2:
                speeds[number] = [0.0, 0.0]
            if chance.random() < 0.05:
                here[number] = not here[number]
            person[0] = min(max(person[0] + speeds[number][0], -20.0), 620.0)
            person[1] = min(max(person[1] + speeds[number][1], -20.0), 400.0)
            sway = 6 * (chance.random() - 0.5) * (number % 2)
            face = Rect(round(person[0] + sway), round(person[1]), round(person[2]), round(1.2 * person[2]))
            if here[number]:
                wishes.append(Wish(number + 1, face, FORMS, luxury=seed % 3))
        yield now, wishes


def arranged(seed: int) -> list[list[Any]]:
    """Where everybody's form stands whenever that is another place, and all of them at every fourth step."""
    arranger, rows, before = Arranger(), [], {}
    room = Room(640, 480, 10, (Rect(0, 440, 640, 40),) if seed % 2 else ())
    for step, (now, wishes) in enumerate(walks(seed)):
        places = arranger.arrange(room, wishes, now)
        for track, place in sorted(places.items()):
            if step % 4 == 0 or before.get(track) != place.spot:
                spot = [place.spot.level, place.spot.side, place.spot.along]
                rows.append([step, track, *spot, place.rect.left, place.rect.top])
        before = {track: place.spot for track, place in places.items()}
    return rows


def exact() -> dict[str, Any]:
    """What depends on no letters."""
    found: dict[str, Any] = {f"arranged, {seed}": arranged(seed) for seed in range(8)}
    for name, box in BOXES.items():
        marks = [_mark(box, 320, 240, unit) for unit in (5.0, 8.6, 12.0, 30.0)]
        found[f"mark {name}"] = [mark and list(astuple(mark)) for mark in marks]
    spots = [
        away(Room(200, 120, gap, (face, Rect(120, 0, 30, 120))), face, Form(3, 40, 16, ()))
        for face in (Rect(20, 30, 50, 60), Rect(150, 60, 50, 60), Rect(0, 0, 118, 120))
        for gap in (2, 7, 10)
    ]
    found["away"] = [spot and list(astuple(spot.rect)) for spot in spots]
    sizes = [(64, 48), (640, 480), (480, 640), (1280, 720), (3840, 2160)]
    found["text sizes"] = [hud.text_size(np.zeros((height, width, 3), np.uint8)) for width, height in sizes]
    return found


def lettered() -> dict[str, Any]:
    """What depends on how wide texts are: whole numbers, or lists of them."""
    found: dict[str, Any] = {}
    for rows in (("eyes", "lips"), ("eyes", "lips", "blendshapes"), ("a region with a long name",)):
        for size, bars in ((10, 0.0), (10, 5.2), (13, 3.4), (17, 0.0), (24, 5.2)):
            plan = asdict(panel_plan(size, size % 2 == 0, bars, Content(SIX, rows)))
            del plan["content"]
            plan |= {"right": plan["width"] - plan["pad"]}
            found[f"panel {size} {bars} {len(rows)}"] = list(plan.values())
    box = Box(0, 0, 90, 110)
    for size in (10, 13, 22):
        for face in (mixed(12, box), unsure(3, box)):
            label = label_for(face, size, size == 13, bold=size > 10, share=size < 20)
            room = label_room(face, size, size == 13, bold=size > 10, share=size < 20)
            found[f"label {size} {face.label}"] = [label.name_left, label.width, label.height, *room]
            found[f"card {size} {face.label}"] = list(astuple(card_for(face, size, size == 13)))[1:]
    for title, rows in (("Keys", KEYS), ("A title that is wider than its figures", FIGURES), ("", KEYS * 6)):
        sizes = [(width, 3 * width // 4) for width in range(100, 900, 20)] + [
            (900, high) for high in range(60, 400, 9)
        ]
        fits = [hud._fitting(np.zeros((high, width, 3), np.uint8), title, rows) for width, high in sizes]
        found[f"table {title}"] = fits
    return found


def main() -> None:
    parts = {"libraries": LIBRARIES, **exact(), **lettered()}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in parts.items())
    FILE.write_text("{\n" + text.replace("], [", "],\n [") + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
