"""The main job with the models that ship: real frames in, annotated mp4, timeline and summary out."""

import base64
import contextlib
import csv
import dataclasses
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from emotion.cli import app as cli
from emotion.models.atomic_files import partial_path
from emotion.models.manifest import LITE
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.errors import IncompleteSourceError, SinkError, SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.options import Options
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.options import FileOptions
from emotion.videos import DEFAULT_FORMATS, Outputs, _only_mp4, _renderer, annotate
from tests.helpers import clips
from tests.helpers.paths import ROOT, VIDEOS
from tests.helpers.shipped_models import shipped_models
from tests.helpers.signals import usual_signals

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Where standard output goes while the bundled clip is annotated."""
    return tmp_path_factory.mktemp("events") / "events.jsonl"


@pytest.fixture(scope="module")
def demo(models, reported, tmp_path_factory):
    """The bundled clip, annotated once for all tests of its results."""
    outputs = Outputs.of(DEMO, tmp_path_factory.mktemp("demo"), (*DEFAULT_FORMATS, "vtt"))
    with open(reported, "w") as file, contextlib.redirect_stdout(file):
        return outputs, annotate(DEMO, outputs, models, Options(outputs=OutputOptions(events=True)))


def make_clip(path, frames):
    clips.clip(path, frames)
    return path


def stamps(path):
    """Every picture's time, as exact fractions of a second."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound_seconds(path):
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        packets = [p for p in container.demux(audio=0) if p.pts is not None and p.duration]
        return float((packets[-1].pts + packets[-1].duration - packets[0].pts) * packets[0].time_base)


