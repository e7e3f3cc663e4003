"""What a study keeps of a video: its course, and a small picture."""

import base64
import json
from dataclasses import replace
from fractions import Fraction
from io import BytesIO

import cv2
import numpy as np
import PIL.Image
import pytest

from emotion.models.classes import EMOTIONS
from emotion.realtime.messages import Box, EmotionFrame
from emotion.realtime.sinks.study_record import FULL, StudyRecord
from tests.helpers.results import face, sure, video_frame


def gray(index, level, *faces):
    """A frame of one brightness, 100 ms after the one before."""
    image = np.full((48, 64, 3), level, np.uint8)
    return EmotionFrame(replace(video_frame(index, pts=100 * index), picture=image), faces)


def written(path, frames):
    record = StudyRecord(path)
    for frame in frames:
        record.write(frame, frame.frame.image)
    return json.loads(record.close().read_text())


def level(values):
    """How bright the kept picture is."""
    data = np.frombuffer(base64.b64decode(values["thumbnail"]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR).mean()


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (2, 2), (3, 2), (4, 4), (7, 4), (9, 8)])
def test_where_nobody_is_seen_the_picture_is_from_the_second_half(tmp_path, count, kept):
    frames = [gray(index, 20 * (index + 1)) for index in range(count)]
    assert level(written(tmp_path / "a.json", frames)) == pytest.approx(20 * kept, abs=2)


def test_the_picture_is_the_one_with_the_largest_and_surest_face(tmp_path):
    def seen(index, width, share):
        return gray(index, 20 * (index + 1), face("fear", share=share, box=Box(0, 0, width, width)))

    frames = [
        gray(0, 20),
        seen(1, 8, 0.9),
        seen(2, 16, 0.5),
        seen(3, 16, 0.9),
        seen(4, 16.5, 0.9),
        gray(5, 120),
    ]
    assert level(written(tmp_path / "a.json", frames)) == pytest.approx(80, abs=2)


def test_the_course_is_the_mean_over_people_in_equal_bins(tmp_path):
    fear, anger = face("fear", 1, 1.0), face("anger", 2, 1.0)
    unsure = replace(anger, label="uncertain", probabilities=sure("anger", 0.5))
    frames = [gray(0, 9, fear), gray(1, 9, fear, anger), gray(2, 9, unsure)]
    values = written(tmp_path / "a.json", frames)
    course = np.frombuffer(base64.b64decode(values["course"]), np.uint8).reshape(values["bins"], -1) / FULL
    assert values["columns"] == ["seen", "uncertain", *EMOTIONS]
    said = {name: course[:, place] for place, name in enumerate(values["columns"])}
    assert said["seen"].tolist() == [1, 1, 1]
    assert said["uncertain"].tolist() == [0, 0, 1]
    assert said["fear"] == pytest.approx([1, 0.5, 0.1], abs=0.01)
    assert said["anger"] == pytest.approx([0, 0.5, 0.5], abs=0.01)


@pytest.mark.parametrize(("better", "kept"), [(1.09, 1), (1.12, 2)])
def test_a_later_picture_has_to_be_a_tenth_better(tmp_path, better, kept):
    frames = [
        gray(0, 20, face("fear", share=0.5, box=Box(0, 0, 16, 16))),
        gray(1, 40, face("fear", share=0.5 * better, box=Box(0, 0, 16, 16))),
    ]
    assert level(written(tmp_path / "a.json", frames)) == pytest.approx(20 * kept, abs=2)


def test_a_face_as_wide_as_four_tenths_of_the_picture_is_large_enough(tmp_path):
    # The picture is 64 wide.
    frames = [
        gray(0, 20, face("fear", share=0.8, box=Box(0, 0, 25.6, 16))),
        gray(1, 40, face("fear", share=0.8, box=Box(0, 0, 60, 60))),
    ]
    assert level(written(tmp_path / "a.json", frames)) == pytest.approx(20, abs=2)
    smaller = [gray(0, 20, face("fear", share=0.8, box=Box(0, 0, 22, 16))), frames[1]]
    assert level(written(tmp_path / "b.json", smaller)) == pytest.approx(40, abs=2)


def test_two_faces_tell_more_than_one(tmp_path):
    one, other = (face("fear", track, 0.8, box=Box(20 * track, 0, 12, 12)) for track in (1, 2))
    assert level(written(tmp_path / "a.json", [gray(0, 20, one), gray(1, 40, one, other)])) == pytest.approx(
        40, abs=2
    )


def test_a_face_of_which_nothing_is_known_is_worth_no_picture(tmp_path):
    unknown = replace(face("fear", label="uncertain"), probabilities=None)
    frames = [gray(0, 20, face("fear", share=0.3)), gray(1, 40, unknown), gray(2, 60, unknown)]
    assert level(written(tmp_path / "a.json", frames)) == pytest.approx(20, abs=2)


@pytest.mark.parametrize(
    ("size", "shown"),
    [((352, 640), (97, 176)), ((60, 100), (60, 100)), ((1, 900), (1, 176)), ((480, 176), (480, 176))],
)
def test_the_picture_is_176_pixels_wide_at_most(tmp_path, size, shown):
    one = EmotionFrame(replace(video_frame(0), picture=np.zeros((*size, 3), np.uint8)), ())
    data = base64.b64decode(written(tmp_path / "a.json", [one])["thumbnail"])
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2] == shown
    plain = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 62])[1]
    with PIL.Image.open(BytesIO(data)) as found, PIL.Image.open(BytesIO(plain.tobytes())) as wanted:
        assert found.quantization == wanted.quantization


@pytest.mark.parametrize(("frames", "bin_", "bins"), [(256, 0.1, 256), (257, 0.2, 129)])
def test_a_course_has_256_bins_at_most_of_a_tenth_of_a_second_at_first(tmp_path, frames, bin_, bins):
    values = written(tmp_path / "a.json", [gray(n, 9) for n in range(frames)])
    assert (values["bin"], values["bins"]) == (bin_, bins)
    course = np.frombuffer(base64.b64decode(values["course"]), np.uint8)
    assert course.size == bins * (2 + len(EMOTIONS))
    assert not course.any()


def test_the_beginning_is_reported_in_milliseconds(tmp_path):
    one = gray(0, 9)
    late = replace(one, frame=replace(one.frame, pts=1, time_base=Fraction(1, 3)))
    assert written(tmp_path / "a.json", [late])["begin"] == 0.333


def test_a_share_of_one_is_250_and_some_doubt_among_people_a_part_of_it(tmp_path):
    frames = [gray(n, 9, face("fear", 1, 1.0), face("anger", 2, 1.0, label="uncertain")) for n in range(3)]
    values = written(tmp_path / "a.json", frames)
    course = np.frombuffer(base64.b64decode(values["course"]), np.uint8).reshape(values["bins"], -1)
    assert course[0].tolist() == [250, 125, *(125 if name in ("fear", "anger") else 0 for name in EMOTIONS)]


def test_an_interrupted_record_is_a_part_and_an_empty_one_is_none(tmp_path):
    record = StudyRecord(tmp_path / "a.json")
    record.write(gray(0, 9), None)
    assert record.abort().name == "a.partial.json"
    assert StudyRecord(tmp_path / "b.json").abort() is None
