"""The 1-euro filter (Casiez et al. 2012) as MediaPipe smooths the landmarks of a lone face with it."""

import numpy as np
import numpy.typing as npt

# MediaPipe's values for faces: little jitter while the face is still, little lag while it moves.
_MIN_CUTOFF = 0.05
_BETA = 80.0
_SPEED_CUTOFF = 1.0
# The initial frame rate, pictures a second.
_FIRST_RATE = 30.0

Values = npt.NDArray[np.float32]


class OneEuroFilter:
    """Smooths an array over time, elementwise."""

    def __init__(self) -> None:
        self._rate = _FIRST_RATE
        self.reset()

    def reset(self) -> None:
        """Reset; the next values are not smoothed."""
        self._time = -np.inf
        self._raw: Values | None = None
        self._smooth = np.zeros(0, np.float32)
        self._speed = np.zeros(0, np.float32)

    def __call__(self, values: Values, seconds: float, size: float) -> Values:
        """The values, smoothed.

        Args:
            values: float32, of the same shape each time.
            seconds: their time. If it is not after the last one, they are returned
                unchanged.
            size: of the face, in the same unit: speed is relative to it.
        """
        if seconds <= self._time:
            return values
        if self._raw is not None:
            # MediaPipe treats time 0 as missing.
            self._rate = _FIRST_RATE if self._time == 0 else 1 / (seconds - self._time)
        self._time = seconds
        if self._raw is None:
            self._raw, self._smooth, self._speed = values, values, np.zeros_like(values)
            return values
        share = self._share(np.float64(_SPEED_CUTOFF))
        self._speed += (share * ((values - self._raw) * (self._rate / size) - self._speed)).astype(np.float32)
        share = self._share(_MIN_CUTOFF + _BETA * np.abs(self._speed))
        self._smooth = (self._smooth + share * (values - self._smooth)).astype(np.float32)
        self._raw = values
        return self._smooth

    def _share(self, cutoff: npt.NDArray[np.floating] | np.floating) -> npt.NDArray[np.floating]:
        """The weight of a new value, for a cutoff frequency in Hz."""
        turn = 2 * np.pi * cutoff / self._rate
        return np.asarray(turn / (turn + 1))
