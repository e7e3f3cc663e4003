"""Distributes a live source's sound to its recordings."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 48_000
"""Sampling rate of live sound, in samples a second; there are two channels."""

Samples: TypeAlias = npt.NDArray[np.float32]
"""Float32 (2, count), in [-1, 1]."""

# If a recording hangs, more sound than this is lost.
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
    """The sound between a source and recordings. Thread-safe.

    Args:
        kept: whether sound before the first recording is kept for that one.

    Attributes:
        is_there: whether the source has sound; known once it has given its first picture.
        origin: `time.monotonic()` at which the stream's time is 0; likewise.
    """

    def __init__(self, *, kept: bool = True) -> None:
        self.is_there = False
        self.origin = 0.0
        self._lock = threading.Lock()
        self._first = SoundTap(self) if kept else None
        # Replaced atomically, so that the source never sees a partial change.
        self._taps: tuple[SoundTap, ...] = (self._first,) if self._first else ()

    @property
    def wanted(self) -> bool:
        """Whether there is a recording, or may soon be: else nothing needs to be decoded."""
        return bool(self._taps)

    def tap(self) -> "SoundTap":
        """The sound for one recording, from now on; close it at its end."""
        with self._lock:
            first, self._first = self._first, None
            tap = first or SoundTap(self)
            if first is None:
                self._taps = (*self._taps, tap)
            return tap

    def put(self, sound: Sound) -> None:
        """Send a piece to every recording."""
        for tap in self._taps:
            tap.put(sound)

    def leave(self, tap: "SoundTap") -> None:
        """Stop sending to a recording."""
        with self._lock:
            self._taps = tuple(one for one in self._taps if one is not tap)


class SoundTap:
    """The queued sound of one recording, of limited length."""

    def __init__(self, sound: LiveSound) -> None:
        self._sound = sound
        self._lock = threading.Lock()
        self._waiting: deque[Sound] = deque()
        self._length = 0

    def put(self, sound: Sound) -> None:
        """Add a piece; the oldest ones are dropped if necessary."""
        with self._lock:
            self._waiting.append(sound)
            self._length += sound.samples.shape[1]
            while self._length > _MOST_SECONDS * SAMPLE_RATE:
                self._length -= self._waiting.popleft().samples.shape[1]

    def take(self) -> list[Sound]:
        """All queued pieces, in order."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            self._length = 0
        return taken

    def close(self) -> None:
        """Stop."""
        self._sound.leave(self)
