"""The benchmark of live: its camera, its targets, and a short run with the real models."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from emotion.benchmarks import live
from emotion.benchmarks.live import FPS, SIZE, LiveFigures, PacedPictures, clip_pictures, measure
from emotion.cli import app as cli
from emotion.cli import bench
from emotion.realtime.monitoring.histogram import Distribution
from emotion.realtime.sources.demo import DEMO
from tests.helpers.shipped_models import shipped_models

GOOD = LiveFigures(
    faces=1,
    seconds=30.0,
    given=900,
    shown=900,
    results_per_second=26.0,
    capture_to_screen=Distribution(900, 10.5, 30.5, 60.5, 70.5),
    capture_to_result=Distribution(800, 40.5, 60.5, 80.5, 90.5),
    part=10.0,
    age_begin=50.0,
    age_end=52.0,
    memory_mib=(500.0, 501.0),
    window=False,
)


LATE = Distribution(900, 10.5, 81.5, 90.5, 90.5)


def missed(**changes):
    return [name for name, reached in dataclasses.replace(GOOD, **changes).targets().items() if not reached]


def test_all_marks_are_reached():
    assert missed() == []
    assert missed(faces=3, results_per_second=11.0) == []


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"shown": 899}, "every picture is shown"),
        ({"results_per_second": 24.9}, "results at 25 Hz or more"),
        ({"results_per_second": 9.9, "faces": 3}, "results at 10 Hz or more"),
        ({"memory_mib": (500.0, 511.0)}, "memory grows by less than 2%"),
        ({"age_end": 90.0}, "age does not grow"),
        (
            {"capture_to_screen": Distribution(900, 10.5, 81.5, 90.5, 90.5)},
            "capture to screen in 80 ms (p95)",
        ),
    ],
)
def test_each_target_can_be_missed(changes, target):
    assert missed(**changes) == [target]


def test_a_table_says_all_of_it():
    rows = dict(dataclasses.replace(GOOD, age_end=90.0).table().rows)
    assert rows["pictures given / shown"] == "900 / 900"
    assert rows["capture to screen, ms: p50 / p95 / p99"] == "10 / 30 / 60"
    assert rows["capture to result, ms: p50 / p95 / p99"] == "40 / 60 / 80"
    assert rows["age of the result, ms (median): first / last 10 s"] == "50 / 90"
    assert rows["memory, MiB: after 10 s / at the end"] == "500 / 501 (+0.2%)"
    assert rows["target: every picture is shown"] == "met"
    assert rows["target: age does not grow"] == "missed"


def test_the_camera_gives_each_picture_at_its_time():
    pictures = [np.full((4, 4, 3), n, np.uint8) for n in range(3)]
    frames = list(PacedPictures(pictures, 200, 0.04))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 2, 2, 1, 0, 0, 1]
    assert np.diff([frame.captured_at for frame in frames]) == pytest.approx([1 / 200] * 7)
    assert [frame.seconds for frame in frames] == pytest.approx([n / 200 for n in range(8)])


@pytest.mark.timeout(600)
def test_a_short_run():
    assert {picture.shape for picture in clip_pictures(DEMO, 3, 2)} == {(SIZE[1], SIZE[0], 3)}
    figures = measure(shipped_models(), DEMO, 1, 3.0)
    assert 0 < figures.shown <= figures.given <= 6 * FPS
    assert figures.capture_to_screen.count == figures.shown
    assert figures.capture_to_result.count > 0
    assert figures.memory_mib[0] > 50
    assert figures.age_begin > 0
    assert figures.age_end > 0


@pytest.mark.timeout(600)
def test_the_command_reports_and_says_whether_the_marks_are_reached(tmp_path, monkeypatch, capsys):
    # Whether targets are met is the machine's affair; what was measured and how it is reported are not.
    monkeypatch.setattr(live, "measure", lambda *_: GOOD)
    monkeypatch.setattr(bench, "load_models", lambda *_: shipped_models())
    path = tmp_path / "soak.json"
    monkeypatch.setattr(sys, "argv", ["emotion", "bench", "--soak", "10", "--json", str(path)])
    assert cli.run() == 0
    reported = json.loads(path.read_text())
    assert len(reported) == 2
    assert (reported[0]["growth"], all(reported[0]["targets"].values())) == (0.002, True)
    assert "900 / 900" in capsys.readouterr().out
    monkeypatch.setattr(live, "measure", lambda *_: dataclasses.replace(GOOD, shown=899))
    monkeypatch.setattr(sys, "argv", ["emotion", "bench", "--soak", "10", "--faces", "1"])
    assert cli.run() == 1
    monkeypatch.setattr(sys, "argv", ["emotion", "bench", "--soak", "10", "--faces", "2"])
    assert cli.run() == 2
