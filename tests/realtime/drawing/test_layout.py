from itertools import pairwise

import numpy as np
import pytest

from emotion.realtime.drawing.arranger import Arranger, _Known, _may_move, _suits
from emotion.realtime.drawing.layout import Form, Placement, Rect, Room, Spot, Wish, person

PANEL = Form(0, 180, 190, ("right", "left", "above", "below"))
SMALL = Form(1, 130, 140, ("right", "left", "above", "below"))
LABEL = Form(2, 120, 20, ("above", "below", "right", "left"))
TAG = Form(3, 80, 16, ("above", "below", "right", "left"))
FORMS = (PANEL, SMALL, LABEL, TAG)
GAP = 10


def room(width=640, height=480, taken=()):
    return Room(width, height, GAP, tuple(taken))


def wish(track_id, left, top, width=120, height=150, forms=FORMS, luxury=0):
    return Wish(track_id, Rect(left, top, width, height), forms, luxury)


def only(wish, where=None):
    return arrange(where or room(), [wish])[wish.track_id]


def arrange(where, wishes):
    return Arranger().arrange(where, wishes)


@pytest.mark.parametrize(
    ("left", "top", "width", "height", "side"),
    [
        (200, 100, 120, 150, "right"),
        (450, 100, 120, 150, "left"),
        (20, 250, 600, 200, "above"),
        (20, 20, 600, 200, "below"),
    ],
)
def test_the_panel_takes_the_first_side_with_room(left, top, width, height, side):
    place = only(wish(1, left, top, width, height))
    assert (place.spot.level, place.spot.side) == (0, side)


def test_a_panel_keeps_its_distance_to_face_and_edges():
    place = only(wish(1, 200, 460))
    assert place.rect.left == 200 + 120 + GAP
    assert place.rect.bottom == 480 - GAP // 2


def test_without_room_for_a_panel_a_label_stands_in():
    assert only(wish(1, 60, 60, 520, 360)).spot.level == LABEL.level
    assert only(wish(1, 60, 32, 520, 440), room(640, 480)).spot.level == TAG.level
    assert arrange(room(), [wish(1, 0, 0, 640, 480)]) == {}


def test_taken_ground_is_left_alone():
    assert only(wish(1, 200, 100), room(taken=[Rect(330, 0, 310, 480)])).spot.side == "left"


