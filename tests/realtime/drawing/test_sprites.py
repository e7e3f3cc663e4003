"""Sprites by their pixels: where ink is, how much of the picture is kept, and that two are as good as one."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emotion.realtime.drawing import sprites
from emotion.realtime.drawing.sprites import (
    CORNER_EDGE,
    Sprite,
    ascent,
    copy,
    corners,
    merge,
    not_drawn,
    plate,
    press,
    text,
    text_width,
)
from tests.helpers.drawn import FONTS, bounds, letters, of_colour

COLOUR = (40, 120, 250)
OTHER = (200, 30, 60)
OWN = FONTS / "DejaVuSans.ttf"


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def cover(sprite):
    """How much of the picture a sprite hides, float (h, w) in [0, 1]."""
    return 1 - sprite.keep[:, :, 0] / 255


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("size", [10, 20, 43])
@pytest.mark.parametrize("string", ["happiness 83%", "gy|", "a"])
def test_text_has_the_letters_of_its_size_and_weight_on_its_baseline(string, size, bold):
    sprite = text(string, size, (255, 255, 255), bold)
    area = bounds(sprite.ink[:, :, 0] > 40)
    wanted = letters(string, size, bold)
    np.testing.assert_allclose(area.of(sprite.ink)[:, :, 0], wanted, atol=2)
    # Without letters that reach below, ink ends at the baseline.
    base = bounds(text("a", size, (255, 255, 255), bold).ink[:, :, 0] > 40)
    assert abs(base.bottom - ascent(size, bold)) <= 1


@pytest.mark.parametrize("bold", [False, True])
def test_the_width_of_a_text_holds_its_letters_and_little_more(bold):
    for size in (10, 20, 43):
        wide = letters("mmmm", size, bold).shape[1]
        assert wide <= text_width("mmmm", size, bold) <= wide + 0.3 * size + 2
        assert text("mmmm", size, COLOUR, bold).width == text_width("mmmm", size, bold)
    assert text_width("m", 20, True) > text_width("m", 20, False)
    assert text("", 20, COLOUR).width == 1


def test_ink_is_the_colour_and_keeps_as_much_as_it_does_not_cover():
    for sprite in (text("happiness", 20, COLOUR), plate(30, 20, 7, COLOUR, 0.7), *corners(40, 4, COLOUR)):
        total = sprite.ink.astype(int) + sprite.keep
        assert total.max() <= 255
        assert sprite.keep.dtype == sprite.ink.dtype == np.uint8
    full = text("happiness", 43, COLOUR)
    solid = full.keep.max(axis=2) == 0
    assert (full.ink[solid] == COLOUR).all()
    assert (full.ink[full.keep.min(axis=2) == 255] == 0).all()


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.8, 1.0])
def test_a_plate_is_opaque_inside_as_told_and_clear_in_its_corners(opacity):
    sprite = plate(60, 40, 10, COLOUR, opacity)
    assert (sprite.width, sprite.height) == (60, 40)
    covered = cover(sprite)
    np.testing.assert_allclose(covered[10:30], opacity, atol=0.003)
    np.testing.assert_allclose(covered[:, 10:50], opacity, atol=0.003)
    np.testing.assert_allclose(covered[[0, 0, -1, -1], [0, -1, 0, -1]], 0, atol=0.003)
    np.testing.assert_allclose(sprite.ink[20, 30], np.array(COLOUR) * opacity, atol=1)


@pytest.mark.parametrize("radius", [0, 3, 10, 20, 1000])
def test_a_plates_corners_are_round(radius):
    """Measured by area: a rectangle without what four quarters of a circle leave out."""
    covered = cover(plate(60, 40, radius, COLOUR))
    bent = min(radius, 20)
    assert covered.sum() == pytest.approx(60 * 40 - (4 - np.pi) * bent**2, abs=3)
    np.testing.assert_array_equal(covered, covered[::-1])
    np.testing.assert_array_equal(covered, covered[:, ::-1])
    if bent:
        # On the diagonal, the edge lies where the circle's does.
        along = np.diagonal(covered)[: int(bent) + 1].sum()
        assert along == pytest.approx(bent + 1 - bent * (1 - np.sqrt(0.5)), abs=0.8)


def test_a_part_is_the_first_columns():
    whole = plate(60, 20, 10, COLOUR)
    part = whole.part(13)
    assert (part.width, part.height) == (13, 20)
    np.testing.assert_array_equal(part.ink, whole.ink[:, :13])
    np.testing.assert_array_equal(part.keep, whole.keep[:, :13])


@pytest.mark.parametrize(("left", "top"), [(7, 3), (0, 0), (-4, -2), (25, 15), (-4, 15), (25, -2)])
def test_pressing_changes_exactly_the_pixels_of_the_sprite(left, top):
    before = noise(20, 30)
    canvas = before.copy()
    sprite = plate(10, 8, 0, COLOUR)
    press(canvas, sprite, left, top)
    inside = np.zeros((20, 30), bool)
    inside[max(0, top) : top + 8, max(0, left) : left + 10] = True
    assert (canvas[inside] == COLOUR).all()
    np.testing.assert_array_equal(canvas[~inside], before[~inside])


@pytest.mark.parametrize(("left", "top"), [(30, 0), (0, 20), (-10, 0), (0, -8), (-(10**9), 10**9)])
def test_pressing_outside_of_the_picture_changes_nothing(left, top):
    canvas = noise(20, 30)
    before = canvas.copy()
    press(canvas, plate(10, 8, 0, COLOUR), left, top)
    np.testing.assert_array_equal(canvas, before)


def test_pressing_weighs_picture_and_ink():
    sprite = Sprite(np.full((1, 1, 3), 51, np.uint8), np.full((1, 1, 3), (10, 20, 30), np.uint8))
    canvas = np.full((1, 1, 3), (200, 100, 50), np.uint8)
    press(canvas, sprite, 0, 0)
    assert canvas[0, 0].tolist() == [50, 40, 40]


@pytest.mark.parametrize(("left", "top"), [(5, 4), (-3, 9), (30, -2)])
def test_merged_sprites_press_as_one_after_the_other(left, top):
    below, above = plate(40, 20, 6, COLOUR, 0.6), text("fear", 14, OTHER)
    picture = noise(30, 50)
    after = picture.copy()
    press(after, below, 3, 2)
    press(after, above, 3 + left, 2 + top)
    both = copy(below)
    merge(both, above, left, top)
    once = picture.copy()
    press(once, both, 3, 2)
    # What of the upper one reaches beyond the lower one is cut off.
    inside = np.s_[2:22, 3:43]
    assert np.abs(once[inside].astype(int) - after[inside]).max() <= 3


def test_a_copy_is_a_sprite_of_its_own():
    first = plate(10, 10, 0, COLOUR)
    second = copy(first)
    merge(second, plate(10, 10, 0, OTHER), 0, 0)
    assert (second.ink == OTHER).all()
    assert (first.ink == COLOUR).all(), "plates are kept and used again"
    assert not first.ink.flags.writeable


ARM, THICKNESS = 40, 5


def test_corners_are_those_of_a_frame():
    """Left top, right top, left bottom, right bottom: each is open towards the frame's middle."""
    made = corners(ARM, THICKNESS, COLOUR)
    size = made[0].width
    assert {(sprite.width, sprite.height) for sprite in made} == {(size, size)}
    for sprite, (left, top) in zip(
        made, ((True, True), (False, True), (True, False), (False, False)), strict=True
    ):
        line = of_colour(sprite.ink, COLOUR)
        halves = line[:, : size // 2].sum(), line[:, size // 2 :].sum()
        assert (halves[0] > halves[1]) == left
        halves = line[: size // 2].sum(), line[size // 2 :].sum()
        assert (halves[0] > halves[1]) == top


def test_a_corners_line_is_as_thick_and_as_far_inside_as_told():
    sprite = corners(ARM, THICKNESS, COLOUR)[0]
    line = of_colour(sprite.ink, COLOUR, 2)
    # Across the middle of the arm that runs down, and of that which runs to the right.
    for profile in (line[ARM // 2 + 5], line[:, ARM // 2 + 5]):
        assert np.flatnonzero(profile).tolist() == list(range(CORNER_EDGE, CORNER_EDGE + THICKNESS))
    # The bend: the outermost corner is empty.
    assert cover(sprite)[:3, :3].max() < 0.1


@pytest.mark.parametrize("arm", [20, 40])
def test_a_corners_arms_are_as_long_as_told(arm):
    sprite = corners(arm, THICKNESS, COLOUR)[0]
    assert sprite.width == arm + CORNER_EDGE
    line = of_colour(sprite.ink, COLOUR, 2)
    middle = CORNER_EDGE + THICKNESS // 2
    for profile in (line[:, middle], line[middle]):
        ends = np.flatnonzero(profile)
        assert arm - 2 <= ends.max() + 1 <= arm + 1


def test_a_soft_dark_shadow_lies_on_both_sides_of_a_corners_line():
    sprite = corners(ARM, THICKNESS, COLOUR)[0]
    row = sprite.width // 2 + 5
    shadow = cover(sprite)[row]
    edge = CORNER_EDGE + THICKNESS
    assert shadow[CORNER_EDGE:edge].min() > 0.99
    for outer, inner in ((0, 1), (edge + 1, edge)):
        assert 0 < shadow[outer] < shadow[inner] < 0.67
        assert sprite.ink[row, outer].max() < 40, "it darkens"
    assert shadow[edge + CORNER_EDGE + 1 :].max() == 0


@pytest.mark.parametrize(("mark", "slopes"), [(0, ()), (1, (1,)), (2, (-1,)), (3, (1, -1)), (4, (1, -1))])
@pytest.mark.parametrize(("height", "period"), [(3, 4), (6, 4), (9, 6), (20, 14)])
def test_marks_leave_out_stripes_that_slant_one_way_or_both(height, period, mark, slopes):
    """A third of each period, which is seven tenths of the height, and four pixels at least."""
    kept = cover(plate(60, height, 0, COLOUR, mark=mark)) > 0.5
    across, down = np.arange(60)[None], np.arange(height)[:, None]
    left_out = np.zeros((height, 60), bool)
    for slope in slopes:
        left_out |= (across + slope * down) % period < period // 3
    np.testing.assert_array_equal(kept, ~left_out)


@pytest.mark.parametrize(("thickness", "arm"), [(1, 12), (2, 16), (3, 30)])
def test_a_corners_bend_is_an_arc_of_four_tenths_of_its_arm(thickness, arm):
    line = cover(corners(arm, thickness, COLOUR)[0]) > 0.75
    # On the diagonal the line of an arc of radius r is 0.29 r further from the corner than the arms are.
    diagonal = np.flatnonzero(line.diagonal())
    middle = CORNER_EDGE + thickness / 2
    assert diagonal.mean() + 0.5 == pytest.approx(middle + 0.38 * arm * (1 - 1 / np.sqrt(2)), abs=0.6)


@pytest.fixture
def other_fonts(monkeypatch):
    """Gives the system other fonts; what is remembered of texts is forgotten."""

    def forget():
        for function in (text, text_width, sprites._runs, sprites._drawn):
            function.cache_clear()

    def have(*files):
        monkeypatch.setattr(sprites, "_system_fonts", lambda: [str(file) for file in files])
        forget()

    yield have
    monkeypatch.undo()
    forget()


def test_characters_that_no_font_has_are_question_marks(other_fonts, tmp_path):
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    other_fonts(tmp_path / "damaged.ttf")
    assert not_drawn("freude-glück, страх, 驚き, 驚") == "驚き"
    np.testing.assert_array_equal(text("a驚き", 20, COLOUR).keep, text("a??", 20, COLOUR).keep)


def test_characters_that_the_font_lacks_are_another_ones(other_fonts):
    other = FONTS / "STIXGeneral.ttf"
    other_fonts(other)
    watch = "\N{WATCH}"
    assert not_drawn(watch) == ""
    mixed = text(f"a{watch}b", 30, COLOUR)
    left, right = (ImageFont.truetype(file, 30).getlength(one) for file, one in ((OWN, "a"), (other, watch)))
    assert mixed.width == text_width(f"a{watch}b", 30) > left + right
    assert mixed.height == text("a", 30, COLOUR).height
    drawn = Pillow.new("L", (mixed.width, mixed.height))
    font = ImageFont.truetype(other, 30)
    ImageDraw.Draw(drawn).text((left, ascent(30)), watch, fill=255, font=font, anchor="ls")
    inside = slice(int(left) + 1, int(left + right) - 1)
    np.testing.assert_allclose(cover(mixed)[:, inside], np.asarray(drawn)[:, inside] / 255, atol=1e-6)


def test_a_corners_shadow_is_two_thirds_dark_at_most_and_of_warm_black():
    made = corners(ARM, THICKNESS, COLOUR)[0]
    shadow = made.ink[(made.keep[..., 0] < 255) & (made.keep[..., 0] > 80)]
    assert shadow.max() <= 255 * 2 / 3
    row = made.width // 2 + 5
    # The line's own soft edge ends half a pixel outside it: the first pixel of shadow alone is half as dark.
    assert made.keep[row, 0].tolist() == [255 - 42] * 3
    assert made.ink[row, 0].tolist() == [round(42 * level / 255) for level in (16, 14, 12)]
