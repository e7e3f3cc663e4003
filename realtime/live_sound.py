"""The sound of a live source, on its way to whoever records it."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48_000
"""Of all live sound, in samples a second; there are two channels."""

Samples: TypeAlias = npt.NDArray[np.float32]
"""Float32 (2, count), in [-1, 1]."""

# What a recording that hangs cannot take in time is lost.
_MOST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A short piece of sound.

    Attributes:
        seconds: `time.monotonic()` at which it begins.
        samples: see `Samples`.
    """

    seconds: float
    samples: Samples


class LiveSound:
    """What a source gives and a recording takes, of which little is kept. Safe in threads.

    Attributes:
        is_there: whether the source has sound; known once it has given its first picture.
        origin: `time.monotonic()` at which the stream's time is 0; likewise.
        wanted: whether somebody records, or may begin to.
    """

    def __init__(self) -> None:
        self.is_there = False
        self.origin = 0.0
        self.wanted = True
        self._lock = threading.Lock()
        self._waiting: deque[Sound] = deque()
        self._length = 0

    def put(self, sound: Sound) -> None:
        """Hand over a piece; the oldest ones make room for it."""
        if not self.wanted:
            return
        with self._lock:
            self._waiting.append(sound)
            self._length += sound.samples.shape[1]
            while self._length > _MOST_SECONDS * SAMPLE_RATE:
                self._length -= self._waiting.popleft().samples.shape[1]

    def take(self) -> list[Sound]:
        """All that waits, in the order in which it came."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            self._length = 0
        return taken
