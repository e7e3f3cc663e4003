from itertools import islice

import av
import numpy as np
import pytest

from emotion.benchmarks.studies.encoder import encode, quality, similarity
from emotion.realtime.sinks.mp4 import X264, x264_for
from emotion.realtime.sources.demo import DEMO

BEFORE = {"preset": "veryfast", "crf": "20"}
PICTURES = 24


@pytest.fixture(scope="module")
def pictures():
    with av.open(str(DEMO)) as container:
        return [picture.reformat(format="yuv420p") for picture in islice(container.decode(video=0), PICTURES)]


def test_similarity_is_one_of_the_same_and_falls_with_noise():
    chances = np.random.default_rng(0)
    picture = chances.uniform(0, 255, (40, 60)).astype(np.float32)
    assert similarity(picture, picture) == pytest.approx(1)
    little, much = (similarity(picture, picture + chances.normal(0, s, picture.shape)) for s in (5, 50))
    assert 0 < much < little < 1


def test_similarity_of_two_even_pictures_is_that_of_their_brightness():
    # Wang et al. 2004, with spread and covariance 0: (2ab + C1) / (a^2 + b^2 + C1)
    one, other = np.full((30, 30), 100, np.float32), np.full((30, 30), 150, np.float32)
    expected = (2 * 100 * 150 + 6.5025) / (100**2 + 150**2 + 6.5025)
    assert similarity(one, other) == pytest.approx(expected, rel=1e-4)


def test_what_ships_is_as_good_as_before_in_files_at_most_half_as_large_again(pictures):
    ships, before = encode(pictures, X264)[0], encode(pictures, BEFORE)[0]
    assert quality(ships, pictures) > quality(before, pictures) - 5e-4
    assert len(ships) < 1.5 * len(before)


def test_a_worse_setting_is_distinguished_from_it(pictures):
    assert (
        quality(encode(pictures, X264 | {"crf": "30"})[0], pictures)
        < quality(encode(pictures, X264)[0], pictures) - 5e-3
    )


def test_large_pictures_are_worth_as_much(pictures):
    enlarged = [picture.reformat(width=960, height=540, interpolation="BICUBIC") for picture in pictures]
    ships, before = encode(enlarged, x264_for(960, 540))[0], encode(enlarged, BEFORE)[0]
    assert quality(ships, enlarged) > quality(before, enlarged) - 5e-4
    assert len(ships) < 1.6 * len(before)
