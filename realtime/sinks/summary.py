"""The summary of a video, and of each of its people.

All shares of time are from `models.statistics.shares`, the video's emotion from
`models.statistics.video_emotion`; displays of a summary do not compute their own.
"""

from cmath import exp, phase
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from math import degrees, inf, radians
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, UNCERTAIN, Classes
from emotion.models.statistics.shares import (
    NO_FACE,
    ScreenTimes,
    ShareCounter,
    Shown,
    TimeShares,
    whole_percents,
)
from emotion.models.statistics.video_emotion import strengths, video_emotion
from emotion.models.words import counted
from emotion.realtime.messages import EmotionFrame, FaceEmotion
from emotion.realtime.sinks.spans import Change, SpanTracker

# Shares are rounded to it in JSON, and as percentages in words.
_DIGITS = 4
# A face with a larger rotation, in degrees, counts as turned.
_TURNED = 60.0
_HALF_TURN = 180
_ALL = 100


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest probability of a class, in [0, 1], and its time in the video, in seconds."""

    probability: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Episodes:
    """The number of episodes of a label, each without a break, and their median length in seconds."""

    count: int
    median_seconds: float


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """A person's time in the picture.

    Attributes:
        track_id: number of the person, from 1, as in `FaceResult`.
        first: time in the video at which the person first appears, in seconds.
        last: time in the video at which the person is last in the picture, in seconds.
        seconds: time that the person is in the picture.
        shares: shares of this time by label; the sum is 1.
        mean: by class, the mean probability over the time in which the face could be read; None if it never
            could.
        strength: by class, as in `Summary`, of this person; None likewise.
        emotion: class with the largest strength; None likewise.
        confidence: that strength, in [0, 1]; None likewise.
        label: a class, or ``uncertain``, as in `Summary`.
        peak: by class, the largest probability and its time; None likewise.
        episodes: by label, number and median length of its episodes; labels that never occur are left out.
        changes: number of changes of the label.
    """

    track_id: int
    first: float
    last: float
    seconds: float
    shares: dict[str, float]
    mean: dict[str, float] | None
    strength: dict[str, float] | None
    emotion: str | None
    confidence: float | None
    label: str
    peak: dict[str, Peak] | None
    episodes: dict[str, Episodes]
    changes: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of a video.

    Attributes:
        frames: number of analysed frames.
        frames_with_faces: number of frames with at least one face.
        seconds: analysed length of the video.
        face_seconds: sum of the time that all people are in the picture, in seconds.
        shares: shares of the video's time by label, with ``uncertain`` and ``no_face``: each frame counts
            with its duration, split equally among its faces; the sum is 1. None without a frame.
        mean: by class, the mean probability over the time in which a face could be read; None if none could.
        strength: by class, the root mean square of its probability over that time; neutral counts 0.7 times;
            scaled to a sum of 1. None likewise.
        emotion: class with the largest strength; None likewise.
        confidence: that strength, in [0, 1]; None likewise.
        label: the strongest class that faces have as a label, or ``uncertain``; None without a face.
        turned: share of the face time in which faces are tilted by more than 60 degrees, sideways or upside
            down; None without a face.
        turn: if that is most of it, the clockwise rotation in degrees that would make the picture upright:
            90, 180 or 270; else None.
        people: one summary per person, by track number.
    """

    frames: int
    frames_with_faces: int
    seconds: float
    face_seconds: float
    shares: dict[str, float] | None
    mean: dict[str, float] | None
    strength: dict[str, float] | None
    emotion: str | None
    confidence: float | None
    label: str | None
    turned: float | None
    turn: int | None
    people: tuple[PersonSummary, ...]

    @property
    def hint(self) -> str | None:
        """A message if the picture seems to be rotated; else None."""
        if self.turn is None or self.turned is None:
            return None
        how = "stand on their heads" if self.turn == _HALF_TURN else "lie on their side"
        share = round(100 * self.turned)
        time = "all the time" if share == _ALL else f"for {share}% of their time"
        return (
            f"the picture seems to be turned: faces {how} {time}; "
            f"it would stand upright if turned by {self.turn} degrees clockwise"
        )

    @property
    def faces(self) -> int:
        """The number of people."""
        return len(self.people)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON: ``video``, and ``people``, a list."""
        values = asdict(self)
        people = list(values.pop("people"))
        return {"video": values | {"people": len(people)}, "people": people}

    def sentence(self) -> str:
        """For example ``overall happiness: 54% of the time happiness, 27% sadness, 19% uncertain``.

        If the picture seems to be rotated, a message follows. See also `overall_in_words`.
        """
        if self.label is None or self.shares is None:
            return f"no face was found in {counted(self.frames, 'frame')}"
        said = overall_in_words(self.label, self.shares)
        return f"{said}; {self.hint}" if self.hint else said


def percents(shares: dict[str, float]) -> dict[str, int]:
    """Shares of time in whole per cent that add up to 100, the largest first."""
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    whole = whole_percents(share for _, share in ranked)
    return {name: one for (name, _), one in zip(ranked, whole, strict=True)}


def in_words(shares: dict[str, float], always: str = "") -> str:
    """Shares of time as text, the largest first; those that round to 0% are left out.

    Args:
        shares: by label.
        always: a label that is included even then.
    """
    percentages = {
        name: one for name, one in percents(shares).items() if one or (name == always and shares[name])
    }
    words = [name.replace("_", " ") for name in percentages]
    if len(percentages) == 1:
        return f"{words[0]} all the time"
    parts = [
        "under 1%" if not one else "over 99%" if one == _ALL else f"{one}%" for one in percentages.values()
    ]
    parts[0] += " of the time"
    return ", ".join(f"{part} {name}" for part, name in zip(parts, words, strict=True))


def overall_in_words(label: str, shares: dict[str, float]) -> str:
    """The label of a video, and its shares of time, if they add information.

    The label is the strongest emotion, which need not be the most frequent one (see
    `video_emotion`): then both are stated, so that label and shares do not seem to contradict each other.
    """
    words = in_words(shares, always=label)
    if words == in_words({label: 1.0}):
        return words
    return f"{_called(label, percents(shares))}: {words}"


def _called(label: str, whole: dict[str, int]) -> str:
    """A video's label, and the most frequent label of its faces, if that is another one."""
    of_faces = {name: one for name, one in whole.items() if name != NO_FACE}
    most = max(of_faces, key=lambda name: (of_faces[name], name == label))
    if most == label:
        return f"overall {label}"
    if label == UNCERTAIN:
        return "no clear expression overall"
    return f"most often {most}, strongest expression {label}"