def random_wishes(rng, count, width, height):
    largest = max(8, min(width, height) // 2)
    return [
        wish(
            track_id,
            int(rng.integers(0, width - 4)),
            int(rng.integers(0, height - 4)),
            *map(int, rng.integers(4, largest, 2)),
            luxury=1,
        )
        for track_id in range(1, count + 1)
    ]


@pytest.mark.parametrize("seed", range(60))
def test_nothing_ever_touches_a_face_or_another_panel(seed):
    rng = np.random.default_rng(seed)
    width, height = map(int, rng.integers(64, 1500, 2))
    where = room(width, height)
    wishes = random_wishes(rng, int(rng.integers(1, 21)), width, height)
    arranger = Arranger()
    for now in (0.0, 0.04, 0.08):
        places = arranger.arrange(where, wishes, now)
        rects = [place.rect for place in places.values()]
        for index, rect in enumerate(rects):
            assert where.holds(rect)
            assert not any(rect.overlaps(wish.face) for wish in wishes)
            assert not any(rect.overlaps(other) for other in rects[:index])


def test_three_people_with_room_between_them_all_get_panels():
    wishes = [wish(index, left, 200) for index, left in enumerate((40, 440, 840), 1)]
    places = arrange(room(1280, 720), wishes)
    assert [place.spot.level for place in places.values()] == [0, 0, 0]


def test_one_large_panel_does_not_cost_the_neighbour_theirs():
    # Between the faces two small panels fit, or one large one.
    wishes = [wish(1, 5, 40, 120, 160, luxury=1), wish(2, 425, 40, 119, 160, luxury=1)]
    places = arrange(room(549, 210), wishes)
    assert {place.spot.level for place in places.values()} == {SMALL.level}


def test_who_is_left_out_may_choose_first():
    # Above both is the only room, and the large face, which chooses first, would block it.
    large, small = wish(1, 100, 60, 60, 60, (TAG,)), wish(2, 170, 60, 40, 50, (TAG,))
    where = room(500, 200, [Rect(0, 0, 74, 200), Rect(256, 0, 244, 200), Rect(0, 121, 500, 79)])
    assert arrange(where, [large, small]).keys() == {1, 2}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_where_there_is_room_for_one_it_belongs_to_the_larger_face(order):
    wishes = [wish(1, 0, 40, 100, 60, (TAG,)), wish(2, 200, 40, 60, 50, (TAG,))]
    where = room(300, 100, [Rect(0, 0, 300, 35), Rect(101, 70, 98, 30), Rect(262, 0, 38, 100)])
    assert arrange(where, [wishes[n] for n in order]).keys() == {1}


def test_a_crowd_of_small_faces_gets_labels_not_panels():
    wishes = [wish(index, 60 + 200 * (index % 6), 100 + 250 * (index // 6), 40, 50) for index in range(12)]
    places = arrange(room(1280, 720), wishes)
    assert len(places) == 12
    assert all(place.spot.level >= LABEL.level for place in places.values())


def test_a_lone_small_face_gets_a_panel():
    assert only(wish(1, 100, 100, 20, 25)).spot.level == 0


def walk(lefts, memory=True):
    """The spots over time of one face that moves along a row."""
    spots, arranger = [], Arranger()
    for index, left in enumerate(lefts):
        arranger = arranger if memory else Arranger()
        places = arranger.arrange(room(), [wish(1, left, 100)], index / 25)
        spots.append(places[1].spot)
    return spots


def changes(spots):
    return sum(before != after for before, after in pairwise(spots))


def test_a_face_at_the_border_of_fitting_does_not_make_its_panel_jump():
    border = 640 - GAP // 2 - PANEL.width - GAP - 120
    jitter = [border + (3 if index % 2 else -3) for index in range(40)]
    assert changes(walk(jitter, memory=False)) == 39
    assert changes(walk(jitter)) <= 1


def test_a_face_that_really_moves_takes_its_panel_along():
    spots = walk(range(100, 500, 5))
    assert spots[0].side == "right"
    assert spots[-1].side == "left"
    assert changes(spots) == 1


def test_size_does_not_flicker_where_a_larger_panel_just_fits():
    forms = (PANEL, SMALL)
    sizes, arranger = [], Arranger()
    # Only the right side has room, for the large panel at every second frame.
    wall = room(640, 480, [Rect(0, 0, 300, 480)])
    for index in range(30):
        left = 640 - GAP // 2 - PANEL.width - GAP - 120 + 8 * (index % 2)
        places = arranger.arrange(wall, [Wish(1, Rect(left, 0, 120, 480), forms)], index / 25)
        sizes.append(places[1].spot)
    assert changes(sizes) <= 1


def test_a_panel_grows_once_there_is_room_to_spare():
    face = Rect(300, 0, 120, 480)
    wall = [Rect(0, 0, 290, 480)]
    arranger, wishes = Arranger(), [Wish(1, face, FORMS)]
    assert arranger.arrange(room(600, 480, wall), wishes)[1].spot.level == SMALL.level
    levels = [arranger.arrange(room(700, 480, wall), wishes, i / 10)[1].spot.level for i in range(1, 30)]
    assert levels[:5] == [SMALL.level] * 5, "not at once"
    assert levels[-1] == PANEL.level
    assert changes(levels) == 1


def test_a_trembling_face_leaves_its_panel_still():
    tops, arranger = set(), Arranger()
    for index in range(20):
        places = arranger.arrange(room(), [wish(1, 200 + index % 3, 100 + index % 2)], index / 25)
        tops.add((places[1].rect.left, places[1].rect.top))
    assert len(tops) == 1


def test_a_moving_face_pulls_its_panel_smoothly():
    lefts, arranger = [], Arranger()
    for index, left in enumerate(range(100, 200, 3)):
        places = arranger.arrange(room(), [wish(1, left, 100)], index / 25)
        lefts.append(places[1].rect.left)
    steps = np.diff(lefts)
    assert set(steps[2:]) == {3}


def test_a_picture_too_small_for_anything_gets_nothing():
    for width, height in ((1, 1), (0, 0), (64, 48)):
        assert arrange(room(width, height), [wish(1, 0, 0, 1, 1, (PANEL, SMALL))]) == {}


def test_who_has_no_room_beside_their_face_is_labelled_where_there_is_some():
    closed = [Rect(150, 40, 300, 55), Rect(150, 260, 300, 60), Rect(90, 95, 95, 200), Rect(335, 95, 95, 200)]
    place = only(wish(1, 200, 100, 120, 150, (TAG,)), room(taken=closed))
    assert place.spot.side == "away"
    assert room(taken=closed).free(place.rect)


def test_a_word_that_stands_away_comes_beside_its_face_when_it_can():
    closed = [Rect(150, 40, 300, 55), Rect(150, 260, 300, 60), Rect(90, 95, 95, 200), Rect(335, 95, 95, 200)]
    arranger, wishes = Arranger(), [wish(1, 200, 100, 120, 150, (TAG,))]
    arranger.arrange(room(taken=closed), wishes, 0.0)
    sides = [arranger.arrange(room(), wishes, index / 10)[1].spot.side for index in range(1, 30)]
    assert sides[0] == "away"
    assert sides[-1] == "above"


def test_a_newcomer_gets_at_least_a_word_without_moving_anybody():
    """Large panels that stand leave a small face in between no place beside it."""
    arranger = Arranger()
    old = [wish(1, 60, 60, 130, 150), wish(2, 460, 60, 130, 150)]
    before = arranger.arrange(room(), old, 0.0)
    places = arranger.arrange(room(), [*old, wish(3, 300, 380, 45, 55)], 0.1)
    assert {key: places[key].rect for key in before} == {key: place.rect for key, place in before.items()}
    assert 3 in places


def test_a_panel_gives_way_at_once_to_a_face_that_comes_in_its_way():
    arranger, lone = Arranger(), wish(1, 200, 100)
    panel = arranger.arrange(room(), [lone], 0.0)[1].rect
    comer = wish(2, panel.left + 40, panel.top + 20, 60, 80)
    places = arranger.arrange(room(), [lone, comer], 0.1)
    assert not places[1].rect.overlaps(comer.face)


def test_somebody_who_is_not_found_for_a_moment_keeps_their_place():
    arranger, both = Arranger(), [wish(1, 60, 100), wish(2, 420, 100)]
    before = arranger.arrange(room(), both, 0.0)[2].rect
    for index in range(1, 12):
        arranger.arrange(room(), both[:1], index / 10)
    assert arranger.arrange(room(), both, 1.2)[2].rect == before


def test_nobody_who_stands_is_moved_for_something_better_more_than_once_in_half_a_minute():
    """A neighbour comes and goes beside one who could have more room each time."""
    arranger, levels = Arranger(), []
    wall = [Rect(0, 0, 290, 480)]
    for index in range(10 * 60):
        wide = index // 40 % 2 == 0
        where = room(700 if wide else 585, 480, wall)
        levels.append(
            arranger.arrange(where, [Wish(1, Rect(300, 0, 120, 480), FORMS)], index / 10)[1].spot.level
        )
    assert changes(levels) <= 4


def test_the_past_is_forgotten_when_time_goes_back():
    arranger = Arranger()
    arranger.arrange(room(), [wish(1, 450, 100)], 9.0)
    assert arranger.arrange(room(), [wish(1, 300, 100)], 9.1)[1].spot.side == "left"
    assert arranger.arrange(room(), [wish(1, 300, 100)], 1.0)[1].spot.side == "right"


START = Rect(100, 200, 40, 60)


@pytest.mark.parametrize(("left", "top"), [(100, 200), (145, 200), (100, 245), (141, 242), (55, 200)])
def test_whoever_walked_less_far_than_they_are_large_waits_for_a_better_place(left, top):
    known = _Known(Placement(Spot(0, "right", 0.0), START), START, 0.0, 0.0, START, START)
    assert not _may_move(known, Rect(left, top, 40, 60), 1.0)
    assert _may_move(known, Rect(left, top, 40, 60), 60.0)


@pytest.mark.parametrize(("left", "top"), [(162, 200), (100, 262), (145, 245), (38, 200), (100, 138)])
def test_whoever_walked_farther_may_have_a_better_place_at_once(left, top):
    known = _Known(Placement(Spot(0, "right", 0.0), START), START, 0.0, 0.0, START, START)
    assert _may_move(known, Rect(left, top, 40, 60), 1.0)


def test_how_far_a_face_went_is_measured_at_its_middle():
    known = _Known(Placement(Spot(0, "right", 0.0), START), START, 0.0, 0.0, START, START)
    assert not _may_move(known, Rect(80, 170, 80, 120), 1.0)  # it came nearer, and stayed where it was
    assert _may_move(known, Rect(170, 270, 4, 6), 1.0)


@pytest.mark.parametrize(
    ("height", "crowd", "suits"), [(80, 2, True), (79, 8, True), (81, 8, False), (1000, 1, True)]
)
def test_in_a_crowd_a_form_is_at_most_half_as_high_as_its_face(height, crowd, suits):
    form = Form(0, 100, height, ("right",))
    assert _suits(form, Wish(1, Rect(0, 0, 120, 160), (form, TAG), 0), crowd) is suits


def test_a_panel_stands_where_it_hides_nobody_else():
    """To the right of the first face are another one's hair and shoulders; to the left is nobody."""
    here, other = wish(1, 260, 100), wish(2, 400, 270, 100, 120)
    assert only(here).spot.side == "right"
    assert arrange(room(), [here, other])[1].spot.side == "left"


@pytest.mark.parametrize("seed", range(12))
def test_only_a_word_may_hide_much_of_other_people(seed):
    """A fifth of one of them, or half of what it stands on."""
    rng = np.random.default_rng(seed)
    wishes = random_wishes(rng, 2 + seed % 5, 1280, 720)
    places = arrange(room(1280, 720), wishes)
    for one in wishes:
        place = places.get(one.track_id)
        if place is None or place.spot.level == TAG.level:
            continue
        others = [person(other.face) for other in wishes if other is not one]
        behind = [(other, other.common(place.rect)) for other in others]
        shared = [(other, part.area - part.common(person(one.face)).area) for other, part in behind]
        assert all(pixels <= min(0.2 * other.area, 0.5 * place.rect.area) for other, pixels in shared)


def test_a_panel_makes_way_for_somebody_who_comes_to_stand_behind_it():
    """Not at once, as who passes by needs no place; then to the other side, and it stays there."""
    arranger, here = Arranger(), wish(1, 260, 100)
    assert arranger.arrange(room(), [here])[1].spot.side == "right"
    other = wish(2, 430, 20, 80, 60, forms=(TAG,))
    sides = [arranger.arrange(room(), [here, other], 0.1 * turn)[1].spot.side for turn in range(1, 60)]
    assert sides[:5] == ["right"] * 5
    assert sides[-1] == "left"
    assert changes(sides) == 1
