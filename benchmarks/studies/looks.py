"""Pictures of each style of the overlay, from 320x240 to 4K, on dark and bright grounds, to be looked at::

    python -m emotion.benchmarks.studies.looks FOLDER

Faces are ovals of made scenes above their shoulders, one, three, five and twelve of them in turn.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args

import cv2
import numpy as np
import typer

from emotion.benchmarks.studies.made_scenes import SIZES, made_scene
from emotion.models.atomic_files import atomic_output
from emotion.models.regions import Image
from emotion.realtime.drawing.options import DrawingOptions, Style
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import EmotionFrame

# Seeds of scenes with 1, 3, 5 and 12 faces that are as large as the first, the second, ... of `SIZES`.
_SCENES = {
    people: [next(s for s in range(60) if s % 5 == size and s % 12 == people - 1) for size in range(5)]
    for people in (1, 3, 5, 12)
}
_GROUNDS = {"dark": ((38, 30, 24), (92, 70, 60)), "bright": ((250, 250, 252), (214, 224, 236))}


def _ground(width: int, height: int, ground: str) -> Image:
    """A slope of light from the left top to the right bottom, with some noise, as of a camera."""
    first, last = (np.array(colour, np.float32) for colour in _GROUNDS[ground])
    slope = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    picture = (
        first + (last - first) * (slope + np.linspace(0, 1, height, dtype=np.float32)[:, None, None]) / 2
    )
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 1))
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _with_faces(result: EmotionFrame, ground: str) -> EmotionFrame:
    height, width = result.frame.image.shape[:2]
    picture = _ground(width, height, ground)
    for face in sorted(result.faces, key=lambda face: face.box.height):
        box = face.box
        chest = (round(box.left + box.width / 2), round(box.top + 2.3 * box.height))
        cv2.ellipse(picture, chest, (round(box.width), round(1.2 * box.height)), 0, 0, 360, (120, 96, 70), -1)
    for face in result.faces:
        box = face.box
        middle = (round(box.left + box.width / 2), round(box.top + box.height / 2))
        cv2.ellipse(
            picture, middle, (round(box.width / 2), round(box.height / 2)), 0, 0, 360, (150, 175, 215), -1
        )
    return replace(result, frame=replace(result.frame, picture=picture))


def main(folder: Annotated[Path, typer.Argument(help="Folder for the PNG pictures.")]) -> None:
    """Draw the last picture of two seconds of each scene."""
    folder.mkdir(parents=True, exist_ok=True)
    for style in get_args(Style)[:-1]:
        for people, seeds in _SCENES.items():
            for (width, height), seed in zip(SIZES, seeds, strict=True):
                for ground in _GROUNDS:
                    overlay = Overlay(DrawingOptions(style=style))
                    *before, last = made_scene(seed, 2.0)
                    for result in before:
                        overlay.plan(result)
                    drawn = overlay.draw(_with_faces(last, ground))
                    with atomic_output(folder / f"{style}-{people}-{width}x{height}-{ground}.png") as made:
                        cv2.imwrite(str(made), drawn)


if __name__ == "__main__":
    typer.run(main)
