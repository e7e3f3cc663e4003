"""From frames to spans: which emotion a person showed from when to when.

It is the label that counts: what changes and when was decided where the label was (`stages.label_rule`), so
subtitles, events and the summary say nothing else than picture and tables. Only a short absence, as of a
face that turns away for a moment, is passed over.
"""

from dataclasses import dataclass
from typing import Literal

from emotion.realtime.messages import EmotionFrame, FaceEmotion

# A person who is out of sight for no longer than this has not left.
_ABSENCE = 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """A person's emotion is another one than before.

    Attributes:
        kind: the person was not there before, shows another emotion, or is gone.
        track_id: the person's.
        seconds: when, in the stream's time.
        emotion: the face's label from then on, an emotion or `UNCERTAIN`; None where the person left.
        confidence: its share at that time, in [0, 1]; None likewise, and for `UNCERTAIN`.
        previous: what the person showed until then; None where the person appeared.
        lasted: for how many seconds that was; None where the person appeared.
    """

    kind: Literal["appeared", "changed", "left"]
    track_id: int
    seconds: float
    emotion: str | None
    confidence: float | None
    previous: str | None
    lasted: float | None


class SpanTracker:
    """Turns frames, in order of time, into the changes of each person's emotion."""

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._last: float | None = None
        self._step = 0.0

    @property
    def delay(self) -> float:
        """By so many seconds at most is a change dated back: what is older is settled."""
        return _ABSENCE

    def add(self, result: EmotionFrame) -> list[Change]:
        """The changes that this frame settles, in order of time."""
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
        """The stream has ended: everybody leaves. The last frame lasts as long as the one before."""
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
    """What one person shows, and since when."""

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
