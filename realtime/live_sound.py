"""Hands a live source's sound to all who record it."""

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
    """What a source gives and recordings take. Safe in threads.

    Args:
        kept: whether what comes before the first recording takes it is kept for that one.

    Attributes:
        is_there: whether the source has sound; known once it has given its first picture.
        origin: `time.monotonic()` at which the stream's time is 0; likewise.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self.is_there = False
        self.origin = 0.0
        self._lock = threading.Lock()
        self._first = SoundTap(self) if kept else None
        # Replaced as a whole, so that whoever gives sound never meets half of a change.
        self._taps: tuple[SoundTap, ...] = (self._first,) if self._first else ()

    @property
    def wanted(self) -> bool:
        """Whether somebody records, or is about to: else nothing needs to be decoded."""
        return bool(self._taps)

    def tap(self) -> "SoundTap":
        """What one recording takes from now on; close it at its end."""
        with self._lock:
            first, self._first = self._first, None
            tap = first or SoundTap(self)
            if first is None:
                self._taps = (*self._taps, tap)
            return tap

    def put(self, sound: Sound) -> None:
        """Hand a piece to every recording."""
        for tap in self._taps:
            tap.put(sound)

    def leave(self, tap: "SoundTap") -> None:
        """Give a recording no more."""
        with self._lock:
            self._taps = tuple(one for one in self._taps if one is not tap)


class SoundTap:
    """The sound that waits for one recording; little is kept of it."""

    def __init__(self, sound: LiveSound) -> None:
        self._sound = sound
        self._lock = threading.Lock()
        self._waiting: deque[Sound] = deque()
        self._length = 0

    def put(self, sound: Sound) -> None:
        """Add a piece; the oldest ones make room for it."""
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

    def close(self) -> None:
        """Want no more."""
        self._sound.leave(self)
