from itertools import combinations

import numpy as np
import pytest

from emotion.benchmarks.studies.palette import ciede2000, differences, lab
from emotion.models.classes import SIX, Classes
from emotion.models.palette import PANEL, bgr, contrast, distinct, rgb


@pytest.mark.parametrize("sight", ["normal", "protanopia", "deuteranopia", "tritanopia"])
def test_any_two_colours_are_distinguished_by_everyone(sight):
    apart = {pair: row[sight] for pair, row in differences().items()}
    assert min(apart.values()) >= 20, min(apart, key=apart.get)


def test_there_is_one_palette():
    assert SIX.on_dark == SIX.on_white
    assert (made := Classes(("calm", "tense", "happiness"))).on_dark == made.on_white
    assert Classes(("neutral", "happiness")).on_dark == (SIX.on_dark[4], SIX.on_dark[0])
    assert made.on_dark[2] == Classes((*SIX, "disgust")).on_dark[0]


def test_colours_stand_out_from_the_panel():
    """On white an outline does it for those that are too light; the darkest ones need it least."""
    assert min(contrast(colour, PANEL) for colour in SIX.on_dark) >= 3
    assert min(contrast(colour, "#FFFFFF") for colour in SIX.on_dark) >= 1.6


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        # From the test data of Sharma, Wu and Dalal (2005).
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_of_colours_is_the_published_one(first, second, difference):
    assert ciede2000(np.array(first), np.array(second)) == pytest.approx(difference, abs=1e-3)


@pytest.mark.parametrize("count", [1, 3, 8, 12])
def test_colours_for_other_classes_are_readable_and_apart(count):
    made = distinct(count)
    for ground, least in ((PANEL, 4.5), ("#FFFFFF", 3)):
        assert min(contrast(colour, ground) for colour in made) >= least
    for first, second in combinations(made, 2):
        assert ciede2000(lab(first), lab(second)) > 3


@pytest.mark.parametrize(
    "names", [(*SIX, "disgust", "contempt"), ("calm", "tense", "laughing"), ("joy", *"abcdefg")]
)
def test_up_to_eight_classes_of_any_names_are_distinguished_by_everyone(names):
    classes = Classes(names)
    assert min(min(row.values()) for row in differences(classes).values()) >= 20
    assert min(contrast(colour, PANEL) for colour in classes.on_dark) >= 3
    assert min(contrast(colour, "#FFFFFF") for colour in classes.on_white) >= 1.4


def test_more_classes_are_distinguished_by_marks():
    made = Classes(tuple(f"class{index}" for index in range(20)))
    assert len(set(made.on_dark)) == 8
    assert len(set(zip(made.on_dark, made.marks, strict=True))) == 20


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
