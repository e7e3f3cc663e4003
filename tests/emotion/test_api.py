"""`emotion.stream`: results for Python programs."""

import inspect
import io
import json
import runpy
import subprocess
import sys
import threading
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest

import emotion
from emotion import recognizer
from emotion.fetching import Spool
from emotion.models.classes import EMOTIONS
from emotion.models.faces.mediapipe_landmarker import FaceLandmarker
from emotion.models.voting.vote import LogLinear, VoteWeights
from emotion.realtime.errors import SourceError
from emotion.realtime.sinks.csv_jsonl import JsonLinesTimeline
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from tests.fakes.pipeline_parts import Fed
from tests.helpers import clips
from tests.helpers.paths import ROOT
from tests.helpers.results import video_frame
from tests.helpers.shipped_models import shipped_models
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def models():
    return shipped_models()


def first_pictures(count):
    with VideoFile(DEMO) as video:
        return [frame for frame, _ in zip(video, range(count), strict=False)]


def test_results_of_a_file(models):
    with emotion.stream(DEMO, models=models) as results:
        seen = [result for result, _ in zip(results, range(6), strict=False)]
    assert [result.index for result in seen] == list(range(6))
    assert [result.seconds for result in seen] == [frame.seconds for frame in first_pictures(6)]
    (face,) = seen[5].faces
    assert face.track_id == 1
    assert face.emotion in EMOTIONS
    assert face.label in (*EMOTIONS, "uncertain")
    assert face.probabilities[face.emotion] == face.confidence == max(face.probabilities.values())
    assert sum(face.probabilities.values()) == pytest.approx(1)
    assert list(face.regions) == ["eyes", "lips"]
    assert all(set(said) == set(EMOTIONS) for said in face.regions.values())
    left, top, width, height = face.box
    assert 0 < left < left + width < 480
    assert 0 < top < top + height < 271
    drawn = seen[5].draw()
    assert drawn.shape == seen[5].image.shape == (270, 480, 3)
    assert (drawn != seen[5].image).any()


def test_a_file_can_be_looked_at_sparingly(models, monkeypatch):
    looks = []
    detect = FaceLandmarker.detect
    monkeypatch.setattr(FaceLandmarker, "detect", lambda *given: looks.append(given[2]) or detect(*given))
    pictures = first_pictures(24)
    with emotion.stream(pictures, models=models, stride=2) as results:
        assert all(len(result.faces) == 1 for result in results)
    assert len(set(looks)) <= 14


def test_a_dict_is_a_line_of_the_timeline(models, tmp_path):
    sink = JsonLinesTimeline(tmp_path / "t.jsonl")
    reported = []
    for result in emotion.stream(first_pictures(3), models=models):
        reported.append(json.loads(json.dumps(result.to_dict())))
        sink.write(result._frame, result.image)
    sink.close()
    assert reported == [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert len(reported) == 3


def test_pictures_are_not_kept(models):
    # The buffers between the stages hold 40 to 90 pictures, depending on which thread is slower; what counts
    # is that it does not grow with the length of the video.
    alive = []

    def pictures():
        for index in range(400):
            frame = video_frame(index, size=(96, 128))
            alive.append(weakref.ref(frame.image))
            yield frame

    for result in emotion.stream(pictures(), models=models):
        del result
        assert sum(picture() is not None for picture in alive) < 150
    assert len(alive) == 400
    assert sum(picture() is not None for picture in alive) == 0


@pytest.mark.parametrize("live", [False, True])
def test_pictures_of_a_program_keep_their_colours(models, live):
    frame = replace(video_frame(0), picture=red_and_blue((320, 240)))
    with emotion.stream([frame], models=models, live=live) as results:
        (result,) = results
    assert_red_then_blue(result.image, tolerance=0)
    assert_red_then_blue(result.draw(), tolerance=0)


def test_a_live_source_gives_the_newest(models):
    source = Fed()
    with emotion.stream(source, models=models, live=True) as results:
        source.put(video_frame(0))
        assert next(results).index == 0
        source.end()
        assert list(results) == []
    assert source.closed.is_set()


def always(models, **shares):
    """The same models with a vote that always says the same."""
    logits = np.log([shares.get(name, 0.05) for name in EMOTIONS]).astype(np.float32)
    return replace(models, weights=VoteWeights(LogLinear(np.zeros((12, 6), np.float32), logits)))


def faces_of(source, **options):
    return [face for result in emotion.stream(source, **options) for face in result.faces]


@pytest.mark.parametrize("live", [False, True])
def test_what_is_not_clear_is_uncertain(models, live):
    unclear = always(models, happiness=0.06)
    assert {face.label for face in faces_of(first_pictures(8), models=unclear, live=live)} == {"uncertain"}
    alone = faces_of(first_pictures(8), models=unclear, live=live, smooth=0)
    assert {face.label for face in alone} == {"happiness"}


@pytest.mark.parametrize("live", [False, True])
def test_a_baseline_measures_people_by_their_own_faces(models, live):
    calm = always(models, neutral=0.5, sadness=0.3)

    def last_sadness(baseline):
        source = Fed()
        with emotion.stream(source, models=calm, live=live, smooth=0, baseline=baseline) as results:
            for frame in first_pictures(12):
                source.put(frame)
                # A live source would leave out what nobody has asked for.
                last = next(results) if live else None
            source.end()
            (face,) = (last or list(results)[-1]).faces
        return face.probabilities["sadness"]

    assert last_sadness(0.0) == pytest.approx(0.3, abs=1e-3)
    # A face that always looks so is given what a neutral face gives on average, but for the bound: a third.
    assert last_sadness(0.2) == pytest.approx(0.1 / 1.01, abs=1e-3)


def test_leaving_the_loop_stops_the_threads(models):
    before = set(threading.enumerate())
    for _ in emotion.stream(DEMO, models=models):
        break
    assert set(threading.enumerate()) <= before


def test_what_is_no_source_is_refused(models, tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        emotion.stream(tmp_path / "none.mp4", models=models)
    clips.tone_only(tmp_path / "tone.m4a")
    with pytest.raises(SourceError, match="no pictures"):
        emotion.stream(tmp_path / "tone.m4a", models=models)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (-1, "-1 is no camera: their numbers begin with 0"),
        (10**30, "is no camera"),
        (True, "True is no camera"),
        (np.int64(-1), "-1 is no camera"),
        ("camera", "camera does not exist: check the path; a camera is named by its number"),
        (3.5, "float is nothing that moves"),
    ],
)
def test_what_is_no_camera_is_told_how_cameras_are_named(models, source, said):
    with pytest.raises(SourceError, match=said):
        emotion.stream(source, models=models)


