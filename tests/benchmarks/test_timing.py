"""The benchmark's clocks and quantiles, against NumPy and against times that are known."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.benchmarks import page
from emotion.benchmarks import timing as clocks
from emotion.benchmarks.runs import growth
from emotion.benchmarks.timing import Usage, quantiles, time_each, timing


@pytest.mark.parametrize("count", [1, 2, 19, 100, 3001])
@pytest.mark.parametrize("seed", range(3))
def test_quantiles_are_numpys_in_milliseconds(seed, count):
    seconds = np.random.default_rng(seed).gamma(2.0, 0.015, count).tolist()
    expected = [1000 * np.quantile(seconds, share) for share in (0.5, 0.95, 0.99)]
    assert quantiles(seconds) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_timing_names_each_figure_rightly(seed):
    seconds = np.random.default_rng(seed).gamma(2.0, 0.015, 500).tolist()
    reported = timing("faces", seconds, cpu=3.0)
    assert (reported.name, reported.frames) == ("faces", 500)
    assert reported.mean == pytest.approx(1000 * np.mean(seconds))
    assert (reported.p50, reported.p95, reported.p99) == pytest.approx(
        tuple(1000 * np.quantile(seconds, (0.5, 0.95, 0.99)))
    )
    assert reported.cpu == pytest.approx(3000 / 500)
    assert reported.p50 < reported.p95 < reported.p99


def test_no_time_is_a_timing_of_nothing():
    reported = timing("faces", [], cpu=0.0)
    assert (reported.frames, reported.mean, reported.p50, reported.p99, reported.cpu) == (
        0,
        0.0,
        0.0,
        0.0,
        0.0,
    )


def test_each_piece_of_work_is_timed_and_its_result_kept(monkeypatch):
    """By clocks that only work moves on; a quarter of it is the processor's."""
    passed = [0.0]
    made_up = SimpleNamespace(perf_counter=lambda: 100 + passed[0], process_time=lambda: 7 + passed[0] / 4)
    monkeypatch.setattr(clocks, "time", made_up)

    def work(seconds):
        passed[0] += seconds
        return seconds

    results, reported = time_each("work", work, [0.02, 0.0, 0.06])
    assert results == [0.02, 0.0, 0.06]
    assert (reported.name, reported.frames) == ("work", 3)
    expected = [1000 * np.quantile(results, share) for share in (0.5, 0.95, 0.99)]
    assert (reported.p50, reported.p95, reported.p99) == pytest.approx(expected)
    assert reported.mean == pytest.approx(80 / 3)
    assert reported.cpu == pytest.approx(20 / 3)


def test_usage_reports_time_processor_time_and_memory():
    with Usage(interval=0.005) as usage:
        held = np.ones(20_000_000)  # 153 MiB
        begin = time.process_time()
        while time.process_time() - begin < 0.05:
            pass
        del held
    assert usage.seconds >= 0.05
    assert 0.05 <= usage.cpu_seconds < 10 * usage.seconds
    assert usage.peak_mib == max(mib for _, mib in usage.samples)
    assert [at for at, _ in usage.samples] == sorted(at for at, _ in usage.samples)
    assert usage.peak_mib - usage.samples[-1][1] > 100


def test_memory_growth_is_between_the_medians_of_the_middle_and_the_last_fifth():
    samples = np.random.default_rng(0).permutation(25).reshape(5, 5).astype(float)
    found = growth([(float(n), value) for n, value in enumerate(samples.ravel().tolist())])
    assert found == np.median(samples[4]) - np.median(samples[2])


@pytest.mark.parametrize("seed", range(3))
def test_delays_of_the_page_are_quantiles_by_their_names(seed):
    values = np.random.default_rng(seed).gamma(2.0, 40.0, 400)
    reported = page._delay(values.tolist())
    assert reported.turns == 400
    assert (reported.p50, reported.p95, reported.p99) == tuple(
        round(q) for q in np.quantile(values, (0.5, 0.95, 0.99))
    )


def test_the_page_that_answers_is_told_by_its_95th_percentile():
    slow = page.VideosFigures(2, 10.0, 10.0, (1.0, 2.0, 3.0), (10.0, 101.0, 102.0))
    quick = page.VideosFigures(2, 10.0, 10.0, (1.0, 2.0, 3.0), (10.0, 99.0, 500.0))
    name = "the page answers in 100 ms meanwhile (p95)"
    assert (slow.targets()[name], quick.targets()[name]) == (False, True)
