"""From frames to intervals: the labels of each person over time.

Only labels are used: their changes were decided by `stages.label_rule`, so
subtitles, events and the summary agree with pictures and tables. Only a short absence, as of a
face that turns away briefly, is ignored.
"""

from dataclasses import dataclass
from typing import Literal

from emotion.realtime.messages import EmotionFrame, FaceEmotion

# A shorter absence of a person is ignored.
_ABSENCE = 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a person's label.

    Attributes:
        kind: the person has appeared, has another label, or has left.
        track_id: the person's.
        seconds: its time in the stream.
        emotion: the face's label from then on, an emotion or `UNCERTAIN`; None if the person left.
        confidence: its probability at that time, in [0, 1]; None likewise, and for `UNCERTAIN`.
        previous: the label until then; None if the person appeared.
        lasted: its duration in seconds; None if the person appeared.
    """

    kind: Literal["appeared", "changed", "left"]
    track_id: int
    seconds: float
    emotion: str | None
    confidence: float | None
    previous: str | None
    lasted: float | None


class SpanTracker:
    """Converts frames, in order of time, to the changes of each person's label."""

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._last: float | None = None
        self._step = 0.0

    @property
    def delay(self) -> float:
        """The maximum number of seconds by which a change is dated back: older changes are final."""
        return _ABSENCE

    def add(self, result: EmotionFrame) -> list[Change]:
        """The changes that are final with this frame, in order of time."""
        now = result.frame.seconds
        earlier: list[Change] = []
        if self._last is not None and now < self._last:
            earlier = self.finish()  # another stream's time begins
        if self._last is not None:
            self._show_until(now)
        changes: list[Change] = []
        for face in result.faces:
            person = self._people.setdefault(face.track_id, _Person(face.track_id))
            changes += person.see(face, now)
        changes += self._leave([p for p in self._people.values() if now - p.seen > _ABSENCE])
        self._last = now
        return earlier + sorted(changes, key=lambda change: change.seconds)

    def finish(self) -> list[Change]:
        """The stream has ended: all people leave. The last frame lasts as long as the one before."""
        if self._last is not None:
            self._show_until(self._last + self._step)
        self._last = None
        return self._leave(list(self._people.values()))

    def _show_until(self, now: float) -> None:
        """A frame is shown until the next one comes."""
        assert self._last is not None
        self._step = min(now - self._last, _ABSENCE)
        for person in self._people.values():
            if person.seen == self._last:
                person.until = self._last + self._step

    def _leave(self, people: "list[_Person]") -> list[Change]:
        for person in people:
            del self._people[person.track_id]
        changes = [change for person in people for change in person.leave()]
        return sorted(changes, key=lambda change: change.seconds)


class _Person:
    """The label of one person, and since when it holds."""

    def __init__(self, track_id: int) -> None:
        self.track_id = track_id
        self.seen = self.until = 0.0
        self._emotion: str | None = None
        self._since = 0.0

    def see(self, face: FaceEmotion, now: float) -> list[Change]:
        self.seen = self.until = now
        if face.label == self._emotion:
            return []
        change = self._change("changed" if self._emotion else "appeared", now, face)
        self._emotion, self._since = face.label, now
        return [change]

    def leave(self) -> list[Change]:
        return [self._change("left", self.until, None)] if self._emotion else []

    def _change(
        self, kind: Literal["appeared", "changed", "left"], seconds: float, face: FaceEmotion | None
    ) -> Change:
        emotion, confidence = (face.label, face.label_share) if face else (None, None)
        lasted = seconds - self._since if self._emotion else None
        return Change(kind, self.track_id, seconds, emotion, confidence, self._emotion, lasted)
