"""What is said where there are more faces than may be followed."""

import pytest

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.crowd import Crowd
from tests.helpers.results import video_frame


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [
        ([0, 0], ""),
        ([0, 1, 0], "At least 1 more face, in at least 1 frame: see --max-faces."),
        ([2, 0, 3, 1], "At least 3 more faces, in at least 3 frames: see --max-faces."),
    ],
)
def test_the_most_are_reported(left_out, sentence):
    crowd = Crowd()
    for number, count in enumerate(left_out):
        crowd.add(EmotionFrame(video_frame(number), (), left_out=count))
    assert crowd.sentence() == sentence
