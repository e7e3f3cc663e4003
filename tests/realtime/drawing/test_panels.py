"""Panels and labels, measured: which word, which colour and which length stands where."""

from dataclasses import replace

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, SIX
from emotion.models.palette import PANEL, bgr
from emotion.realtime.drawing.cards import card_for, paint_card
from emotion.realtime.drawing.panels import (
    Content,
    _panel_base,
    label_for,
    label_room,
    paint_label,
    paint_panel,
    panel_plan,
)
from emotion.realtime.drawing.sprites import press, text_width
from tests.helpers.drawn import bounds, find_text, ink, largest, of_colour, text_area
from tests.helpers.results import face as face_of
from tests.helpers.results import sure

SIZE, HEAD = 20, 26
# How far letters with and without strokes below the line may pull the middle of a word.
SAME_ROW = 0.3 * SIZE
BRIGHT, SOFT, QUIET = (250, 250, 250), (214, 206, 198), (124, 120, 116)


def distinct(seed):
    """Six shares that differ by more than a pixel of a bar, float32 (6,)."""
    shares = np.random.default_rng(seed).permutation([0.42, 0.23, 0.15, 0.11, 0.06, 0.03])
    return shares.astype(np.float32)


def face(shown=None, *, eyes=None, lips=None, seen=None, label="uncertain", track=1, **more):
    """A face of these shares; an uncertain one, so that no other thing has an emotion's colour."""
    shown = distinct(0) if shown is None else shown
    made = face_of("neutral", track)
    values = dict.fromkeys(("probabilities_frame", "probabilities"), shown)
    return replace(made, regions={"eyes": eyes, "lips": lips}, seen=seen or {}, label=label, **values, **more)


def panel(face, bars=5.2, numbered=False, opacity=1.0, below=0, size=SIZE):
    """A panel cut out of the picture that it is painted into, where nothing else may have changed."""
    plan = panel_plan(size, numbered, bars, Content.of(face))
    left, top = 37, 23
    canvas = np.full((plan.height + 2 * top, plan.width + 2 * left, 3), below, np.uint8)
    paint_panel(canvas, plan, left, top, face, opacity)
    inside = np.s_[top : top + plan.height, left : left + plan.width]
    cut = canvas[inside].copy()
    canvas[inside] = below
    assert (canvas == below).all()
    return cut


def colour(emotion):
    return bgr(SIX.on_dark[SIX.index(emotion)])


def bar(image, emotion):
    """The area of an emotion's bar; None where it is empty."""
    area = largest(of_colour(image, colour(emotion), 10))
    # Edges of gray letters have the colour of the neutral expression, a pixel here and there.
    return area if area and area.width > 1 and area.height > SIZE / 4 else None


def percent(share):
    return f"{round(100 * float(share))}%"


@pytest.mark.parametrize("seed", range(4))
def test_each_bar_has_the_colour_the_name_and_the_number_of_its_emotion(seed):
    shares = distinct(seed)
    image = panel(face(shares))
    for emotion, share in zip(EMOTIONS, shares, strict=True):
        row = bar(image, emotion).middle[1]
        name = text_area(image, emotion, SIZE)
        number = text_area(image, percent(share), SIZE)
        assert abs(name.middle[1] - row) < SAME_ROW
        assert abs(number.middle[1] - row) < SAME_ROW
        assert name.right < bar(image, emotion).left
        assert bar(image, emotion).right < number.left


def test_rows_stand_in_the_order_of_the_classes():
    image = panel(face(np.full(6, 1 / 6, np.float32)))
    tops = [bar(image, emotion).top for emotion in EMOTIONS]
    assert tops == sorted(tops)
    assert len(set(np.diff(tops))) == 1, "rows are equally far apart"


@pytest.mark.parametrize("seed", range(4))
def test_lengths_of_bars_are_proportional_to_the_shares(seed):
    shares = distinct(seed)
    full = bar(panel(face(sure("fear"))), "fear").width
    assert full > 4 * SIZE
    image = panel(face(shares))
    for emotion, share in zip(EMOTIONS, shares, strict=True):
        # A pixel for the soft round end on the left.
        assert bar(image, emotion).width == pytest.approx(share * full, abs=1.5)


