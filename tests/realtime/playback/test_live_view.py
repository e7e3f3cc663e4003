"""What `emotion live` shows, writes and reports: figures under their headings, and how it ends."""

import json
import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.drawing.window import Key, Pointer
from emotion.realtime.errors import SourceError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.options import Options
from emotion.realtime.playback.live_view import LiveView, figures
from emotion.realtime.session import NewestFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sources.live import SourceState
from emotion.realtime.sources.options import LiveOptions
from tests.fakes.pipeline_parts import Fed, Gated
from tests.helpers.results import face, video_frame

COUNTS = {"taken": 40, "given": 39, "dropped": 7, "busy": 2.5, "waiting": 6.5, "mean_batch": 1.3}


def distribution(seed):
    """The distribution of random times as the report holds it, and NumPy's quantiles of them."""
    times = np.random.default_rng(seed).gamma(2.0, 0.03, 3000)
    latencies = Latencies()
    for seconds in times:
        latencies.add(seconds)
    reported = latencies.distribution()
    values = {
        "count": reported.count,
        "p50": reported.p50,
        "p95": reported.p95,
        "p99": reported.p99,
        "longest": reported.longest,
    }
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


def test_rates_of_pictures_and_results_are_distinguished(report):
    assert row(report, "shown, analysed per second")[1:3] == ["29.7", "24.2"]


def test_all_rows_have_as_many_cells(report):
    assert len({len(row) for row in figures(report)}) == 1


class Source(Fed):
    """A live source that a test feeds."""

    name = "camera 7"
    skipped = 0
    state = SourceState(True, 0.0)
    info = VideoInfo(path=None, width=160, height=120, time_base=Fraction(1, 1000))


def smiling(frame):
    return EmotionFrame(frame, (face("happiness"),))


def view(source, stage, options=None, **more):
    return LiveView(source, NewestFrame(), [stage], options or Options(), **more)


def test_results_go_to_files_until_the_source_ends(tmp_path):
    source, reported = Source(), []
    outputs = OutputOptions(output=(tmp_path / "a.csv", tmp_path / "b.jsonl"), mjpeg=0)
    shown = view(source, Gated(smiling), Options(outputs=outputs), say=reported.append)
    source.put(video_frame(0, size=(120, 160)))
    source.end()
    shown.run()
    assert shown.files == {"a.csv": tmp_path / "a.csv", "b.jsonl": tmp_path / "b.jsonl"}
    (line,) = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert line["faces"][0]["label"] == "happiness"
    assert "http://127.0.0.1:" in reported[0]
    report = shown.report()
    assert (report["source"], report["shown"], report["results"]) == ("camera 7", 1, 1)
    assert source.closed.is_set()


def test_it_ends_after_the_seconds_that_were_requested():
    source = Source()
    begun = time.monotonic()
    view(source, Gated(smiling), Options(live=LiveOptions(seconds=0.3))).run()
    assert 0.3 <= time.monotonic() - begun < 20
    assert source.closed.is_set()


@pytest.mark.parametrize("privacy", ["none", "blur"])
def test_with_privacy_nothing_is_shown_before_the_models_have_looked_at_it(monkeypatch, privacy):
    source, stage, drawn = Source(), Gated(smiling, open_=False), []
    draw = Renderer.draw
    monkeypatch.setattr(
        Renderer, "draw", lambda self, result: drawn.append(result.frame.index) or draw(self, result)
    )
    before = []

    def feed():
        source.put(video_frame(0, size=(120, 160)))
        stage.entered.get(timeout=30)
        source.put(video_frame(1, size=(120, 160)))
        deadline = time.monotonic() + (0.3 if privacy == "blur" else 30)
        while len(drawn) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        before.extend(drawn)
        stage.gate.set()
        source.end()

    helper = threading.Thread(target=feed)
    helper.start()
    view(source, stage, Options(drawing=DrawingOptions(privacy=privacy))).run()
    helper.join()
    assert before == ([] if privacy == "blur" else [0, 1])
    assert drawn == [0, 1]


def test_a_lost_source_ends_it_with_its_own_error_and_whole_files(tmp_path):
    source = Source()
    shown = view(source, Gated(smiling), Options(outputs=OutputOptions(output=(tmp_path / "t.csv",))))
    source.put(video_frame(0, size=(120, 160)))
    source.end(SourceError("camera 7 is lost"))
    with pytest.raises(SourceError, match="camera 7 is lost"):
        shown.run()
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 2
    assert not list(tmp_path.glob("*.partial*"))


class Receiver(Sink):
    """Another program that takes results; one that hangs waits until the end of the test."""

    def __init__(self, over=None):
        self.got, self.over = [], over

    def write(self, result, image):
        self.got.append(result.frame.index)
        if self.over:
            self.over.wait(30)

    def close(self):
        return None

    abort = close


def test_a_receiver_that_hangs_delays_nothing_and_what_it_misses_is_counted():
    source, over = Source(), threading.Event()
    hung, quick = Receiver(over), Receiver()
    receivers = {"hung": lambda: hung, "quick": lambda: quick}
    shown = view(source, Gated(smiling), receivers=receivers)

    def feed():
        for index in range(90):
            source.put(video_frame(index, size=(120, 160)))
            while not quick.got or quick.got[-1] < index:
                time.sleep(0.001)
        source.end()

    helper = threading.Thread(target=feed)
    helper.start()
    shown.run()
    helper.join()
    over.set()
    assert quick.got == list(range(90))
    assert shown.report()["shown"] > 0
    counts = {stage.name: stage for stage in shown.metrics.snapshot().stages}
    assert counts["hung"].dropped == 90 - 1 - 64
    assert counts["quick"].dropped == 0


class Keys:
    """A window that only presses keys, one a picture."""

    def __init__(self, *keys):
        self.keys = list(keys)

    def show(self, image):
        pass

    def pressed(self):
        return [self.keys.pop(0)] if self.keys else []

    def pointer(self):
        return Pointer()


def test_keys_record_and_go_to_the_next_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source, switched = Source(), threading.Event()
    source.switch = lambda name, connect: switched.set()
    window = Keys(Key.RECORD, Key.NEXT_CAMERA)
    shown = view(
        source, Gated(smiling), window=window, other_camera=lambda name: (f"after {name}", lambda over: None)
    )

    def feed():
        for index in range(6):
            source.put(video_frame(index, size=(120, 160)))
            time.sleep(0.05)
        assert switched.wait(30)
        source.end()

    helper = threading.Thread(target=feed)
    helper.start()
    shown.run()
    helper.join()
    (recorded,) = tmp_path.glob("emotion-*.mp4")
    assert list(shown.files.values()) == [recorded.relative_to(tmp_path)]
