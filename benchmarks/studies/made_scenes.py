"""Scenes of 1 to 12 faces, made up: who stands where, for the study of panels."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from emotion.models.classes import EMOTIONS, UNCERTAIN
from emotion.models.regions import Image
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, VideoFrame

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
RATE = 6
SECONDS = 60.0
# What faces take of a picture at most; with more there is no ground left to write on.
_MOST_FACES = 0.3
# As shares of a face: how its box shakes, how far somebody sways, and what is left between two faces.
_SHAKE, _SWAY, _BETWEEN = 0.012, 0.06, 0.25
_MISSED = 0.03
_TAKES = {"stands": 0.6, "sways": 0.2, "walks": 0.1, "comes and goes": 0.1}


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody in a scene: where their face is, and what they do."""

    left: float
    top: float
    width: float
    height: float
    manner: str
    phase: float

    def box(self, seconds: float, rng: np.random.Generator) -> Box | None:
        """The face at a time, None while it is not found."""
        across = 0.0
        if self.manner == "sways":
            across = _SWAY * self.width * np.sin(0.8 * seconds + self.phase)
        if self.manner == "walks":
            across = 2.5 * self.width * np.sin(0.25 * seconds + self.phase)
        if self.manner == "comes and goes" and (seconds + self.phase) % 12 > 8:
            return None
        if rng.random() < _MISSED:
            return None
        shake = rng.normal(0, _SHAKE * self.width, 4)
        return Box(
            float(self.left + across + shake[0]),
            float(self.top + shake[1]),
            float(max(4.0, self.width + shake[2])),
            float(max(4.0, self.height + shake[3])),
        )


def made_scene(seed: int, seconds: float = SECONDS) -> Iterator[EmotionFrame]:
    """The pictures of a scene, all black: from 320x240 to 4K, 1 to 12 faces, most of them standing.

    Args:
        seed: the same number, the same scene.
        seconds: how long it is.
    """
    rng = np.random.default_rng(seed)
    width, height = SIZES[seed % len(SIZES)]
    people = _people(rng, width, height, 1 + seed % 12)
    image: Image = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    for index in range(round(seconds * RATE)):
        faces = []
        for track_id, person in enumerate(people, 1):
            if box := person.box(index / RATE, rng):
                faces.append(_face(track_id, box, rng))
        frame = VideoFrame(index, index, Fraction(1, RATE), 0.0, image)
        yield EmotionFrame(frame, tuple(faces))


def _people(rng: np.random.Generator, width: int, height: int, count: int) -> list[_Person]:
    """As many as fit, without overlap."""
    largest = min(0.5 * height, (_MOST_FACES * width * height / count) ** 0.5)
    people: list[_Person] = []
    for _ in range(400):
        if len(people) == count:
            break
        tall = rng.uniform(0.35, 1.0) * largest
        across = 0.8 * tall
        left, top = rng.uniform(0, width - across), rng.uniform(0, height - tall)
        near = _BETWEEN * tall
        if all(
            left + across + near < one.left
            or one.left + one.width + near < left
            or top + tall + near < one.top
            or one.top + one.height + near < top
            for one in people
        ):
            manner = str(rng.choice(list(_TAKES), p=list(_TAKES.values())))
            people.append(_Person(left, top, across, tall, manner, float(rng.uniform(0, 12))))
    return people


def _face(track_id: int, box: Box, rng: np.random.Generator) -> FaceEmotion:
    """With a label that changes at times, as words differ in length."""
    shares = rng.dirichlet(np.ones(len(EMOTIONS))).astype(np.float32)
    regions = {"eyes": shares, "lips": shares}
    label = str(rng.choice([UNCERTAIN, *EMOTIONS]))
    return FaceEmotion(track_id, box, regions, shares, shares, shares, label=label)
