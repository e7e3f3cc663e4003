"""The distribution of times against NumPy's own quantiles, on random data of known seeds."""

import numpy as np
import pytest

from emotion.realtime.monitoring.histogram import Distribution, Latencies

SHARES = (0.5, 0.95, 0.99)


def milliseconds(seed, count):
    """Times as they come: most short, some long, whole milliseconds and a half, as bins are told."""
    return np.floor(np.random.default_rng(seed).gamma(2.0, 15.0, count)) + 0.5


def counted(times):
    latencies = Latencies()
    for time in times:
        latencies.add(time / 1000)
    return latencies


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 100, 101, 700, 5000])
@pytest.mark.parametrize("seed", range(3))
def test_quantiles_are_numpys(seed, count):
    """The shortest time that so many of the times are no longer than."""
    times = milliseconds(seed, count)
    reported = counted(times).distribution()
    expected = [np.quantile(times, share, method="inverted_cdf") for share in SHARES]
    assert reported == Distribution(count, *expected, times.max())


@pytest.mark.parametrize("seed", range(3))
def test_each_quantile_goes_by_its_own_name(seed):
    times = milliseconds(seed, 2000)
    p50, p95, p99 = np.quantile(times, SHARES, method="inverted_cdf")
    assert p50 < p95 < p99, "else a mix-up would not show"
    reported = counted(times).distribution()
    assert (reported.p50, reported.p95, reported.p99) == (p50, p95, p99)
    assert counted(times).quantiles() == {
        0.5: pytest.approx(p50 / 1000),
        0.95: pytest.approx(p95 / 1000),
        0.99: pytest.approx(p99 / 1000),
    }


def test_before_the_first_time_there_are_no_quantiles():
    assert Latencies().distribution() == Distribution(0, 0.0, 0.0, 0.0, 0.0)
    assert Latencies().quantiles() == {}


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [(-1.0, 0.5), (0.0, 0.5), (0.0009, 0.5), (0.0011, 1.5), (9.9991, 9999.5), (99.0, 9999.5)],
)
def test_times_are_counted_by_the_millisecond_up_to_ten_seconds(seconds, reported):
    latencies = Latencies()
    latencies.add(seconds)
    assert latencies.distribution() == Distribution(1, reported, reported, reported, reported)


def test_a_distribution_grows_with_what_is_added():
    latencies = counted([10.5] * 99)
    assert latencies.distribution().longest == 10.5
    latencies.add(0.5001)
    reported = latencies.distribution()
    assert (reported.count, reported.p50, reported.p99, reported.longest) == (100, 10.5, 10.5, 500.5)
