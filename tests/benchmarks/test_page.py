"""The measurement of the page: what it counts, and the camera that it shows."""

import pytest

pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")

import numpy as np

from emotion.benchmarks import page
from emotion.benchmarks.page import camera_figures, covered_clip, delays, markdown
from emotion.realtime.sources.file import VideoFile


def log(delay_of, seconds=10, lost=()):
    """What the browser notes if the face comes and goes every 500 ms; results are 50 ms apart."""
    turns = range(0, 1000 * seconds + 500, 500)
    picture = [[1000.0 + at, index % 2 == 1] for index, at in enumerate(turns)]
    overlay = [
        [at + delay_of(at - 1000), shown]
        for index, (at, shown) in enumerate(picture)
        if index and index not in lost
    ]
    results = [1000.0 + at for at in range(0, 1000 * seconds, 50)]
    return {"picture": picture, "overlay": overlay, "results": results, "pictures": 30 * seconds}


def test_each_turn_has_the_delay_of_its_own_result():
    turns = log(lambda at: 80 if at < 5000 else 120)
    found = list(delays(turns["picture"], turns["overlay"]))
    assert [at for at, _ in found] == [1000.0 + at for at in range(500, 10_000, 500)]
    assert {delay for at, delay in found if at < 6000} == {80.0}
    assert {delay for at, delay in found if at >= 6000} == {120.0}


def test_a_turn_that_is_never_followed_is_missed_and_is_no_delay():
    turns = log(lambda at: 80, lost=(4, 5))  # one on, one off: nothing to be seen between
    found = dict(delays(turns["picture"], turns["overlay"]))
    assert [at for at, delay in found.items() if delay is None] == [3000.0, 3500.0]
    assert camera_figures(turns, 10.0, {}).missed == 2


def test_marks_say_what_is_reached():
    good = camera_figures(log(lambda at: 100), 10.0, {"server": 0.9})
    assert good.results_per_second == good.results_first == good.results_last == 20
    assert good.pictures_per_second == 30
    assert all(good.targets().values())
    assert not camera_figures(log(lambda at: 200), 10.0, {}).targets()["glass to overlay in 120 ms (p95)"]
    growing = camera_figures(log(lambda at: 50 + at / 100), 10.0, {})
    assert not growing.targets()["the delay does not grow"]
    assert "| glass to overlay, p95, ms | 100 | 100 | 100 |" in markdown(good, None)


def test_nothing_followed_is_no_success():
    targets = camera_figures(log(lambda at: 80, lost=range(100)), 10.0, {}).targets()
    assert not targets["glass to overlay in 120 ms (p95)"]
    assert not targets["every turn is followed"]


def test_the_camera_covers_the_face_and_shows_it_again(tmp_path):
    x, y, width, height = page._COVER
    with VideoFile(covered_clip(tmp_path / "camera.mjpeg", seconds=6)) as video:
        images = [frame.image for frame in video]
    covered = [bool(image[y : y + height, x : x + width].mean() < 20) for image in images]
    assert len(images) == 150
    assert 3 <= np.count_nonzero(np.diff(covered)) <= 10
    assert {image.shape for image in images} == {(480, 640, 3)}


def test_videos_are_compared_with_one_after_another():
    figures = page.VideosFigures(4, 40.0, 43.0, (2.0, 3.0, 4.0), (5.0, 50.0, 60.0))
    assert figures.ratio == pytest.approx(1.075)
    assert all(figures.targets().values())
    assert not any(page.VideosFigures(4, 40.0, 45.0, (2.0,) * 3, (5.0, 150.0, 160.0)).targets().values())
    assert "| at once | 43.0 s, 1.07x |" in markdown(None, figures)
