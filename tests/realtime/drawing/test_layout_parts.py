"""Rectangles, places and memories by themselves: where their bounds are."""

from dataclasses import replace
from math import inf

import pytest

from emotion.realtime.drawing.arranger import Arranger, _dragged, _Known, _may_move, _reached, _spare, _suits
from emotion.realtime.drawing.layout import (
    Form,
    Placement,
    Rect,
    Room,
    Spot,
    Wish,
    away,
    beside,
    head,
    person,
    place,
    slides,
)

FACE = Rect(200, 100, 60, 80)
FORM = Form(1, 40, 30, ("right", "left", "above", "below"))


@pytest.mark.parametrize(
    ("other", "distance"),
    [
        (Rect(270, 100, 10, 10), 10),
        (Rect(180, 100, 10, 10), 10),
        (Rect(200, 190, 10, 10), 10),
        (Rect(200, 80, 10, 10), 10),
        (Rect(260, 180, 10, 10), 0),
    ],
)
def test_rectangles_overlap_where_they_come_closer_than_the_margin(other, distance):
    for margin in (0, distance, distance + 1):
        assert FACE.overlaps(other, margin) is other.overlaps(FACE, margin) is (margin > distance)


@pytest.mark.parametrize(
    ("rect", "holds"),
    [
        (Rect(5, 5, 310, 230), True),
        (Rect(4, 5, 310, 230), False),
        (Rect(5, 4, 310, 230), False),
        (Rect(6, 5, 310, 230), False),
        (Rect(5, 6, 310, 230), False),
    ],
)
def test_a_room_holds_what_keeps_its_margin(rect, holds):
    room = Room(320, 240, 11, ())
    assert room.holds(rect, 5) is room.free(rect) is holds  # half of the gap
    assert room.holds(Rect(0, 0, 320, 240))


def test_what_is_taken_keeps_half_a_gap_too():
    room = Room(320, 240, 10, (Rect(0, 0, 100, 100),)).without([Rect(200, 0, 50, 50)])
    for left, top, free in (
        (105, 20, True),
        (104, 20, False),
        (20, 105, True),
        (20, 104, False),
        (180, 20, False),
    ):
        assert room.free(Rect(left, top, 20, 20)) is free


@pytest.mark.parametrize(
    ("side", "along", "left", "top"),
    [
        ("right", 0.0, 270, 100),
        ("right", 0.5, 270, 125),
        ("right", 1.0, 270, 150),
        ("right", 0.25, 270, 112),
        ("left", 0.0, 150, 100),
        ("left", 1.0, 150, 150),
        ("above", 0.0, 200, 60),
        ("above", 0.5, 210, 60),
        ("above", 1.0, 220, 60),
        ("below", 0.75, 215, 190),
    ],
)
def test_a_form_stands_a_gap_beside_its_face_and_slides_along_it(side, along, left, top):
    assert place(Room(640, 480, 10, ()), FACE, FORM, Spot(1, side, along)) == Rect(left, top, 40, 30)


@pytest.mark.parametrize(
    ("face", "side", "along", "rect"),
    [
        (Rect(2, 2, 10, 10), "right", 0.0, (22, 5)),
        (Rect(2, 460, 10, 18), "right", 1.0, (22, 445)),
        (Rect(0, 200, 10, 10), "above", 0.0, (5, 160)),
        (Rect(630, 200, 10, 10), "below", 1.0, (595, 220)),
    ],
)
def test_near_an_edge_it_slides_into_the_picture(face, side, along, rect):
    found = place(Room(640, 480, 10, ()), face, FORM, Spot(1, side, along))
    assert (found.left, found.top) == rect


def test_places_beside_a_face_come_side_by_side_in_order():
    room = Room(640, 480, 10, (FACE,))
    found = list(beside(room, FACE, FORM))
    assert [one.spot.side for one in found] == [side for side in FORM.sides for _ in range(5)]
    assert [one.spot.along for one in found[:5]] == [0.0, 0.5, 1.0, 0.25, 0.75]
    assert {one.spot.level for one in found} == {1}


@pytest.mark.parametrize(("spare", "sides"), [(0, {"right"}), (9, {"right"}), (10, set())])
def test_where_it_is_to_stay_it_needs_room_to_grow(spare, sides):
    """To the right of the face are 65 pixels: a gap, the form, half a gap and ten."""
    room = Room(325, 480, 10, (FACE, Rect(0, 0, 190, 480), Rect(200, 0, 60, 90), Rect(200, 190, 60, 290)))
    found = {one.spot.side for one in beside(room, FACE, FORM, spare + 1 if spare else 0)}
    assert found == sides


