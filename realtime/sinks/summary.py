"""What a whole video says: the share of time per emotion, and the video's own emotion."""

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, Classes
from emotion.realtime.messages import EmotionFrame

_Totals: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """A video in a few numbers. A face counts for the time its frame is shown; all faces count.

    Attributes:
        frames: how many were analysed.
        frames_with_faces: those in which a face was found.
        faces: how many different tracks there were.
        seconds: of video that were analysed.
        face_seconds: the sum over all faces of the time each was seen.
        shares: by class, the share of the face seconds in which it was the answer; None where no face was
            found.
        mean: by class, the mean of `probabilities` over the face seconds; None likewise.
        emotion: the video's: the class with the largest mean; None likewise.
    """

    frames: int
    frames_with_faces: int
    faces: int
    seconds: float
    face_seconds: float
    shares: dict[str, float] | None
    mean: dict[str, float] | None
    emotion: str | None

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """For example ``happiness (54% of the time), then sadness (21%)``."""
        if self.emotion is None or self.shares is None:
            return f"no face was found in {self.frames} frames"
        ranked = sorted(self.shares.items(), key=lambda pair: -pair[1])
        others = [(name, share) for name, share in ranked if name != self.emotion and share >= 0.05][:2]
        text = f"{self.emotion} ({self.shares[self.emotion]:.0%} of the time a face is seen)"
        return text + "".join(f", {name} {share:.0%}" for name, share in others)


class SummaryBuilder:
    """Adds frames up into a `Summary`, in constant memory but for the numbers of the tracks."""

    def __init__(self) -> None:
        self._frames = 0
        self._with_faces = 0
        self._tracks: set[int] = set()
        self._waiting: EmotionFrame | None = None
        self._first = 0.0
        self._last = 0.0
        self._step = 0.0
        self._classes = SIX
        self._time = self._votes = np.zeros(len(SIX))

    def add(self, result: EmotionFrame) -> None:
        """Take the next frame. How long it is shown is known when its successor comes."""
        seconds = result.frame.seconds
        if self._waiting is None:
            self._first = seconds
            self._classes = result.schema.classes
            self._time, self._votes = np.zeros(len(self._classes)), np.zeros(len(self._classes))
        else:
            self._step = max(0.0, seconds - self._last)
            _accumulate(self._time, self._votes, self._waiting, self._step)
        self._waiting, self._last = result, seconds
        self._frames += 1
        self._with_faces += bool(result.faces)
        self._tracks.update(face.track_id for face in result.faces)

    def build(self) -> Summary:
        """The summary of all frames up to now; the last is taken to last as long as the one before."""
        time, votes = self._time, self._votes
        if self._waiting is not None:
            time, votes = time.copy(), votes.copy()
            _accumulate(time, votes, self._waiting, self._step or 1.0)
        total = float(time.sum())
        return Summary(
            frames=self._frames,
            frames_with_faces=self._with_faces,
            faces=len(self._tracks),
            seconds=round(self._last - self._first + self._step, 3) if self._frames else 0.0,
            # A single picture lasts no time, but what it shows still counts.
            face_seconds=round(total, 3) if self._step else 0.0,
            shares=_by_class(time / total, self._classes) if total > 0 else None,
            mean=_by_class(votes / total, self._classes) if total > 0 else None,
            emotion=self._classes[int(votes.argmax())] if total > 0 else None,
        )


def _accumulate(time: _Totals, votes: _Totals, result: EmotionFrame, seconds: float) -> None:
    for face in result.faces:
        time[int(face.probabilities.argmax())] += seconds
        votes += seconds * face.probabilities


def _by_class(values: _Totals, classes: Classes) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(classes, values, strict=True)}
