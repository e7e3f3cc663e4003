"""What a window says besides the results."""

import numpy as np
import pytest

from emotion.realtime.drawing import hud
from emotion.realtime.monitoring.histogram import Latencies

KEYS = (("q", "quit"), ("space", "pause or go on"))
FIGURES = (("", "in", "out"), ("faces", "1234", "1230"), ("classify", "12", "7"))


def canvas(width, height):
    return np.full((height, width, 3), 128, np.uint8)


def changed(image):
    """The bounds of what was drawn: left, top, right, bottom."""
    ys, xs = np.nonzero((image != 128).any(axis=2))
    return xs.min(), ys.min(), xs.max(), ys.max()


@pytest.mark.parametrize("size", [(160, 120), (640, 480), (1920, 1080)])
def test_a_notice_stands_on_top_in_the_middle(size):
    image = canvas(*size)
    hud.notice(image, "saved as emotion.png")
    left, top, right, bottom = changed(image)
    assert abs((left + right) / 2 - size[0] / 2) < 4
    assert top < 20
    assert bottom < max(40, 0.1 * size[1])


def test_a_notice_that_is_too_long_is_cut_and_stays_inside():
    image = canvas(200, 100)
    hud.notice(image, "a word " * 100)
    left, _, right, _ = changed(image)
    assert left >= 0
    assert right < 200


@pytest.mark.parametrize("rows", [KEYS, FIGURES])
@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1920, 1080)])
def test_a_table_fits_in_the_middle(rows, size):
    image = canvas(*size)
    hud.table(image, "A title", rows)
    left, top, right, bottom = changed(image)
    assert abs((left + right) / 2 - size[0] / 2) < 4
    assert abs((top + bottom) / 2 - size[1] / 2) < 4
    assert (left > 0, top > 0) == (True, True)


@pytest.mark.parametrize("size", [(20, 10), (2, 2)])
def test_tiny_pictures_are_survived(size):
    image = canvas(*size)
    hud.table(image, "A title", KEYS)
    hud.notice(image, "something")


def test_dimming_makes_a_darker_copy():
    image = canvas(4, 4)
    assert (hud.dimmed(image) < 80).all()
    assert (image == 128).all()


def test_quantiles_are_those_of_the_times():
    latencies = Latencies()
    assert latencies.distribution().count == 0
    assert latencies.quantiles() == {}
    for ms in range(1, 101):
        latencies.add(ms / 1000 + 1e-6)
    told = latencies.distribution()
    assert (told.count, told.p50, told.p95, told.p99, told.longest) == (100, 50.5, 95.5, 99.5, 100.5)
    assert latencies.quantiles() == {0.5: 0.0505, 0.95: 0.0955, 0.99: 0.0995}
    latencies.add(99)
    latencies.add(-1)
    assert latencies.distribution().longest == 9999.5