@pytest.mark.parametrize(
    ("along", "order"),
    [
        (0.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (1.0, [1.0, 0.75, 0.5, 0.25, 0.0]),
        (0.5, [0.5, 0.25, 0.75, 0.0, 1.0]),
    ],
)
def test_it_slides_to_the_nearest_places_first(along, order):
    found = slides(Spot(2, "left", along))
    assert [one.along for one in found] == order
    assert {(one.level, one.side) for one in found} == {(2, "left")}


def test_away_from_a_face_it_stands_as_near_as_there_is_room():
    wall = Rect(90, 0, 100, 240)
    found = away(Room(320, 240, 8, (Rect(10, 10, 80, 220), wall)), Rect(10, 10, 80, 220), FORM)
    assert found.spot == Spot(1, "away", 0.0)
    # Behind the wall, half a gap from it and from the edges, in steps of as much.
    assert (found.rect.left, found.rect.width, found.rect.height) == (196, 40, 30)
    assert away(Room(100, 100, 8, (Rect(0, 0, 100, 100),)), FACE, FORM) is None
    assert away(Room(30, 20, 8, ()), FACE, FORM) is None


def known(face=FACE, changed=0.0, walked_from=FACE, reach=FACE):
    return _Known(
        Placement(Spot(0, "right", 0.0), Rect(270, 100, 40, 30)), face, 0.0, changed, walked_from, reach
    )


@pytest.mark.parametrize(
    ("seconds", "reach"),
    [
        (0.0, Rect(150, 60, 140, 180)),
        (1.0, Rect(162, 70, 120, 155)),
        (2.0, Rect(175, 80, 100, 130)),
        (4.0, FACE),
        (9.0, FACE),
    ],
)
def test_in_four_seconds_it_is_forgotten_how_far_a_face_reached(seconds, reach):
    assert _reached(Rect(150, 60, 140, 180), FACE, seconds) == reach


def test_a_face_that_goes_further_reaches_there_at_once():
    assert _reached(FACE, Rect(230, 130, 60, 80), 0.0) == Rect(200, 100, 90, 110)
    assert _reached(FACE, Rect(180, 90, 60, 80), 4.0) == Rect(180, 90, 60, 80)


@pytest.mark.parametrize(
    ("gap", "reach", "spare"),
    [
        (10, FACE, 15),
        (7, FACE, 10),
        (10, Rect(195, 100, 67, 80), 15),
        (10, Rect(195, 100, 70, 80), 20),
        (10, Rect(200, 95, 60, 92), 24),
        (10, Rect(195, 100, 75, 80), 30),  # a quarter of the face: still swaying
        (10, Rect(195, 100, 76, 80), 15),  # walking
    ],
)
def test_who_sways_gets_twice_that_to_spare_and_who_walks_gets_none(gap, reach, spare):
    assert _spare(Room(640, 480, gap, ()), known(reach=reach)) == spare


@pytest.mark.parametrize(
    ("now", "face", "moves"),
    [
        (59.9, FACE, False),
        (60.0, FACE, True),
        (1.0, Rect(280, 100, 60, 80), False),  # as far as the face is high
        (1.0, Rect(281, 100, 60, 80), True),
        (1.0, Rect(200, 181, 60, 80), True),
        (1.0, Rect(160, 60, 140, 160), False),  # larger, in the same place
        (1.0, Rect(248, 164, 60, 80), False),  # 48 and 64: 80
        (1.0, Rect(249, 164, 60, 80), True),
    ],
)
def test_nobody_is_moved_for_a_minute_unless_they_have_walked_by_their_own_size(now, face, moves):
    assert _may_move(known(), face, now) is moves
    assert _may_move(known(changed=-inf), face, now)


@pytest.mark.parametrize(("now", "moves"), [(19.9, False), (20.0, True)])
def test_a_word_that_stands_away_may_come_back_after_ten_seconds(now, moves):
    far = replace(known(), changed=10.0, place=Placement(Spot(1, "away", 0.0), FACE))
    assert _may_move(far, far.walked_from, now) is moves


@pytest.mark.parametrize(
    ("crowd", "lenience", "most"),
    [(2, 1.0, 350), (3, 1.0, 175), (4, 1.0, 67), (8, 1.0, 50), (9, 1.0, 50), (2, 1.5, 525), (30, 1.5, 50)],
)
def test_in_a_crowd_forms_are_in_proportion_to_their_faces(crowd, lenience, most):
    smallest = Form(3, 40, 10, ())
    for height, fits in ((most, True), (most + 1, False)):
        form = Form(0, 40, height, ())
        wish = Wish(1, Rect(0, 0, 50, 100), (form, smallest))
        assert _suits(form, wish, crowd, lenience) is fits
        assert _suits(form, wish, 1)
    assert _suits(smallest, Wish(1, Rect(0, 0, 5, 5), (smallest,)), crowd)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((100, 50), (104, 50)),
        ((106, 44), (106, 46)),
        ((104, 46), (104, 46)),
        ((200, 150), (112, 54)),
        ((108, 50), (108, 50)),
    ],
)
def test_a_form_follows_its_face_as_on_a_rope(old, new):
    assert _dragged(Rect(*old, 40, 30), Rect(108, 50, 40, 30), 4) == Rect(*new, 40, 30)


