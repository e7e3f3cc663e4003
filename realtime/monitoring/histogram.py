"""Histograms of times, in constant memory."""

from dataclasses import dataclass
from threading import Lock

import numpy as np

# Bins of 1 ms up to 10 s; longer times count as 10 s.
_BINS = 10_000


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of times, in milliseconds; zeros if there were none.

    Attributes:
        count: number of times.
        p50, p95, p99: quantiles, with a resolution of 1 ms.
        longest: with a resolution of 1 ms.
    """

    count: int
    p50: float
    p95: float
    p99: float
    longest: float


class Latencies:
    """A histogram of times with bins of a millisecond. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bins = np.zeros(_BINS, dtype=np.int64)

    def add(self, seconds: float) -> None:
        """Count one time."""
        with self._lock:
            self._bins[min(max(int(seconds * 1000), 0), _BINS - 1)] += 1

    def distribution(self) -> Distribution:
        """The distribution so far."""
        with self._lock:
            totals = np.cumsum(self._bins)
        count = int(totals[-1])
        if not count:
            return Distribution(0, 0.0, 0.0, 0.0, 0.0)
        shares = np.array([0.5, 0.95, 0.99, 1.0]) * count
        # The centre of each bin.
        p50, p95, p99, longest = (np.searchsorted(totals, shares) + 0.5).tolist()
        return Distribution(count, p50, p95, p99, longest)

    def quantiles(self) -> dict[float, float]:
        """Seconds by quantile, as `emotion.realtime.monitoring.metrics.Quantiles`; empty before the first."""
        distribution = self.distribution()
        if not distribution.count:
            return {}
        return {0.5: distribution.p50 / 1000, 0.95: distribution.p95 / 1000, 0.99: distribution.p99 / 1000}