def labels(outputs):
    with open(outputs.files["csv"], newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def emotions(outputs):
    with open(outputs.files["csv"], newline="") as file:
        return [row["emotion"] for row in csv.DictReader(file)]


def assert_same_road(video, outputs, summary):
    assert stamps(outputs.video) == stamps(video)
    assert summary.frames == len(stamps(video))
    before, after = sound_seconds(video), sound_seconds(outputs.video)
    if before is None:
        assert after is None
    else:
        assert after == pytest.approx(before, abs=0.1)
    with open(outputs.files["csv"], newline="") as file:
        assert {int(row["frame"]) for row in csv.DictReader(file)} == set(range(summary.frames))
    assert len(outputs.files["jsonl"].read_text().splitlines()) == summary.frames


def test_every_frame_keeps_its_time_and_the_sound_is_there(demo):
    assert_same_road(DEMO, *demo)
    assert sound_seconds(demo[0].video) > 19


def test_tears_turn_to_laughter(demo):
    found = emotions(demo[0])
    count = len(found)
    first, last = found[: round(0.4 * count)], found[round(0.6 * count) :]
    assert last.count("happiness") / len(last) > 0.9
    assert first.count("happiness") / len(first) < 0.5


def test_a_covered_mouth_still_gets_a_result(demo):
    with open(demo[0].files["csv"], newline="") as file:
        covered = [row for row in csv.DictReader(file) if 150 <= int(row["frame"]) < 230]
    assert len(covered) == 80
    assert all(row["emotion"] and float(row["confidence"]) > 0 for row in covered)


def test_the_picture_is_annotated_and_the_face_is_not_covered(demo):
    with av.open(str(DEMO)) as before, av.open(str(demo[0].video)) as after:
        plain = next(before.decode(video=0)).to_ndarray(format="bgr24").astype(int)
        drawn = next(after.decode(video=0)).to_ndarray(format="bgr24").astype(int)
    with open(demo[0].files["csv"], newline="") as file:
        row = next(csv.DictReader(file))
    left, top, width, height = (float(row[name]) for name in ("left", "top", "width", "height"))
    middle = (
        slice(int(top + height * 0.25), int(top + height * 0.75)),
        slice(int(left + width * 0.25), int(left + width * 0.75)),
    )
    difference = np.abs(plain - drawn).max(axis=2)
    assert (difference > 60).mean() > 0.01
    assert (difference[middle] > 60).mean() < 0.001


def test_the_summary_says_what_the_timeline_says(demo):
    outputs, summary = demo
    values = json.loads(outputs.summary.read_text())
    assert values["video"]["emotion"] == summary.emotion
    share = labels(outputs).count("happiness") / summary.frames
    assert values["video"]["shares"]["happiness"] == pytest.approx(share, abs=0.02)


def test_thumbnails_and_portraits_show_the_video_where_else_only_tables_are_written(models, tmp_path):
    video = tmp_path / "clip.mp4"
    clips.beginning(DEMO, video, 12)
    outputs = Outputs.of(video, tmp_path, ("csv", "study", "portraits"))
    annotate(video, outputs, models)
    record = json.loads(outputs.files["study"].read_text())
    thumbnail = cv2.imdecode(np.frombuffer(base64.b64decode(record["thumbnail"]), np.uint8), cv2.IMREAD_COLOR)
    portrait = cv2.imread(str(outputs.files["portraits"]))
    face = portrait[: portrait.shape[1]]  # above its number
    assert min(thumbnail.mean(), face.mean()) > 40
    assert min(thumbnail.std(), face.std()) > 15


def test_results_of_other_options_are_not_replaced_without_a_word(models, tmp_path):
    clip = tmp_path / "clip.mp4"
    clips.clip(clip, 3)
    outputs = Outputs.of(clip, tmp_path, ("csv",))

    def reported(**chosen):
        said = []
        annotate(clip, outputs, models, Options(**chosen), say=said.append)
        return said

    assert reported() == reported() == []
    other = FileOptions(every=0.08)
    (sentence,) = reported(file=other)
    assert sentence.startswith(
        "clip.mp4: its earlier results, made with other options, were replaced; to keep"
    )
    # They are looked at though other files are written now.
    outputs = Outputs.of(clip, tmp_path, ("jsonl",))
    assert len(reported()) == 1
    assert reported(file=other, outputs=OutputOptions(overwrite=True)) == []


def test_a_video_without_a_face_is_no_failure(models, tmp_path):
    clip = make_clip(tmp_path / "empty.mp4", frames=12)
    outputs = Outputs.of(clip, tmp_path / "out")
    summary = annotate(clip, outputs, models)
    assert summary.sentence() == "no face was found in 12 frames"
    assert_same_road(clip, outputs, summary)


def test_progress_ends_with_as_many_frames_as_there_were(models, tmp_path):
    clip = make_clip(tmp_path / "varies.mkv", frames=30)
    reported = []
    options = Options(file=FileOptions(every=0.1))
    annotate(clip, Outputs.of(clip, tmp_path / "out"), models, options, lambda *done: reported.append(done))
    assert reported[-1][0] == reported[-1][1] == len(reported) - 1
    assert all(done <= total for done, total in reported)


def test_a_result_that_cannot_be_written_leaves_the_earlier_ones(models, tmp_path, monkeypatch):
    """The disk is full half-way: an error with the path, a playable part, and nothing looks whole."""
    from emotion.realtime.sinks.csv_jsonl import CsvTimeline

    clip = make_clip(tmp_path / "clip.mp4", frames=30)
    written = []

    def full(self, result, image):
        if result.frame.index == 20:
            raise SinkError("no room: make room on the disk")
        written.append(result.frame.index)

    monkeypatch.setattr(CsvTimeline, "write", full)
    outputs = Outputs.of(clip, tmp_path / "out")
    with pytest.raises(SinkError, match="make room"):
        annotate(clip, outputs, models)
    assert written == list(range(20))
    assert not outputs.video.exists()
    # The mp4 may be ahead of the table by the frames that wait before it.
    assert 20 <= len(stamps(outputs.video.with_name("clip.annotated.partial.mp4"))) <= 26
    assert not outputs.summary.exists()
    values = json.loads(partial_path(outputs.summary).read_text())
    assert (values["complete"], values["reasons"]) == (False, ["no room: make room on the disk"])
    monkeypatch.undo()
    assert annotate(clip, outputs, models).frames == 30
    assert sorted(outputs.summary.parent.iterdir()) == sorted(outputs.all())


def test_a_truncated_video_is_done_as_far_as_it_goes(models, tmp_path):
    whole = DEMO.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 6])  # the index stands first, so a sixth of it can be read
    outputs = Outputs.of(cut, None)
    with pytest.raises(IncompleteSourceError, match=r"cut\.mp4.* of about 472 frames"):
        annotate(cut, outputs, models)
    # It was read to its end: the results are finished, and say that they are not all.
    assert 30 < len(stamps(outputs.video)) < 472
    assert not list(tmp_path.glob("*.partial.*"))
    summary = json.loads(outputs.summary.read_text())
    assert summary["complete"] is False
    assert "breaks off" in summary["reasons"][0]
    assert summary["video"]["frames"] == len(stamps(outputs.video)) == len(emotions(outputs))


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