def test_a_form_of_another_size_is_put_where_it_belongs():
    assert _dragged(Rect(100, 50, 41, 30), Rect(108, 50, 40, 30), 4) == Rect(108, 50, 40, 30)
    assert _dragged(Rect(100, 50, 40, 31), Rect(108, 50, 40, 30), 4) == Rect(108, 50, 40, 30)


LARGE, WORD = Form(0, 100, 90, ("right",)), Form(1, 40, 16, ("left", "right"))


def level(arranger, room, face, now):
    placed = arranger.arrange(room, [Wish(1, face, (LARGE, WORD))], now)
    return placed[1].spot.level if placed else None


@pytest.mark.parametrize(("away", "kept"), [(1.5, True), (1.51, False)])
def test_a_place_is_kept_for_a_second_and_a_half(away, kept):
    arranger, room = Arranger(), Room(640, 480, 10, ())
    arranger.arrange(room, [Wish(1, FACE, (LARGE, WORD))], 10.0)
    arranger.arrange(room, [], 10.0 + away)
    assert (1 in arranger._known) is kept
    arranger.arrange(room, [], 9.0)
    assert not arranger._known


@pytest.mark.parametrize(("waited", "level_then"), [(0.9, 1), (1.0, 0)])
def test_something_better_has_to_be_possible_for_a_second(waited, level_then):
    arranger = Arranger()
    wall = Room(640, 480, 10, (Rect(310, 0, 20, 480),))
    free = Room(640, 480, 10, ())
    assert level(arranger, wall, FACE, 0.0) == 1
    assert level(arranger, free, FACE, 0.5) == 1
    assert level(arranger, free, FACE, 0.5 + waited) == level_then


def test_what_was_made_better_a_minute_ago_is_not_made_better_again_before():
    arranger = Arranger()
    wall, free = Room(640, 480, 10, (Rect(310, 0, 20, 480),)), Room(640, 480, 10, ())
    level(arranger, wall, FACE, 0.0)
    times = [0.5 * n for n in range(1, 4)]
    assert [level(arranger, free, FACE, now) for now in times] == [1, 1, 0]
    assert level(arranger, wall, FACE, 2.0) == 1  # at once where something is in the way
    after = [level(arranger, free, FACE, 2.0 + 0.5 * n) for n in range(1, 125)]
    assert after.index(0) == 119  # a minute later


@pytest.mark.parametrize(
    ("rect", "hides"),
    [
        (Rect(230, 300, 40, 40), 0.0),  # on the own chest, before somebody's who stands behind
        (Rect(400, 300, 40, 40), 0.0),  # on nobody
        (Rect(290, 300, 40, 40), 1.0),  # half of it on the other's, beside the own
        (Rect(300, 300, 40, 40), 1.5),
    ],
)
def test_what_a_form_hides_is_of_others_and_behind_nobody_of_its_own(rect, hides):
    own, behind = Rect(220, 200, 60, 80), Rect(250, 150, 60, 80)
    room = Room(640, 480, 10, (), (person(own), person(behind)))
    assert person(own).right == 310
    assert room.hides(rect, own) == pytest.approx(hides)
    assert Room(640, 480, 10, ()).hides(rect, own) == 0


@pytest.mark.parametrize(
    ("rect", "hides"),
    [
        (Rect(240, 282, 100, 30), 0.0),  # on the own chest, above the hair of who is below
        (Rect(240, 330, 100, 30), 1.6),  # eight tenths of it on that
    ],
)
def test_a_head_below_is_hidden_though_it_lies_before_ones_own_chest(rect, hides):
    own, below = Rect(250, 200, 80, 80), Rect(250, 360, 80, 80)
    room = Room(640, 480, 10, (), (person(own), person(below)))
    assert head(person(below)) == Rect(250, 328, 80, 112)
    assert room.hides(rect, own) == pytest.approx(hides)
