"""What a study keeps of a video: its course, and a small picture."""

import base64
import json
from dataclasses import replace

import cv2
import numpy as np
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
