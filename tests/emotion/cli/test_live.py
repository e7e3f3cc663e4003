"""`emotion live` as people use it: real models, a real window under Xvfb, keys that are pressed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
from rich.console import Console

from emotion.models.atomic_files import partial_path
from emotion.realtime.sources.demo import DEMO
from tests.fakes.virtual_screen import Screen, needs_screen
from tests.helpers.paths import ROOT
from tests.helpers.signals import usual_signals

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def screen(tmp_path):
    folder = tmp_path / "screen"
    folder.mkdir()
    opened = Screen(folder)
    yield opened
    opened.close()


def start(folder, *options, environment=None, source=DEMO):
    with usual_signals():
        return subprocess.Popen(
            [sys.executable, "-m", "emotion", "live", str(source), *map(str, options)],
            cwd=folder,
            env={**(environment or os.environ), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def wait_until(true, seconds=120):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def press_until(screen, key, reached, seconds=10):
    """Press a key that turns something on and off until the state asked for is there.

    OpenCV keeps the last of the keys that wait to be read, and a busy machine reads late: a lost press is
    repeated, one that came twice is followed by a third.
    """
    for _ in range(20):
        screen.press(key)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if reached():
                return
            time.sleep(0.05)
    raise AssertionError(f"{key} changes nothing")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def stamps(path):
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def test_without_a_window_results_recording_and_report(tmp_path):
    outputs = ("-o", tmp_path / "session.mp4", "-o", "session.csv")
    options = ("--no-window", "--seconds", "6", *outputs, "--report", "figures.json")
    code, out, err = finish(start(tmp_path, *options))
    assert (code, err) == (0, "")
    report = json.loads((tmp_path / "figures.json").read_text())
    assert report["source"] == "demo.mp4"
    assert report["shown"] == report["capture_to_screen_ms"]["count"] > 5
    assert report["results"] >= 2
    names = {stage["name"] for stage in report["stages"]}
    assert names == {"source", "faces", "classify", "people", "display", "session.mp4", "session.csv"}
    timeline = rows(tmp_path / "session.csv")
    assert len({row["frame"] for row in timeline}) == report["results"]
    assert {row["track_id"] for row in timeline if row["track_id"]} == {"1"}
    recorded = stamps(tmp_path / "session.mp4")
    assert 5 < len(recorded) <= report["shown"]
    assert 1 < recorded[-1] - recorded[0] < 7
    assert "pictures shown" in out
    assert "session.mp4" in out


def test_outputs_are_called_by_their_bare_names_and_written_once(tmp_path):
    from emotion.realtime.playback.live_view import _named

    one, other = tmp_path / "one" / "t.csv", tmp_path / "other" / "t.csv"
    same = one.parent / ".." / "one" / "t.csv"
    assert _named([one, same, other]) == {"t.csv": same, "t.csv (2)": other}


@pytest.mark.parametrize(
    ("count", "reported"), [(0, ""), (1, "clip: 1 picture shown"), (2, "clip: 2 pictures shown")]
)
def test_pictures_are_counted_where_there_were_any(count, reported):
    from emotion.cli.live import _finish

    rates = {"shown_per_second": 1.0, "results_per_second": 1.0, "capture_to_screen_ms": {"p95": 9.0}}
    report = {"source": "clip", "shown": count, "results": count, **rates}
    console = Console(record=True, width=200)
    _finish(SimpleNamespace(files={}, report=lambda: report), None, console)
    said = console.export_text()
    assert said.startswith(reported)
    assert bool(said) == bool(reported)


def test_the_end_of_the_source_is_the_end(tmp_path):
    from tests.helpers import clips

    clips.clip(tmp_path / "short.mp4", 10)
    options = ("--no-window", "-o", "t.jsonl", "--report", "r.json")
    code, out, err = finish(start(tmp_path, *options, source="short.mp4"))
    assert code == 0, err
    report = json.loads((tmp_path / "r.json").read_text())
    (display,) = (stage for stage in report["stages"] if stage["name"] == "display")
    # A busy machine is too late for some of them, and says for how many.
    assert display["given"] + display["dropped"] == 10
    assert f"short.mp4: {display['given']} pictures shown" in out
    assert (tmp_path / "t.jsonl").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_signals_end_it_with_whole_files(tmp_path, number, code):
    process = start(tmp_path, "--no-window", "-o", "s.mp4", "-o", "s.csv")
    growing, table = partial_path(tmp_path / "s.mp4"), partial_path(tmp_path / "s.csv")

    def has_begun():
        """Pictures come at once, and results when the models have looked at some."""
        return table.exists() and rows(table) and growing.exists() and growing.stat().st_size > 20_000

    wait_until(lambda: process.poll() is not None or has_begun())
    process.send_signal(number)
    ended, _, err = finish(process)
    assert ended == code, err
    assert len(stamps(tmp_path / "s.mp4")) > 5
    assert rows(tmp_path / "s.csv")
    assert not growing.exists()


@needs_screen
def test_the_window_and_its_keys(tmp_path, screen):
    """Over a white video, so that what is dark is a panel."""
    white_clip(tmp_path / "white.mp4", seconds=600)
    process = start(tmp_path, environment=screen.environment, source="white.mp4")
    try:
        screen.wait_for_window("emotion: white.mp4")
        wait_until(lambda: not has_panel(screen))
        for key in "hm":
            press_until(screen, key, lambda: has_panel(screen))
            press_until(screen, key, lambda: not has_panel(screen))
        press_until(screen, "s", lambda: list(tmp_path.glob("emotion-*.png")))
        screen.press("q")
        code, out, err = finish(process)
        assert code == 0, err
        assert "pictures shown" in out
        for saved in tmp_path.glob("emotion-*.png"):
            assert cv2.imread(str(saved)).shape == (270, 480, 3)
    finally:
        process.kill()
        process.communicate()


def white_clip(path, seconds, rate=5):
    """Write a white video of 480x270 pixels."""
    picture = np.full((270, 480, 3), 255, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, width=480, height=270, pix_fmt="yuv420p")
        for number in range(seconds * rate):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def has_panel(screen):
    """Whether a panel's dark plate covers a good part of the window, which is 800x450 at the upper left."""
    return (screen.picture()[:450, :800].min(axis=2) > 200).mean() < 0.8


def test_without_a_screen_it_says_what_to_do(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    code, _, err = finish(start(tmp_path, environment=environment | {"DISPLAY": ":4711"}))
    assert code == 5
    assert "There is no screen to open a window on: " in err
    assert "--no-window" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--offline"], "--offline forbids to read rtsp://camera.invalid/ from the network"),
        (["--size", "640"], "is no size: write for"),
    ],
)
def test_wrong_usage(tmp_path, options, said):
    source = "rtsp://user:secret@camera.invalid/"
    code, _, err = finish(start(tmp_path, "--no-window", *options, source=source))
    assert code == 2
    assert said in " ".join(err.split())
    assert "secret" not in err


def test_a_timeline_of_an_unknown_kind(tmp_path):
    code, _, err = finish(start(tmp_path, "--no-window", "-o", "t.docx"))
    assert code == 6
    assert "t.docx has an unknown extension" in err