def test_the_number_of_a_camera_may_be_numpys(models, monkeypatch):
    opened = []
    monkeypatch.setattr(recognizer, "open_live", lambda where, options: opened.append(where) or iter(()))
    emotion.stream(np.int64(3), models=models).close()
    assert opened == ["3"]


NO_OPTIONS = "options is an emotion.Options, not dict: give options by name, as max_faces=2."


@pytest.mark.parametrize(
    ("call", "wrong", "said"),
    [
        (emotion.stream, {"options": {}}, NO_OPTIONS),
        (emotion.analyze, {"options": {"max_faces": 2}}, NO_OPTIONS),
        (emotion.annotate_files, {"options": {}}, NO_OPTIONS),
        (emotion.analyze_files, {"models": 3}, "models is the name of a folder or file, not 3."),
        (emotion.annotate_files, {"models": ""}, "models is the name of a folder or file, not ''."),
        (emotion.annotate_files, {"output": ""}, "output is the name of a folder or file, not ''."),
        (emotion.annotate_files, {"metadata": 3}, "metadata is the name of a folder or file, not 3."),
        (emotion.annotate_files, {"formats": 3}, "formats is"),
        (emotion.annotate_files, {"progress": None}, "progress is a function"),
        (emotion.analyze_files, {"progress": 3}, "progress is a function"),
        (emotion.analyze_files, {"cluster": "nonsense"}, "cluster: 'nonsense' is no cluster"),
        (emotion.stream, {"on_result": 3}, "on_result is a function, called with each result, not 3."),
    ],
)
def test_a_wrong_value_of_a_parameter_is_refused_with_its_name(models, call, wrong, said):
    loaded = {} if "models" in wrong or "cluster" in wrong else {"models": models}
    with pytest.raises(emotion.OptionError, match=said):
        call("missing.mp4", **loaded, **wrong)


def test_models_are_loaded_by_their_name():
    assert len(emotion.Models.load("lite", provider="cpu").regions) == 2
    with pytest.raises(emotion.OptionError, match="models is the name of a folder, not int"):
        emotion.Models.load(3)


def test_a_link_that_is_no_video_is_named_and_not_its_copy(models, monkeypatch):
    page = io.BytesIO(b"<html>")
    monkeypatch.setattr(Spool, "fetch", lambda spool, name: spool.keep(page, "page"))
    with pytest.raises(SourceError, match=r"^https://host/clip is not a video"):
        emotion.stream("https://host/clip?key=secret", models=models)


def test_importing_the_package_is_cheap():
    code = "import sys, emotion; print('cv2' in sys.modules, 'mediapipe' in sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    assert said.split() == ["False", "False"]


def test_what_the_package_does_not_have():
    with pytest.raises(AttributeError, match="nonsense"):
        emotion.nonsense  # noqa: B018


def test_the_example_in_the_docs_runs(tmp_path, monkeypatch, capsys):
    short = tmp_path / "short.mp4"
    # A second of the bundled clip is enough of it.
    writer = cv2.VideoWriter(str(short), cv2.VideoWriter_fourcc(*"mp4v"), 25, (480, 270))
    for frame in first_pictures(25):
        writer.write(np.ascontiguousarray(frame.image))
    writer.release()
    example = ROOT / "docs" / "examples" / "stream.py"
    monkeypatch.setattr(sys, "argv", [str(example), str(short), str(tmp_path / "best.png")])
    runpy.run_path(str(example), run_name="__main__")
    said = capsys.readouterr().out
    assert "person 1: " in said
    assert "The clearest moment is in " in said
    assert cv2.imread(str(tmp_path / "best.png")).shape == (270, 480, 3)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"max_face": 2}, "max_face is no option; max_faces is one."),
        ({"max_faces": 21}, "max_faces is at least 1 and at most 20, not 21."),
        ({"window": False}, "window is no option"),
        ({"provider": "cpu"}, "provider comes too late: the models are loaded already."),
    ],
)
def test_what_a_stream_does_not_know_is_refused_before_anything_is_opened(models, chosen, said):
    with pytest.raises(emotion.OptionError, match=said):
        emotion.stream("missing.mp4", models=models, **chosen)


def test_help_lists_the_options():
    shown = inspect.signature(emotion.stream)
    assert shown.parameters["max_faces"].default == 6
    assert "chosen" not in shown.parameters
