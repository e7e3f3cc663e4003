"""`emotion play` as people use it: a real window under Xvfb and keys that are pressed."""

import os
import subprocess
import sys
import time

import pytest

from tests.emotion.cli.test_live import ROOT, wait_until
from tests.fakes.virtual_screen import Screen, needs_screen
from tests.helpers import clips
from tests.helpers.results import face, result

pytestmark = pytest.mark.timeout(600)


def start(folder, *options, environment=None):
    return subprocess.Popen(
        [sys.executable, "-m", "emotion", "play", *map(str, options)],
        cwd=folder,
        env={**(environment or os.environ), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def number_on(screen):
    """The number of the clip's picture that the screen shows, or -1."""
    bits = 0
    # The window stands at the screen's upper left, 800 pixels wide; stripes are 100 wide.
    row = screen.picture()[330, :800].astype(int).mean(axis=1)
    for bit in range(clips.BITS):
        bits |= int(row[100 * bit + 50] > 120) << bit
    return bits


@needs_screen
def test_a_timeline_is_played_paused_stepped_and_searched(tmp_path):
    from emotion.realtime.sinks.csv_jsonl import JsonLinesTimeline

    clips.clip(tmp_path / "c.mp4", 200, size=(640, 480), rate=5)
    sink = JsonLinesTimeline(tmp_path / "c.jsonl")
    sink.write(result(0, face("happiness")), None)
    sink.close()
    folder = tmp_path / "screen"
    folder.mkdir()
    screen = Screen(folder)
    process = start(tmp_path, "c.mp4", "--timeline", "c.jsonl", environment=screen.environment)
    try:
        screen.wait_for_window("emotion: c.mp4")
        wait_until(lambda: 3 < number_on(screen) < 200)
        screen.press("space")
        wait_until(lambda: still(screen))
        at = number_on(screen)
        screen.press("period")
        wait_until(lambda: number_on(screen) == at + 1)
        screen.press("comma")
        wait_until(lambda: number_on(screen) == at)
        screen.press("Right")
        wait_until(lambda: abs(number_on(screen) - (at + 25)) <= 1)
        screen.press("Left")
        wait_until(lambda: abs(number_on(screen) - at) <= 1)
        screen.press("space")
        wait_until(lambda: number_on(screen) > at + 3)
        screen.press("Escape")
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    finally:
        process.kill()
        process.communicate()
        screen.close()


def still(screen):
    """Whether the number stays the same for many times as long as a picture lasts."""
    first = number_on(screen)
    time.sleep(1.5)
    return number_on(screen) == first


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["none.mp4"], 3, "none.mp4 does not exist"),
        (["c.mp4", "--timeline", "none.jsonl"], 3, "none.jsonl cannot be read"),
        (["c.mp4", "--speed", "3"], 2, "is none of"),
    ],
)
def test_wrong_input(tmp_path, options, code, said):
    clips.clip(tmp_path / "c.mp4", 3)
    process = start(tmp_path, *options)
    _, err = process.communicate(timeout=300)
    assert process.returncode == code
    assert said in " ".join(err.split())
    assert "Traceback" not in err