def test_bad_videos_end_in_a_sentence_and_the_others_still_run(monkeypatch, capsys, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video")
    good = make_clip(tmp_path / "good.mp4", frames=6)
    bad = [tmp_path / name for name in ("missing.mp4", "folder", "empty.mp4", "text.mp4")]
    assert run(monkeypatch, "annotate", bad[0], bad[1], good, *bad[2:], "-o", tmp_path / "out") == 3
    text = capsys.readouterr()
    errors = text.err.replace("\n", "")
    for path in bad:
        assert path.name in errors
    assert "Traceback" not in errors
    assert re.search(r"^good +no face +0 +0:00\.2 ", text.out, re.MULTILINE)
    assert (tmp_path / "out" / "good.annotated.mp4").exists()


def test_formats_are_chosen_and_events_have_standard_output_for_themselves(monkeypatch, capfd, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=6)
    options = ("--formats", "srt, parquet,srt", "--events", "-o", tmp_path / "out")
    assert run(monkeypatch, "annotate", clip, *options) == 0
    names = ("clip.emotions.parquet", "clip.emotions.srt", "clip.summary.json")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    text = capfd.readouterr()
    assert text.out == ""
    assert "subtitles" in text.err
    assert "annotated video" not in text.err


def test_events_tell_of_tears_that_turn_to_laughter(demo, reported):
    events = [json.loads(line) for line in reported.read_text().splitlines()]
    assert events[0]["event"] == "appeared"
    assert (events[-1]["event"], events[-1]["previous"]) == ("left", "happiness")
    assert all(after["seconds"] >= before["seconds"] for before, after in itertools.pairwise(events))
    assert demo[0].files["vtt"].read_text().rstrip().endswith("happiness")


def test_a_format_that_is_none_is_wrong_usage(monkeypatch, capsys):
    assert run(monkeypatch, "annotate", "--formats", "mp4,gif") == 2
    assert "gif" in capsys.readouterr().err


def test_a_folder_for_results_that_cannot_be_made_is_named(monkeypatch, capsys, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    (tmp_path / "file").write_text("")
    assert run(monkeypatch, "annotate", clip, "-o", tmp_path / "file" / "out") == 6
    assert "choose another" in capsys.readouterr().err.replace("\n", " ")


def test_a_video_that_is_not_there_leaves_no_folder(models, tmp_path):
    missing = tmp_path / "not" / "there.mp4"
    with pytest.raises(SourceError, match="check the path"):
        annotate(missing, Outputs.of(missing, missing.parent), models)
    assert list(tmp_path.iterdir()) == []


def test_a_call_from_python_replaces_no_file_of_the_users_either(models, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    outputs = Outputs.of(clip, None, ("csv",))
    outputs.files["csv"].write_text("the user's")
    with pytest.raises(SinkError, match=r"clip\.emotions\.csv would be replaced"):
        annotate(clip, outputs, models)
    assert outputs.files["csv"].read_text() == "the user's"
    annotate(clip, outputs, models, Options(outputs=OutputOptions(overwrite=True)))
    annotate(clip, outputs, models)


def test_a_changed_model_is_refused(monkeypatch, capsys, tmp_path):
    for name in ("eyes.json", "eyes.onnx", "lips.json", "lips.onnx", "weights.json"):
        (tmp_path / name).write_bytes((LITE / name).read_bytes())
    with open(tmp_path / "lips.onnx", "ab") as file:
        file.write(b"x")
    assert run(monkeypatch, "annotate", "--models", tmp_path) == 4
    assert "wrong sha256" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
def test_a_signal_leaves_a_playable_part(tmp_path, number, code):
    outputs = Outputs.of(DEMO, tmp_path)
    part = outputs.video.with_name("demo.annotated.partial.mp4")
    options = ("--models", "lite", "-o", str(tmp_path))
    command = [sys.executable, "-m", "emotion", "annotate", str(DEMO), *options]
    with usual_signals():
        started = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    with started as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size > 50_000):
            time.sleep(0.05)
        process.send_signal(number)
        error = process.communicate()[1]
    assert process.returncode == code
    assert "Traceback" not in error
    assert 10 < len(stamps(part)) < 472
    lines = outputs.files["jsonl"].with_name("demo.emotions.partial.jsonl").read_text().splitlines()
    assert len(lines) >= len(stamps(part)) - 1
    assert all(json.loads(line) for line in lines)
    assert not outputs.video.exists()
    assert json.loads(partial_path(outputs.summary).read_text())["reasons"] == ["it was interrupted"]


@pytest.mark.skipif(not VIDEOS.is_dir(), reason="needs the development clips, which do not ship")
@pytest.mark.parametrize("name", sorted(path.name for path in VIDEOS.glob("*.m*")) if VIDEOS.is_dir() else [])
def test_real_clips_keep_frames_times_and_sound(models, tmp_path, name):
    outputs = Outputs.of(VIDEOS / name, tmp_path)
    summary = annotate(VIDEOS / name, outputs, models)
    assert_same_road(VIDEOS / name, outputs, summary)
    if name == "no_face.mp4":
        assert summary.emotion is None


@pytest.mark.parametrize("style", ["panel", "none"])
def test_privacy_hides_the_face_in_every_picture(models, tmp_path, style):
    plain, hidden = (Outputs.of(DEMO, tmp_path / name, ("mp4",)) for name in ("plain", "hidden"))
    part = tmp_path / "part.mp4"
    with VideoFile(DEMO) as video:
        sink = Mp4Sink(part, dataclasses.replace(video.info, path=None, has_audio=False))
        for frame, _ in zip(video, range(20), strict=False):
            sink.write(EmotionFrame(frame, ()), frame.image)
        sink.close()
    annotate(part, plain, models)
    annotate(part, hidden, models, Options(drawing=DrawingOptions(privacy="blur", style=style)))
    sharp, soft = (list(VideoFile(one.video)) for one in (plain, hidden))
    assert len(sharp) == len(soft) == 20
    for before, after in zip(sharp, soft, strict=True):
        # The middle of the face: its detail is gone.
        detail = [cv2.Laplacian(one.image[110:220, 270:370], cv2.CV_64F).std() for one in (before, after)]
        assert detail[1] < 0.5 * detail[0]


@pytest.mark.parametrize(
    ("part", "begin", "duration"),
    [
        ({}, 0.0, 4.0),
        ({"end": 2.0}, 0.0, 2.0),
        ({"start": 1.0}, 1.0, 3.0),
        ({"start": 1.0, "end": 9.0}, 1.0, 3.0),
    ],
)
def test_the_timeline_in_the_picture_is_as_long_as_what_is_read(tmp_path, monkeypatch, part, begin, duration):
    clips.clip(tmp_path / "c.mp4", 100)
    made = []
    monkeypatch.setattr("emotion.videos.Renderer", lambda *reported: made.append(reported[:3]))
    with VideoFile.of(tmp_path / "c.mp4", FileOptions(**part)) as video:
        _renderer(Options(), video.info)
    assert made == [(DrawingOptions(), pytest.approx(begin), pytest.approx(duration))]


@pytest.mark.parametrize(
    ("formats", "only"), [(["mp4"], True), (["mp4", "csv", "html"], True), (["mp4", "strange"], False)]
)
def test_no_more_of_a_picture_is_made_than_what_is_drawn_on_where_only_the_mp4_sees_it(formats, only):
    """A format of somebody else's may look at all of it."""
    assert _only_mp4(Outputs({name: Path(f"a.{name}") for name in formats}, Path("a.json"))) is only