@dataclass(slots=True, eq=False)
class _Turns:
    """How long faces are rotated, and in which direction."""

    seconds: float = 0.0
    turned: float = 0.0
    direction: complex = 0.0

    def count(self, face: FaceEmotion, lasts: float) -> None:
        self.seconds += lasts
        if abs(face.turn) > _TURNED:
            self.turned += lasts
            self.direction += lasts * exp(1j * radians(face.turn))

    @property
    def share(self) -> float | None:
        return round(self.turned / self.seconds, _DIGITS) if self.seconds else None

    @property
    def back(self) -> int | None:
        """See `Summary.turn`."""
        if 2 * self.turned <= self.seconds or not self.direction:
            return None
        return -round(degrees(phase(self.direction)) / 90) % 4 * 90 or None


@dataclass(slots=True, eq=False)
class _Person:
    """The accumulated data of one person."""

    classes: Classes
    first: float
    last: float = 0.0
    known: float = 0.0
    changes: int = 0
    lengths: dict[str, list[float]] = field(default_factory=dict)
    total: npt.NDArray[np.float64] = field(init=False)
    squares: npt.NDArray[np.float64] = field(init=False)
    most: npt.NDArray[np.float64] = field(init=False)
    when: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.when = np.zeros(len(self.classes)), np.zeros(len(self.classes))
        self.squares = np.zeros(len(self.classes))
        self.most = np.zeros(len(self.classes))

    def see(self, face: FaceEmotion, seconds: float) -> None:
        if face.probabilities is not None:
            higher = face.probabilities > self.most
            self.when[higher] = seconds
            np.maximum(self.most, face.probabilities, out=self.most)

    def count(self, face: FaceEmotion, until: float, lasts: float) -> None:
        self.last = max(self.last, until)
        if face.probabilities is not None:
            self.known += lasts
            self.total += lasts * face.probabilities
            self.squares += lasts * np.square(face.probabilities, dtype=np.float64)

    def note(self, change: Change) -> None:
        """Add a change of the label, which ends an episode of the previous one."""
        self.changes += change.kind == "changed"
        if change.previous is not None and change.lasted is not None:
            self.lengths.setdefault(change.previous, []).append(change.lasted)

    def build(self, track_id: int, times: TimeShares) -> PersonSummary:
        known = self.most.any()
        shares = times.people[track_id]
        strong = _strengths(self.squares, self.classes)
        decided = video_emotion(strong, shares) if strong else None
        peaks = zip(self.classes, self.most.tolist(), self.when.tolist(), strict=True)
        return PersonSummary(
            track_id=track_id,
            first=round(self.first, 3),
            last=round(self.last, 3),
            seconds=round(times.seconds[track_id], 3),
            shares=rounded(shares),
            mean=_by_class(self.total / self.known, self.classes) if self.known else None,
            strength=strong,
            emotion=decided.emotion if decided else None,
            confidence=decided.confidence if decided else None,
            label=decided.label if decided else UNCERTAIN,
            peak={name: Peak(round(most, _DIGITS), round(when, 3)) for name, most, when in peaks}
            if known
            else None,
            episodes={
                label: Episodes(len(lengths), round(median(lengths), 3))
                for label in self.classes.labels
                if (lengths := self.lengths.get(label))
            },
            changes=self.changes,
        )


