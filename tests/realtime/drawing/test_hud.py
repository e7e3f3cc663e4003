"""What a window says besides the results."""

import numpy as np
import pytest

from emotion.realtime.drawing import hud
from tests.helpers.drawn import bounds, find_text, ink, letters, text_area

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


def test_dimming_leaves_less_than_half_of_every_colour():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_allclose(hud.dimmed(image), 0.45 * image, atol=0.51)


@pytest.mark.parametrize(("size", "text_size"), [((160, 120), 10), ((640, 480), 12), ((1080, 1920), 21)])
def test_text_follows_the_shorter_side(size, text_size):
    assert hud.text_size(canvas(*size)) == text_size


def test_a_notice_says_what_it_is_told_in_white_on_dark():
    image = canvas(640, 480)
    hud.notice(image, "saved as emotion.png")
    area = text_area(image, "saved as emotion.png", 12)
    assert min(ink(image, area)) > 240
    left, top, right, bottom = changed(image)
    # The same free space on both sides, and a text in the middle of its pill.
    assert abs((area.left - left) - (right + 1 - area.right)) <= 3
    assert area.left - left > 8
    assert abs(area.middle[1] - (top + bottom) / 2) < 4
    assert image[area.top - 2, area.left].max() < 60


def test_a_notice_shrinks_before_it_is_cut():
    image = canvas(640, 480)
    # Just too wide for the usual size.
    string = next(text for n in range(200) if letters(text := "a word " * n + "!", 12).shape[1] > 640)
    hud.notice(image, string)
    (size,) = [size for size in (10, 11, 12) if find_text(image, string, size)]
    assert size < 12
    short = canvas(200, 480)
    hud.notice(short, string)
    assert not find_text(short, string, 10)
    # What is left is the beginning and a sign that there is more.
    cut = next(n for n in range(len(string), 0, -1) if find_text(short, string[:n].rstrip() + "\u2026", 10))
    assert 10 < cut < 40


def test_a_table_of_keys_has_its_title_above_and_what_they_do_beside():
    image = canvas(640, 480)
    hud.table(image, "A title", KEYS)
    title = text_area(image, "A title", 12, bold=True)
    rows = [[text_area(image, cell, 12) for cell in row] for row in KEYS]
    for key, action in rows:
        assert title.bottom < key.top
        assert abs(key.middle[1] - action.middle[1]) < 5
        assert key.right < action.left
    assert rows[0][0].bottom < rows[1][0].top
    for column in zip(*rows, strict=True):
        assert abs(column[0].left - column[1].left) <= 2, "texts begin below one another"
    assert abs(title.left - rows[0][0].left) <= 2
    assert ink(image, rows[1][0]) == pytest.approx((206, 204, 202), abs=3), "keys are softer than words"
    assert ink(image, rows[1][1]) == pytest.approx((250, 250, 250), abs=3)


def test_figures_of_a_table_end_below_one_another():
    image = canvas(640, 480)
    hud.table(image, "A title", FIGURES)
    wide, narrow = text_area(image, "1234", 12), text_area(image, "12", 12)
    assert abs(wide.right - narrow.right) <= 2
    assert abs(text_area(image, "1230", 12).right - text_area(image, "7", 12).right) <= 2
    assert abs(text_area(image, "in", 12).right - wide.right) <= 2
    assert abs(text_area(image, "faces", 12).middle[1] - wide.middle[1]) < 4
    assert abs(text_area(image, "classify", 12).middle[1] - narrow.middle[1]) < 4
    assert text_area(image, "in", 12).bottom < wide.top


@pytest.mark.parametrize("rows", [KEYS, FIGURES])
def test_a_table_lies_on_a_surface_with_free_space_around_the_text(rows):
    image = canvas(640, 480)
    hud.table(image, "A title", rows)
    left, top, right, bottom = changed(image)
    texts = bounds(image.min(axis=2) > 190)
    assert min(texts.left - left, texts.top - top, right - texts.right, bottom - texts.bottom) > 4
    # Nine tenths of the dark colour over a gray of 128.
    assert image[bottom - 3, (left + right) // 2].max() < 45


def test_a_large_table_gets_smaller_text():
    image = canvas(320, 240)
    hud.table(image, "A title", [(f"key {n}", "does something") for n in range(12)])
    assert find_text(image, "key 3", 10)
    small = canvas(640, 480)
    hud.table(small, "A title", [("key 3", "does something")])
    assert find_text(small, "key 3", 12)


@pytest.mark.parametrize("name", ["a.mp4", "a long name of a recording.mp4"])
def test_what_is_being_recorded_stands_on_a_plate_that_holds_all_of_it(name):
    image = canvas(640, 480)
    hud.recording(image, name)
    size = hud.text_size(image)
    dot = round(0.8 * size)
    left, _, right, _ = changed(image)
    assert right - left + 1 == hud.text_width(name, size) + dot + round(2.2 * size)
    assert right == 640 - size // 2 - 1
    bright = np.nonzero((image > 200).all(axis=2))[1]
    assert left + dot < bright.min()
    assert bright.max() < right - size // 2


@pytest.mark.parametrize("write", [hud.notice, hud.recording])
@pytest.mark.parametrize("width", [120, 131, 142])
def test_of_a_text_that_is_too_long_the_longest_beginning_stays(write, width):
    """However many letters are taken away at the end, as many are left."""
    found = []
    for count in (40, 41, 42):
        image = canvas(width, 100)
        write(image, "m" * count)
        found.append(image)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@pytest.mark.parametrize("write", [hud.notice, hud.recording])
def test_where_there_is_no_room_at_all_a_sign_is_left(write):
    sign, cut = canvas(36, 60), canvas(36, 60)
    write(sign, "\u2026")
    write(cut, "mmmmmm")
    np.testing.assert_array_equal(sign, cut)
