"""The study of sound hears what is there."""

import numpy as np
import pytest

from emotion.benchmarks.studies.sound import pitch_of
from emotion.realtime.playback.sound import RATE


@pytest.mark.parametrize("pitch", [400, 1250, 1900])
def test_the_pitch_of_a_tone_is_heard_however_long_it_is(pitch):
    tone = np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE).astype(np.float32)
    for seconds in (0.1, 0.4):
        assert pitch_of(tone[: round(seconds * RATE)]) == pytest.approx(pitch, abs=5)
    assert pitch_of(tone[:0]) == 0