class SummaryBuilder:
    """Accumulates frames into a `Summary`; memory grows with the number of people and of their changes.

    Args:
        longest: maximum duration of a picture in seconds; see `ScreenTimes`.
    """

    def __init__(self, longest: float = inf) -> None:
        self._longest = longest
        self._frames = 0
        self._with_faces = 0
        self._first = 0.0
        self._classes = SIX
        self._times: ScreenTimes[tuple[FaceEmotion, ...]] = ScreenTimes(longest)
        self._shares = ShareCounter(SIX.labels, longest)
        self._spans = SpanTracker()
        self._people: dict[int, _Person] = {}
        self._turns = _Turns()

    def add(self, result: EmotionFrame) -> None:
        """Add the next frame. Its duration is known when the next one arrives."""
        seconds = result.frame.seconds
        if not self._frames:
            self._first = seconds
            self._classes = result.schema.classes
            self._shares = ShareCounter(self._classes.labels, self._longest)
        self._frames += 1
        self._with_faces += bool(result.faces)
        self._shares.add(seconds, [(face.track_id, face.label) for face in result.faces])
        for face in result.faces:
            person = self._people.setdefault(face.track_id, _Person(self._classes, seconds))
            person.see(face, seconds)
        if shown := self._times.add(seconds, result.faces):
            _count(self._people, self._turns, shown)
        for change in self._spans.add(result):
            self._people[change.track_id].note(change)

    def build(self) -> Summary:
        """The summary of all frames so far; the last is assumed to last as long as the one before."""
        people, turns, times = deepcopy(self._people), deepcopy(self._turns), self._shares.build()
        last = self._times.last()
        if last is not None:
            # A single picture has no duration, but its content still counts.
            alone = Shown(last.what, last.seconds, last.lasts or 1.0) if self._frames == 1 else last
            _count(people, turns, alone, until=last.seconds + last.lasts)
        for change in deepcopy(self._spans).finish():
            people[change.track_id].note(change)
        known = sum(person.known for person in people.values())
        total = sum((person.total for person in people.values()), np.zeros(len(self._classes)))
        means = _by_class(total / known, self._classes) if known else None
        squares = sum((person.squares for person in people.values()), np.zeros(len(self._classes)))
        strong = _strengths(squares, self._classes)
        decided = video_emotion(strong, times.video) if strong else None
        label = decided.label if decided else UNCERTAIN if people else None
        return Summary(
            frames=self._frames,
            frames_with_faces=self._with_faces,
            seconds=round(last.seconds + last.lasts - self._first, 3) if last else 0.0,
            face_seconds=round(sum(times.seconds.values()), 3),
            shares=rounded(times.video) if self._frames else None,
            mean=means,
            strength=strong,
            emotion=decided.emotion if decided else None,
            confidence=decided.confidence if decided else None,
            label=label,
            turned=turns.share,
            turn=turns.back,
            people=tuple(person.build(track, times) for track, person in sorted(people.items())),
        )


def rounded(shares: dict[str, float]) -> dict[str, float]:
    """Rounded shares for the file."""
    return {label: round(share, _DIGITS) for label, share in shares.items()}


def _count(
    people: dict[int, _Person],
    turns: _Turns,
    shown: Shown[tuple[FaceEmotion, ...]],
    until: float | None = None,
) -> None:
    for face in shown.what:
        turns.count(face, shown.lasts)
        end = shown.seconds + shown.lasts if until is None else until
        people[face.track_id].count(face, end, shown.lasts)


def _strengths(squares: npt.NDArray[np.float64], classes: Classes) -> dict[str, float] | None:
    """See `video_emotion`; None if nothing is known."""
    if not squares.any():
        return None
    return rounded(strengths(dict(zip(classes, squares.tolist(), strict=True)), classes.neutral))


def _by_class(values: npt.NDArray[np.float64], classes: Classes) -> dict[str, float]:
    return {name: round(float(value), _DIGITS) for name, value in zip(classes, values, strict=True)}
