"""Load shedding, to bound the latency: which pictures are analysed, and which faces are classified."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from emotion.realtime.messages import FaceFrame, PredictionFrame, Probabilities
from emotion.realtime.pipeline.stage import Stage
from emotion.realtime.stages.tracker import Tracker

# Latencies are evaluated over the last seconds, after this time since a change, and with at least so many
# results.
_WINDOW_SECONDS = 2.0
_SETTLING_SECONDS = 1.0
_FEWEST = 4
# The level is lowered when latencies stay below this share of the bound for this many seconds; after
# each failed attempt this time doubles.
_EASY = 0.6
_PATIENCE_SECONDS = 4.0
_MOST_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class LoadLevel:
    """A level of load shedding.

    Attributes:
        in_flight: number of pictures in the pipeline; with 1 there is no queueing.
        faces_every: one of this many pictures of the source is analysed.
        classify_every: in each of these, one of this many faces is classified.
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
"""From full work to the least."""


class LoadShedder:
    """Chooses the level that keeps the time from capture to result below a bound.

    Args:
        bound: seconds; None: never shed load.
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
        """The present level."""
        return LEVELS[self._level]

    def note(self, latency: float, now: float) -> bool:
        """Add a result's latency; returns whether the level has changed.

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
        """Whether more than one in four results is too late."""
        late = sum(latency > (self._bound or 0.0) for _, latency in self._seen)
        return 4 * late > len(self._seen)

    def _change(self, step: int, now: float) -> bool:
        level = min(max(self._level + step, 0), len(LEVELS) - 1)
        changed = level != self._level
        if changed:
            # Only new measurements show the effect of the new level.
            self._seen.clear()
            self._easy_since = None
            self._settled = now + _SETTLING_SECONDS
        self._level = level
        return changed


class LoadSheddingClassifier:
    """A classifier that, under load, classifies only some of the faces of each picture.

    New faces are classified at once, then those that have waited longest; for the others the
    last predictions are repeated.

    Args:
        inner: the stage that runs the models.
        load_shedder: with the present level.
    """

    # Waiting for a second picture would delay the first.
    batch = 1

    def __init__(self, inner: Stage[FaceFrame, PredictionFrame], load_shedder: LoadShedder) -> None:
        self.name = inner.name
        self._inner = inner
        self._load_shedder = load_shedder
        self._tracks = Tracker()
        self._known: dict[int, _Known] = {}

    def process(self, items: Sequence[FaceFrame]) -> Iterable[PredictionFrame]:
        """The pictures with the predictions for their faces, in order."""
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
        """The faces to classify now: all new ones, and of the others those that have waited longest."""
        every = self._load_shedder.saving.classify_every
        old = [id_ for id_ in ids if id_ in self._known]
        ripe = sorted(
            (id_ for id_ in old if self._known[id_].waits >= every - 1),
            key=lambda id_: -self._known[id_].waits,
        )
        # No more than that at once, so that the work is spread and each batch is small.
        chosen = set(ids) - set(old) | set(ripe[: ceil(len(old) / every)])
        return [id_ for id_ in ids if id_ in chosen]


@dataclass(slots=True)
class _Known:
    """The last predictions for a face, (regions, classes), and their age in pictures."""

    predictions: Probabilities
    free: npt.NDArray[np.float32]
    waits: int = 0


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
