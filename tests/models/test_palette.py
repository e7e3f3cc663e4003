from itertools import combinations

import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.models.palette import PANEL, bgr, contrast, distinct, rgb

# Linear RGB as seen with full dichromacy: Machado, Oliveira and Fernandes (2009).
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# Linear RGB to Oklab.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour):
    share = np.array(rgb(colour)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def seen(colour, sight):
    return TO_LAB @ np.cbrt(TO_CONES @ np.clip(np.array(SIGHTS[sight]) @ linear(colour), 0, 1))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("palette", [SIX.on_dark, SIX.on_white])
def test_any_two_colours_differ_for_everyone(palette, sight):
    for first, second in combinations(palette, 2):
        # A just noticeable difference in Oklab is about 0.02.
        assert np.linalg.norm(seen(first, sight) - seen(second, sight)) > 0.1, (first, second)


def test_colours_stand_out_from_what_they_are_made_for():
    assert min(contrast(colour, PANEL) for colour in SIX.on_dark) >= 4.5
    assert min(contrast(colour, "#FFFFFF") for colour in SIX.on_white) >= 3


@pytest.mark.parametrize("count", [1, 3, 8, 12])
def test_colours_for_other_classes_are_readable_and_apart(count):
    made = distinct(count)
    for side, ground, least in ((0, PANEL, 4.5), (1, "#FFFFFF", 3)):
        colours = [pair[side] for pair in made]
        assert min(contrast(colour, ground) for colour in colours) >= least
        for first, second in combinations(colours, 2):
            assert np.linalg.norm(seen(first, "normal") - seen(second, "normal")) > 0.03


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_channel_order():
    assert rgb("#0102FF") == (1, 2, 255)
    assert bgr("#0102FF") == (255, 2, 1)


@pytest.mark.parametrize("colour", ["red", "#12345", "123456#", "#12345Z"])
def test_a_colour_that_is_none(colour):
    with pytest.raises(ValueError, match=r"#|base 16"):
        rgb(colour)
