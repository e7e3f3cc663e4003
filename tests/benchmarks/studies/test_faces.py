import json

import numpy as np
import pytest
from typer.testing import CliRunner

from emotion.benchmarks.studies import faces as benchmark
from emotion.models.faces.mediapipe_landmarker import Landmarks


class Fixed:
    """An arrangement that finds what it is told, somewhere beside the truth."""

    def __init__(self, faces, off=0.0):
        self.faces = faces
        self.off = off
        self.closed = 0

    def find(self, picture, seconds):
        return [face(100 * n + self.off) for n in range(self.faces)]

    def close(self):
        self.closed += 1


def face(left):
    points = np.zeros((478, 2), np.float32)
    points[:, 0] = left
    points[263, 0] = left + 50  # the eyes are 50 pixels apart
    return Landmarks(points, np.zeros(478, np.float32), np.zeros(52, np.float32))


@pytest.fixture
def ways(monkeypatch):
    made = {
        "exact": Fixed(2),
        "plain": Fixed(2),
        "picture": Fixed(2),
        "follower": Fixed(1, off=5.0),
    }
    monkeypatch.setattr(benchmark, "arrangements", lambda faces, max_faces: made)
    return made


def test_arrangements_are_compared_on_the_same_pictures(ways):
    report = benchmark.compare([np.zeros((230, 300, 3), np.uint8)] * 20, faces=2)
    assert set(report) == set(ways)
    assert report["exact"]["ratio"] == 1
    assert [report[name]["found"] for name in ways] == [2, 2, 2, 1]
    assert report["plain"]["difference"] == 0
    assert report["follower"]["difference"] == pytest.approx(0.1)
    assert all(way.closed == 1 for way in ways.values())


def test_pictures_hold_as_many_faces_as_requested():
    part = np.full((230, 300, 3), 200, np.uint8)
    for faces in range(1, 5):
        for image in benchmark._crowd([part] * 3, faces):
            assert image.shape == (480, 640, 3)
            assert (image == 200).all(axis=2).sum() == faces * 230 * 300


@pytest.mark.slow
def test_the_command_reports_a_table_and_json():
    import typer

    app = typer.Typer()
    app.command()(benchmark.main)
    done = CliRunner().invoke(app, ["--frames", "20"], catch_exceptions=False)
    report = json.loads(done.output.splitlines()[-1])
    assert set(report) == {"1", "2", "3", "4"}
    for faces, ways in report.items():
        assert ways["follower"]["found"] == pytest.approx(int(faces), abs=0.3)
        assert ways["follower"]["difference"] < 0.05
