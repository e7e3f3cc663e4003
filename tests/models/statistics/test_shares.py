import pytest

from emotion.models.statistics.shares import NO_FACE, ScreenTimes, ShareCounter, whole_percents

LABELS = ("joy", "calm", "uncertain")


def count(*pictures, **more):
    """Of pictures (seconds, {track: label})."""
    counter = ShareCounter(LABELS, **more)
    for seconds, faces in pictures:
        counter.add(seconds, faces.items())
    return counter.build()


def test_a_person_has_shares_of_the_time_in_the_picture():
    reported = count(
        (0.0, {1: "joy"}), (1.0, {1: "calm"}), (2.0, {}), (3.0, {1: "uncertain"}), (4.0, {1: "joy"})
    )
    assert reported.people[1] == {"joy": 0.5, "calm": 0.25, "uncertain": 0.25}
    assert reported.seconds[1] == 4.0


def test_a_picture_is_split_among_its_faces_and_counts_once():
    reported = count((0.0, {1: "joy", 2: "calm"}), (1.0, {1: "joy"}), (2.0, {}), (3.0, {}))
    assert reported.video == {"joy": 0.375, "calm": 0.125, "uncertain": 0.0, NO_FACE: 0.5}


def test_uneven_pictures_count_for_their_time():
    reported = count((0.0, {1: "joy"}), (0.1, {1: "calm"}), (0.9, {1: "calm"}), (1.0, {1: "calm"}))
    assert reported.people[1]["joy"] == pytest.approx(0.1 / 1.1)
    assert reported.seconds[1] == pytest.approx(1.1)


def test_dropped_pictures_change_nothing():
    every = [(n / 30, {1: "joy" if n < 30 else "calm"}) for n in range(60)]
    assert count(*every).video == pytest.approx(count(*(every[0:30:2] + every[30::3])).video, abs=0.05)


def test_shares_sum_to_one_also_where_nothing_is_sure_and_for_one_picture():
    for reported in (count((7.0, {3: "uncertain"})), count((0.0, {3: "uncertain"}), (1.0, {3: "uncertain"}))):
        assert reported.people == {3: {"joy": 0.0, "calm": 0.0, "uncertain": 1.0}}
        assert reported.video == {"joy": 0.0, "calm": 0.0, "uncertain": 1.0, NO_FACE: 0.0}


def test_one_picture_lasts_no_time():
    assert count((7.0, {3: "joy"})).seconds == {3: 0.0}


def test_someone_who_is_in_pictures_that_last_no_time_has_shares():
    reported = count((0.0, {1: "joy"}), (1.0, {2: "calm"}), (1.0, {1: "joy"}), (2.0, {1: "joy"}))
    assert reported.people[2]["calm"] == 1.0
    assert reported.seconds[2] == 0.0


def test_no_picture_has_no_shares():
    reported = count()
    assert sum(reported.video.values()) == 0
    assert reported.people == {}


def test_a_live_stream_that_stands_still_adds_no_time():
    pictures = (0.0, {1: "joy"}), (60.0, {1: "calm"}), (60.5, {1: "calm"})
    assert count(*pictures).people[1]["joy"] == pytest.approx(60 / 61)
    assert count(*pictures, longest=1.0).people[1]["joy"] == 0.5


def test_time_that_goes_back_adds_nothing():
    reported = count((5.0, {1: "joy"}), (1.0, {1: "calm"}), (2.0, {1: "calm"}))
    assert reported.seconds[1] == 2.0
    assert reported.people[1]["calm"] == 1.0


def test_building_changes_nothing():
    counter = ShareCounter(LABELS)
    counter.add(0.0, [(1, "joy")])
    assert counter.build() == counter.build()


def test_the_last_picture_lasts_as_long_as_the_one_before():
    times = ScreenTimes()
    assert times.add(0.0, "a") is None
    assert times.add(0.5, "b").lasts == 0.5
    assert times.last().lasts == 0.5


@pytest.mark.parametrize(
    ("shares", "percents"),
    [
        ((0.536, 0.256, 0.208), (54, 25, 21)),  # rounded one by one: 101
        ((1 / 3, 1 / 3, 1 / 3), (34, 33, 33)),  # rounded one by one: 99
        ((0.995, 0.005), (100, 0)),
        ((0.29, 0.71), (29, 71)),
        ((0.3, 0.3), (30, 30)),  # of which the rest is not shown
        ((0.0, 0.0), (0, 0)),
        ((float("nan"), -1.0, 0.5), (0, 0, 50)),
        ((), ()),
    ],
)
def test_whole_per_cent_add_up_to_what_the_shares_do(shares, percents):
    assert whole_percents(shares) == percents
