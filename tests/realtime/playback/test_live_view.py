"""The table of figures that `emotion live` shows: each number under its own heading."""

import numpy as np
import pytest

from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.playback.live_view import figures

COUNTS = {"taken": 40, "given": 39, "dropped": 7, "busy": 2.5, "waiting": 6.5, "mean_batch": 1.3}


def distribution(seed):
    """The distribution of random times as the report holds it, and NumPy's quantiles of them."""
    times = np.random.default_rng(seed).gamma(2.0, 0.03, 3000)
    latencies = Latencies()
    for time in times:
        latencies.add(time)
    told = latencies.distribution()
    values = {"count": told.count, "p50": told.p50, "p95": told.p95, "p99": told.p99, "longest": told.longest}
    return values, 1000 * np.quantile(times, (0.5, 0.95, 0.99))


@pytest.fixture(scope="module")
def report():
    return {
        "seconds": 10.0,
        "stages": [{"name": "faces"} | COUNTS],
        "capture_to_result_ms": distribution(0)[0],
        "capture_to_screen_ms": distribution(1)[0],
        "shown_per_second": 29.7,
        "results_per_second": 24.2,
    }


def row(report, name):
    (found,) = [row for row in figures(report) if row[0] == name]
    return found


@pytest.mark.parametrize(("name", "seed"), [("capture to result", 0), ("capture to screen", 1)])
def test_percentiles_stand_under_their_names(report, name, seed):
    heads = row(report, "milliseconds")
    for head, quantile in zip(("p50", "p95", "p99"), distribution(seed)[1], strict=True):
        # Bins of a millisecond, and rounded to one.
        assert float(row(report, name)[heads.index(head)]) == pytest.approx(quantile, abs=1.01)


def test_counts_and_shares_of_time_stand_under_their_names(report):
    heads = figures(report)[0]
    found = dict(zip(heads, row(report, "faces"), strict=True))
    assert (found["in"], found["out"], found["dropped"], found["batch"]) == ("40", "39", "7", "1.3")
    assert (found["busy"], found["waiting"]) == ("25%", "65%")


def test_rates_of_pictures_and_results_are_told_apart(report):
    assert row(report, "shown, looked at a second")[1:3] == ["29.7", "24.2"]


def test_all_rows_have_as_many_cells(report):
    assert len({len(row) for row in figures(report)}) == 1
