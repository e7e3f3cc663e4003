"""Load shedding, so that results come in time: which pictures are analysed, whose emotion is read."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from emotion.realtime.messages import FaceFrame, PredictionFrame, Probabilities
from emotion.realtime.pipeline.stage import Stage
from emotion.realtime.stages.tracker import Tracker

# Latencies are judged over the last seconds, no sooner than so long after a change, and by no fewer
# results.
_WINDOW_SECONDS = 2.0
_SETTLING_SECONDS = 1.0
_FEWEST = 4
# More is done again when latencies stay below this share of the bound for this many seconds; each
# time that this was too much the wait doubles.
_EASY = 0.6
_PATIENCE_SECONDS = 4.0
_MOST_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class LoadLevel:
    """How much is left out.

    Attributes:
        in_flight: pictures that are in work at the same time; 1 spares the wait for one another.
        faces_every: of this many pictures of the source, one is looked at.
        classify_every: in each of these, one of this many faces has its emotion read.
    """

    in_flight: int = 2
    faces_every: int = 1
    classify_every: int = 1

    def sentence(self) -> str:
        """For example ``faces are looked for in every 2nd picture; ...``."""
        if self == LoadLevel():
            return "nothing is left out"
        parts = ["one picture is in work at a time"] if self.in_flight == 1 else []
        if self.faces_every > 1:
            parts.append(f"faces are looked for in every {_ordinal(self.faces_every)} picture")
        if self.classify_every > 1:
            parts.append(f"each face's emotion is read every {_ordinal(self.classify_every)} time")
        return ", ".join(parts)


LEVELS = (
    LoadLevel(),
    LoadLevel(in_flight=1),
    LoadLevel(in_flight=1, classify_every=2),
    LoadLevel(in_flight=1, classify_every=3),
    LoadLevel(in_flight=1, faces_every=2, classify_every=3),
    LoadLevel(in_flight=1, faces_every=3, classify_every=4),
    LoadLevel(in_flight=1, faces_every=4, classify_every=6),
)
"""From all of the work to the least."""


class LoadShedder:
    """Chooses a level of saving that keeps the time from capture to result below a bound.

    Args:
        bound: seconds; None: never save.
    """

    def __init__(self, bound: float | None) -> None:
        if bound is not None and bound <= 0:
            raise ValueError(f"the bound is in seconds and more than 0, not {bound}")
        self._bound = bound
        self._level = 0
        self._seen: deque[tuple[float, float]] = deque()
        self._settled = 0.0
        self._easy_since: float | None = None
        self._patience = _PATIENCE_SECONDS

    @property
    def saving(self) -> LoadLevel:
        """What is to be left out now."""
        return LEVELS[self._level]

    def note(self, latency: float, now: float) -> bool:
        """Take a result's latency into account; true when `saving` is another one from now on.

        Args:
            latency: seconds from capture to result.
            now: seconds on any clock that never goes back.
        """
        if self._bound is None:
            return False
        self._seen.append((now, latency))
        while self._seen[0][0] < now - _WINDOW_SECONDS:
            self._seen.popleft()
        self._settled = self._settled or now + _SETTLING_SECONDS
        if now < self._settled or len(self._seen) < _FEWEST:
            return False
        return self._change(1, now) if self._too_late() else self._relax(now)

    def _relax(self, now: float) -> bool:
        if max(latency for _, latency in self._seen) > _EASY * (self._bound or 0.0):
            self._easy_since = None
            return False
        if self._easy_since is None:
            self._easy_since = now
        if now - self._easy_since < self._patience:
            return False
        self._patience = min(2 * self._patience, _MOST_PATIENCE_SECONDS)
        return self._change(-1, now)

    def _too_late(self) -> bool:
        """Whether more than one in four results comes too late."""
        late = sum(latency > (self._bound or 0.0) for _, latency in self._seen)
        return 4 * late > len(self._seen)

    def _change(self, step: int, now: float) -> bool:
        level = min(max(self._level + step, 0), len(LEVELS) - 1)
        changed = level != self._level
        if changed:
            # Only what is measured from now on says how good the new level is.
            self._seen.clear()
            self._easy_since = None
            self._settled = now + _SETTLING_SECONDS
        self._level = level
        return changed


class LoadSheddingClassifier:
    """A classifier that, while there is need, reads only some of the faces of each picture.

    Those who have waited longest come first, and someone new at once; of the others the models'
    last predictions are repeated.

    Args:
        inner: the stage that asks the models.
        load_shedder: says how much is left out.
    """

    # Whoever waits for a second picture is late with the first.
    batch = 1

    def __init__(self, inner: Stage[FaceFrame, PredictionFrame], load_shedder: LoadShedder) -> None:
        self.name = inner.name
        self._inner = inner
        self._load_shedder = load_shedder
        self._tracks = Tracker()
        self._known: dict[int, _Known] = {}

    def process(self, items: Sequence[FaceFrame]) -> Iterable[PredictionFrame]:
        """The pictures with what each model says of their faces, in order."""
        return [self._read(item) for item in items]

    def close(self) -> None:
        """Close the inner stage."""
        self._inner.close()

    def _read(self, item: FaceFrame) -> PredictionFrame:
        ids = self._tracks.assign([face.box for face in item.faces], item.frame.seconds)
        self._known = {id_: known for id_, known in self._known.items() if id_ in self._tracks.alive}
        due = self._due(ids)
        faces = dict(zip(ids, item.faces, strict=True))
        (read,) = self._inner.process([FaceFrame(item.frame, tuple(faces[id_] for id_ in due))])
        for known in self._known.values():
            known.waits += 1
        by_face = zip(due, read.predictions.swapaxes(0, 1), read.free, strict=True)
        self._known |= {id_: _Known(rows, free) for id_, rows, free in by_face}
        regions, _, classes = read.predictions.shape
        predictions = np.zeros((regions, len(ids), classes), np.float32)
        free = np.zeros((len(ids), regions), np.float32)
        for index, id_ in enumerate(ids):
            predictions[:, index], free[index] = self._known[id_].predictions, self._known[id_].free
        return PredictionFrame(item.frame, item.faces, predictions, free, read.schema, item.left_out)

    def _due(self, ids: Sequence[int]) -> list[int]:
        """Who is read now: all who are new, and of the others those who have waited longest."""
        every = self._load_shedder.saving.classify_every
        old = [id_ for id_ in ids if id_ in self._known]
        ripe = sorted(
            (id_ for id_ in old if self._known[id_].waits >= every - 1),
            key=lambda id_: -self._known[id_].waits,
        )
        # No more than that at once, so that their turns spread and each batch is small.
        chosen = set(ids) - set(old) | set(ripe[: ceil(len(old) / every)])
        return [id_ for id_ in ids if id_ in chosen]


@dataclass(slots=True)
class _Known:
    """What the models said of someone last, (regions, classes), and for how many pictures that is old."""

    predictions: Probabilities
    free: npt.NDArray[np.float32]
    waits: int = 0


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