def test_a_bar_begins_where_its_track_does_and_a_full_one_covers_it():
    empty, full = panel(face(sure("sadness"))), panel(face(np.ones(6, np.float32)))
    for emotion in EMOTIONS:
        area = bar(full, emotion)
        assert area.left == bar(panel(face(sure(emotion))), emotion).left
        if emotion != "sadness":
            # Nothing of the colour, but the track: not the surface either.
            assert not of_colour(area.of(empty), colour(emotion), 10).any()
            middle = area.of(empty)[area.height // 2, 2:-2].astype(int)
            assert np.ptp(middle, axis=0).max() == 0
            assert middle[0].min() > max(bgr(PANEL)) + 30
    lefts = {bar(full, emotion).left for emotion in EMOTIONS}
    rights = {bar(full, emotion).right for emotion in EMOTIONS}
    assert (len(lefts), len(rights)) == (1, 1)


def test_names_and_numbers_stand_in_columns():
    image = panel(face(distinct(1)))
    lefts = [text_area(image, emotion, SIZE).left for emotion in EMOTIONS]
    rights = [text_area(image, percent(share), SIZE).right for share in distinct(1)]
    assert np.ptp(lefts) <= 2
    assert np.ptp(rights) <= 2
    margin = text_area(image, "eyes", SIZE).left
    assert abs(min(lefts) - margin) <= 2
    assert abs(image.shape[1] - max(rights) - margin) <= 3


@pytest.mark.parametrize(("share", "written"), [(np.nan, "0%"), (-1.0, "0%"), (7.0, "100%"), (1.0, "100%")])
def test_a_share_beyond_all_bounds_is_drawn_as_the_nearest_that_can_be(share, written):
    image = panel(face(np.full(6, share, np.float32)))
    assert len(find_text(image, written, SIZE)) == 6
    bars = [bar(image, emotion) for emotion in EMOTIONS]
    if written == "0%":
        assert bars == [None] * 6
    else:
        assert {area.width for area in bars} == {bar(panel(face(sure("fear"))), "fear").width}


def test_the_row_of_the_label_is_bright_and_the_others_are_not():
    shares = distinct(0)
    ahead = EMOTIONS[int(shares.argmax())]
    held = EMOTIONS[int(np.argsort(shares)[-2])]
    image = panel(face(shares, label=held))
    # The name stands once more, larger, as the heading.
    names = {emotion: ink(image, text_area(image, emotion, SIZE)) for emotion in EMOTIONS}
    assert names == {emotion: BRIGHT if emotion == held else SOFT for emotion in EMOTIONS}
    numbers = {
        emotion: ink(image, text_area(image, percent(share), SIZE))
        for emotion, share in zip(EMOTIONS, shares, strict=True)
    }
    assert numbers == {emotion: BRIGHT if emotion in (held, ahead) else SOFT for emotion in EMOTIONS}


def test_a_sign_in_the_middle_of_the_margin_points_to_what_is_ahead_of_the_label():
    shares, size = distinct(0), 60
    ahead = EMOTIONS[int(shares.argmax())]
    image = panel(face(shares), size=size)
    text = text_area(image, ahead, size)
    margin = np.s_[text.top - 5 : text.bottom + 5, : text.left - 2]
    sign = bounds((image[margin] > 150).all(axis=2))
    assert sign.middle[0] == pytest.approx(0.8 * size / 2, abs=2.5)
    assert image[margin].max() > 150 > panel(face(shares, label=ahead), size=size)[margin].max()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_heading_says_the_label_its_share_and_its_colour(emotion):
    shares = np.full(6, 0.1, np.float32)
    shares[EMOTIONS.index(emotion)] = 0.5
    image = panel(face(shares, label=emotion))
    name = text_area(image, emotion, HEAD, bold=True)
    number = text_area(image, "50%", HEAD, bold=True)
    assert abs(name.middle[1] - number.middle[1]) < SAME_ROW
    assert name.right < number.left
    assert name.bottom < bar(image, "happiness").top
    assert ink(image, name) == ink(image, number) == BRIGHT
    # The mark stands before the name, as high as it.
    mark = largest(of_colour(image, colour(emotion), 10)[: name.bottom + SIZE // 2])
    assert mark.right < name.left
    assert mark.top < name.middle[1] < mark.bottom


def test_an_uncertain_face_has_a_gray_mark_no_number_and_no_bright_name():
    image = panel(face(distinct(0)))
    name = text_area(image, "uncertain", HEAD, bold=True)
    heading = image[name.top : name.bottom]
    assert not find_text(heading, percent(distinct(0).max()), HEAD, bold=True)
    assert heading[:, name.right + 4 : -4].max() <= max(bgr(PANEL))
    mark = heading[:, : name.left].reshape(-1, 3).astype(int)
    brightest = mark[mark.sum(axis=1).argmax()]
    assert np.ptp(brightest) < 20
    assert {ink(image, text_area(image, emotion, SIZE)) for emotion in EMOTIONS} == {SOFT}


def test_predictions_stand_in_rows_with_colour_name_and_number():
    """The predictions' colours appear nowhere else: the bars are empty and the label is none."""
    said = {"eyes": ("surprise", 0.61), "lips": ("anger", 0.72), "blendshapes": ("sadness", 0.83)}
    image = panel(face(np.zeros(6, np.float32), **{name: sure(*values) for name, values in said.items()}))
    middles = []
    for emotion, share in said.values():
        dot = bounds(of_colour(image, colour(emotion), 10))
        number = text_area(image, percent(share), SIZE)
        name = [area for area in find_text(image, emotion, SIZE) if area.top > number.top - SIZE][-1]
        assert abs(dot.middle[1] - number.middle[1]) < SAME_ROW
        assert abs(name.middle[1] - number.middle[1]) < SAME_ROW
        assert dot.right < name.left < name.right < number.left
        assert dot.width == pytest.approx(dot.height, abs=1)
        middles.append(number.middle[1])
    assert middles == sorted(middles)
    for region, middle in zip(said, middles, strict=True):
        assert abs(text_area(image, region, SIZE).middle[1] - middle) < SAME_ROW


@pytest.mark.parametrize("region", ["eyes", "lips"])
def test_a_region_that_is_not_seen_says_so_in_its_own_row(region):
    other = {"eyes": "lips", "lips": "eyes"}[region]
    image = panel(face(np.zeros(6, np.float32), **{other: sure("anger", 0.72)}))
    unseen = text_area(image, "not seen", SIZE)
    assert abs(unseen.middle[1] - text_area(image, region, SIZE).middle[1]) < SAME_ROW
    assert abs(text_area(image, "72%", SIZE).middle[1] - text_area(image, other, SIZE).middle[1]) < SAME_ROW
    assert ink(image, unseen) == QUIET
    # Text stands where names of emotions stand in the other row.
    assert abs(unseen.left - find_text(image, "anger", SIZE)[-1].left) <= 2


@pytest.mark.parametrize("region", ["eyes", "lips"])
def test_a_row_is_the_dimmer_the_less_is_seen(region):
    for seen in (1.0, 0.75, 0.5, 0.25, 0.0):
        both = {"eyes": sure("surprise", 0.61), "lips": sure("anger", 0.72)}
        image = panel(face(np.zeros(6, np.float32), **both, seen={region: seen}))
        for name, emotion, number in (("eyes", "surprise", "61%"), ("lips", "anger", "72%")):
            share = seen if name == region else 1.0
            expected = [round(q + share * (f - q)) for q, f in zip(QUIET, BRIGHT, strict=True)]
            assert ink(image, text_area(image, number, SIZE)) == tuple(expected)
            assert ink(image, find_text(image, emotion, SIZE)[-1]) == tuple(expected)
            dot = [round(q + share * (f - q)) for q, f in zip(QUIET, colour(emotion), strict=True)]
            spot = bounds(of_colour(image[image.shape[0] // 2 :], dot, 2))
            assert spot is not None


def test_blendshapes_are_as_dim_as_both_regions_together():
    three = {name: sure("anger", 0.72) for name in ("eyes", "lips")} | {"blendshapes": sure("fear", 0.83)}
    image = panel(face(np.zeros(6, np.float32), **three, seen={"eyes": 0.5, "lips": 0.5}))
    expected = [round(q + 0.25 * (f - q)) for q, f in zip(QUIET, BRIGHT, strict=True)]
    assert ink(image, text_area(image, "83%", SIZE)) == tuple(expected)


def test_a_numbered_panel_says_who_it_is_on_top():
    image = panel(face(track=7), numbered=True)
    who = text_area(image, "person 7", SIZE)
    assert who.bottom < text_area(image, "uncertain", HEAD, bold=True).top
    assert ink(image, who) == SOFT
    assert not find_text(panel(face(track=7)), "person 7", SIZE)


def test_a_brief_panel_has_no_bars():
    image = panel(face(sure("anger", 0.6), eyes=sure("fear"), label="anger"), bars=0.0)
    text_area(image, "anger", HEAD, bold=True)
    text_area(image, "60%", HEAD, bold=True)
    assert not find_text(image, "neutral", SIZE)
    assert bar(image, "neutral") is None


@pytest.mark.parametrize("size", [10, 13, 21, 37])
@pytest.mark.parametrize("bars", [0.0, 3.4, 5.2])
def test_the_heading_of_every_panel_has_room_for_the_longest_word_and_number(bars, size):
    head = round(1.3 * size)
    for label in EMOTIONS:
        image = panel(face(sure(label), label=label), bars=bars, size=size)
        name, number = text_area(image, label, head, True), text_area(image, "100%", head, True)
        assert name.right + 0.2 * size < number.left
        assert image.shape[1] - number.right >= 0.5 * size


@pytest.mark.parametrize("opacity", [0.0, 0.5, 0.8, 1.0])
def test_the_surface_covers_as_much_as_it_is_told_to(opacity):
    image = panel(face(), opacity=opacity, below=200)
    expected = (1 - opacity) * 200 + opacity * np.array(bgr(PANEL))
    # Between the edge and the first text.
    assert np.abs(image[image.shape[0] // 2, 4].astype(int) - expected).max() <= 1.5


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_label_is_one_line_of_mark_number_name_and_share(emotion):
    shares = np.full(6, 0.1, np.float32)
    shares[EMOTIONS.index(emotion)] = 0.5
    label = label_for(face(shares, label=emotion, track=7), SIZE, numbered=True, bold=True)
    canvas = np.zeros((label.height + 60, label.width + 60, 3), np.uint8)
    paint_label(canvas, label, 37, 23, 1.0)
    image = canvas[23:, 37:][: label.height, : label.width]
    assert canvas.any(axis=2).sum() == image.any(axis=2).sum(), "it stays inside of its size"
    mark = largest(of_colour(image, colour(emotion), 10))
    who, share = text_area(image, "7", SIZE), text_area(image, "50%", SIZE)
    name = text_area(image, emotion, SIZE, bold=True)
    assert mark.right < who.left < who.right < name.left < name.right < share.left
    assert max(abs(area.middle[1] - name.middle[1]) for area in (mark, who, share)) < SAME_ROW
    assert (ink(image, who), ink(image, name), ink(image, share)) == (SOFT, BRIGHT, BRIGHT)
    assert label.width - share.right < SIZE


@pytest.mark.parametrize("bars", [5.2, 12.0, 30.0])
def test_a_panel_is_wide_enough_for_its_bars_and_their_numbers(bars):
    plan = panel_plan(SIZE, False, bars, Content.of(face()))
    assert plan.right >= plan.bar_left + round((bars + 0.4) * SIZE) + text_width("100%", SIZE)
    if bars > 10:  # nothing else is as wide
        assert plan.right == plan.bar_left + round((bars + 0.4) * SIZE) + text_width("100%", SIZE)
    assert plan.width == plan.right + plan.pad


def test_the_line_between_head_and_rows_is_even_from_end_to_end():
    plan = panel_plan(SIZE, False, 5.2, Content.of(face()))
    base = _panel_base(plan, 0, 1.0)
    drawn = np.full((plan.height, plan.width, 3), 0, np.uint8)
    press(drawn, base, 0, 0)
    for rule in plan.rules:
        row = drawn[rule, plan.pad : plan.right]
        assert (row == row[0]).all()
        assert (drawn[rule, plan.pad - 1] != row[0]).any()
        assert (drawn[rule, plan.right] != row[0]).any()


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_whoever_is_wholly_one_class_has_room_for_the_per_cent_beside_the_longest_name(emotion):
    shares = np.zeros(6, np.float32)
    shares[EMOTIONS.index(emotion)] = 1.0
    one = face(shares, label=emotion, track=7)
    card = card_for(one, SIZE, numbered=True)
    canvas = np.zeros((card.height, card.width, 3), np.uint8)
    paint_card(canvas, card, 0, 0, one, 1.0)
    name, share = text_area(canvas, emotion, SIZE, bold=True), text_area(canvas, "100%", SIZE)
    assert share.left - name.right >= SIZE / 4
    label = label_for(one, SIZE, numbered=True, bold=True)
    assert label.width <= label_room(one, SIZE, numbered=True, bold=True)[0]
