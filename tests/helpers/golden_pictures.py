"""Pictures as they are drawn today, for tests that notice any change of them.

``python -m tests.helpers.golden_pictures`` makes `tests/realtime/drawing/golden/` anew, which is then looked
at: whoever changes what is drawn commits the pictures with it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import features
from PIL.PngImagePlugin import PngInfo

from emotion.models.classes import EMOTIONS
from emotion.models.regions import Image
from emotion.realtime.drawing import hud
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion
from tests.helpers.results import face, sure, video_frame

FOLDER = Path(__file__).parents[1] / "realtime" / "drawing" / "golden"
PLACES = FOLDER / "places.json"
LIBRARIES = f"OpenCV {cv2.__version__}, FreeType {features.version('freetype2')}"
"""What draws: others put a line's or a letter's edge elsewhere."""


def ground(width: int, height: int) -> Image:
    """Four plain colours, so that what shines through is seen."""
    image = np.full((height, width, 3), 96, np.uint8)
    image[: height // 2, : width // 2] = (150, 120, 90)
    image[height // 2 :, width // 2 :] = (40, 60, 110)
    return image


def shares(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


MIXED = shares(0.07, 0.31, 0.12, 0.05, 0.42, 0.03)
TIED = shares(0.0, 0.335, 0.33, 0.01, 0.3, 0.025)


def mixed(track: int, box: Box) -> FaceEmotion:
    """A face whose regions disagree, and whose label is not the longest bar."""
    one = face("sadness", track, box=box, label="sadness", since=1.25)
    regions = {"eyes": sure("fear", 0.6), "lips": MIXED}
    return replace(one, regions=regions, blendshapes=TIED, probabilities=MIXED, probabilities_frame=TIED)


def half_seen(track: int, box: Box) -> FaceEmotion:
    return face("surprise", track, 0.72, eyes=False, box=box)


def unseen(track: int, box: Box) -> FaceEmotion:
    one = face("anger", track, 0.55, eyes=False, lips=False, box=box)
    return replace(one, probabilities_frame=None)


def unsure(track: int, box: Box) -> FaceEmotion:
    return face("fear", track, 0.3, box=box, label="uncertain")


def at(index: int, width: int, height: int, *faces: FaceEmotion) -> EmotionFrame:
    return EmotionFrame(replace(video_frame(index), picture=ground(width, height)), faces)


def drawn(width: int, height: int, *faces: FaceEmotion, **options: object) -> Image:
    return Overlay(DrawingOptions(**options)).draw(at(0, width, height, *faces))


CROWD = tuple(
    (make, Box(20 + 105 * (n % 6), 40 + 150 * (n // 6), 70 + 3 * (n % 4), 84 + 2 * n))
    for n, make in enumerate([mixed, half_seen, unseen, unsure, mixed, half_seen, mixed, unsure, mixed])
)


def crowd(count: int) -> list[FaceEmotion]:
    return [make(track, box) for track, (make, box) in enumerate(CROWD[:count], 1)]


def strip(duration: float | None, until: float, width: int = 640, height: int = 360) -> Image:
    """A timeline of two people, with doubt, a change and a time in which nobody is there."""
    found, image = Strip(2.0, duration), ground(width, height)
    for index in range(round(until * 10)):
        second = index / 10
        name = EMOTIONS[int(second / 3) % len(EMOTIONS)]
        other = "uncertain" if 4 < second < 7 else "neutral"
        faces = [face(name), face(other if other in EMOTIONS else "fear", 2, label=other)]
        found.add(2.0 + second, [] if 8 < second < 10 else faces[: 1 + (second > 3)])
    found.paint(image, 2.0 + until)
    return image


def hidden(privacy: str) -> Image:
    rows, columns = np.mgrid[:240, :320]
    waves = 128 + 100 * np.sign(
        np.sin(rows / 5)[..., None] * np.cos(columns[..., None] / np.array([4, 7, 11]))
    )
    points = np.stack([110 + 8.0 * (np.arange(60) % 10), 70 + 18.0 * (np.arange(60) // 10)], axis=1)
    seen = replace(face("fear", box=Box(100, 60, 90, 110)), points=points.astype(np.float32))
    frame = replace(video_frame(0), picture=waves.astype(np.uint8))
    return Renderer(DrawingOptions(privacy=privacy, note="")).draw(EmotionFrame(frame, (seen,)))


def on(width: int, height: int, *paint: Callable[[Image], object]) -> Image:
    image = ground(width, height)
    for one in paint:
        one(image)
    return image


KEYS = [("q", "quit"), ("space", "pause or go on"), ("\u2190 \u2192", "five seconds back or forth")]
FIGURES = [("", "in", "out"), ("faces", "1234", "1230"), ("classify", "12", "7")]
FACE = Box(250, 130, 120, 150)

SCENES: dict[str, Callable[[], Image]] = {
    "panel": lambda: drawn(640, 480, mixed(1, FACE)),
    "panel-large": lambda: drawn(960, 720, mixed(1, Box(420, 200, 200, 250)), scale=1.4, opacity=0.6),
    "panel-half-seen": lambda: drawn(640, 360, half_seen(1, Box(60, 80, 110, 140))),
    "panel-unseen": lambda: drawn(640, 360, unseen(1, Box(430, 80, 110, 140))),
    "panel-unsure": lambda: drawn(640, 360, unsure(1, Box(530, 200, 150, 190))),
    "panel-two": lambda: drawn(800, 450, mixed(1, Box(120, 60, 90, 110)), unsure(2, Box(520, 250, 100, 120))),
    "panel-crowd": lambda: drawn(640, 360, *crowd(9)),
    "panel-narrow": lambda: drawn(200, 360, mixed(1, Box(30, 30, 130, 150))),
    "compact": lambda: drawn(640, 360, mixed(1, FACE), style="compact"),
    "compact-three": lambda: drawn(640, 360, *crowd(3), style="compact", note=""),
    "label": lambda: drawn(640, 360, mixed(1, FACE), half_seen(2, Box(20, 20, 60, 70)), style="label"),
    "small": lambda: drawn(240, 180, mixed(1, Box(90, 60, 40, 50)), note="a note"),
    "tiny": lambda: drawn(96, 72, mixed(1, Box(30, 20, 30, 36))),
    "none": lambda: drawn(320, 240, mixed(1, FACE), style="none"),
    "timeline": lambda: Renderer(DrawingOptions(draw_timeline=True), 0.0, 10.0).draw(
        at(50, 640, 480, mixed(1, FACE))
    ),
    "strip-file": lambda: strip(20.0, 14.0),
    "strip-live": lambda: strip(None, 80.0),
    "strip-hours": lambda: strip(7500.0, 30.0),
    "blur": lambda: hidden("blur"),
    "landmarks": lambda: hidden("landmarks"),
    "notice": lambda: on(480, 120, lambda image: hud.notice(image, "saved as emotion-12.png")),
    "notice-cut": lambda: on(200, 120, lambda image: hud.notice(image, "a long line that has no room " * 3)),
    "recording": lambda: on(480, 270, lambda image: hud.recording(image, "live.mp4")),
    "recording-cut": lambda: on(
        160, 120, lambda image: hud.recording(image, "a very long name of a file.mp4")
    ),
    "keys": lambda: on(640, 360, lambda image: hud.table(image, "Keys", KEYS)),
    "figures": lambda: on(480, 270, lambda image: hud.table(image, "Figures of the stages", FIGURES)),
    "figures-small": lambda: on(180, 120, lambda image: hud.table(image, "Figures", FIGURES * 2)),
    "notice-large": lambda: on(1280, 720, lambda image: hud.notice(image, "saved as emotion-12.png")),
    "recording-large": lambda: on(1280, 720, lambda image: hud.recording(image, "live.mp4")),
    "keys-large": lambda: on(1280, 720, lambda image: hud.table(image, "Keys", KEYS)),
    "panel-brief": lambda: drawn(330, 150, half_seen(1, Box(8, 20, 90, 110)), note=""),
    "panel-small": lambda: drawn(400, 300, unsure(1, Box(20, 40, 120, 150)), note=""),
    "compact-large": lambda: drawn(
        960, 720, mixed(1, Box(420, 300, 200, 250)), style="compact", note="a note"
    ),
    "away": lambda: drawn(
        340,
        220,
        mixed(1, Box(14, 14, 60, 60)),
        half_seen(2, Box(90, 4, 60, 212)),
        unsure(3, Box(4, 96, 80, 120)),
        style="label",
        note="",
    ),
    "strip-small": lambda: strip(20.0, 14.0, 160, 120),
    "strip-early": lambda: strip(None, 25.0, 320, 180),
    "strip-minutes": lambda: strip(300.0, 40.0, 500, 300),
    "strip-large": lambda: strip(45.0, 45.0, 1280, 720),
    "dimmed": lambda: hud.dimmed(ground(64, 48)),
}
"""By name, what draws a picture: uint8 (h, w, 3), BGR."""


def places() -> Iterator[list[object]]:
    """Where everything stands while faces move, meet, leave and come: seconds, track, words, rectangle."""
    overlay = Overlay(DrawingOptions(note=""))
    for index in range(240):
        second, here = index / 10, []
        here.append(mixed(1, Box(40 + 2.2 * index, 120 + 30 * np.sin(second), 90, 110)))
        if index % 100 > 20:
            here.append(unsure(2, Box(520 - 2.0 * index, 180, 80 + 8 * np.sin(second * 3), 100)))
        if index > 120:
            here += [half_seen(3, Box(300, 20, 60, 72)), mixed(4, Box(310 + 40 * (index % 2), 330, 70, 80))]
        frame = EmotionFrame(replace(video_frame(index, 100 * index), picture=ground(720, 440)), tuple(here))
        for reported in overlay.plan(frame):
            rect = reported.rect and [
                reported.rect.left,
                reported.rect.top,
                reported.rect.width,
                reported.rect.height,
            ]
            if index % 4 == 0:
                yield [second, reported.face.track_id, type(reported.widget).__name__, rect, reported.away]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw in SCENES.items():
        about = PngInfo()
        about.add_text("Software", LIBRARIES)
        Pillow.fromarray(draw()[..., ::-1]).save(FOLDER / f"{name}.png", pnginfo=about, optimize=True)
    rows = ",\n".join(json.dumps(row) for row in places())
    PLACES.write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
