"""Leaving work out: when, how much, and whose turn it is."""

from types import SimpleNamespace

import numpy as np
import pytest

from emotion.models.regions import EYES, LIPS, crop
from emotion.realtime.messages import Box, Face, FaceFrame, PredictionFrame
from emotion.realtime.stages.load_shedding import LEVELS, LoadLevel, LoadShedder, LoadSheddingClassifier
from tests.helpers.landmarks import gradient, landmarks
from tests.helpers.results import video_frame


def feed(load_shedder, latency, seconds, start=0.0, rate=20):
    """Note a steady latency for some seconds; when the saving changed."""
    times = start + np.arange(round(seconds * rate)) / rate
    return [time for time in times if load_shedder.note(latency, time)]


def first_change(load_shedder, latency, start):
    times = start + np.arange(2000) / 20
    return next(time for time in times if load_shedder.note(latency, time))


def test_without_a_bound_nothing_is_left_out():
    load_shedder = LoadShedder(None)
    assert feed(load_shedder, 9.0, 60) == []
    assert load_shedder.saving == LoadLevel()


def test_late_results_save_more_step_by_step_and_no_further_than_the_last():
    load_shedder = LoadShedder(0.1)
    changes = feed(load_shedder, 0.2, 60)
    assert len(changes) == len(LEVELS) - 1
    assert load_shedder.saving == LEVELS[-1]
    # Each level is given time to show what it does.
    assert min(np.diff(changes)) > 0.9


def test_each_level_says_what_it_leaves_out():
    one = "one picture is in work at a time"
    assert [level.sentence() for level in LEVELS] == [
        "nothing is left out",
        one,
        f"{one}, each face's emotion is read every 2nd time",
        f"{one}, each face's emotion is read every 3rd time",
        f"{one}, faces are looked for in every 2nd picture, each face's emotion is read every 3rd time",
        f"{one}, faces are looked for in every 3rd picture, each face's emotion is read every 4th time",
        f"{one}, faces are looked for in every 4th picture, each face's emotion is read every 6th time",
    ]


def test_a_single_late_result_changes_nothing():
    load_shedder = LoadShedder(0.1)
    for index in range(100):
        assert not load_shedder.note(0.5 if index % 10 == 0 else 0.08, index / 20)
    assert load_shedder.saving == LoadLevel()


def test_when_it_is_easy_more_is_done_again_but_ever_more_carefully():
    load_shedder = LoadShedder(0.1)
    waits, now = [], 0.0
    for _ in range(3):
        up = first_change(load_shedder, 0.2, now)
        back = first_change(load_shedder, 0.02, up + 0.05)
        assert load_shedder.saving == LEVELS[0]
        waits.append(back - up)
        now = back + 50
    assert waits[0] == pytest.approx(5, abs=1.5)
    assert waits[1] > 1.5 * waits[0]
    assert waits[2] > 1.5 * waits[1]


def test_between_easy_and_late_it_stays():
    load_shedder = LoadShedder(0.1)
    start = first_change(load_shedder, 0.2, 0.0)
    assert feed(load_shedder, 0.09, 60, start + 0.05) == []
    assert load_shedder.saving is LEVELS[1]


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_is_a_time(bound):
    with pytest.raises(ValueError, match="more than 0"):
        LoadShedder(bound)


def test_sentences_are_sentences():
    assert LoadLevel().sentence() == "nothing is left out"
    assert [level.sentence() for level in LEVELS[1:4:2]] == [
        "one picture is in work at a time",
        "one picture is in work at a time, each face's emotion is read every 3rd time",
    ]
    assert "faces are looked for in every 4th picture" in LEVELS[-1].sentence()


class Reader:
    """A classifier whose prediction is the number of the picture; it notes how many faces it was given."""

    name = "classify"
    batch = 8

    def __init__(self):
        self.sizes = []
        self.closed = False

    def process(self, items):
        for item in items:
            self.sizes.append(len(item.faces))
            prediction = np.full((len(item.faces), 6), item.frame.index, np.float32)
            yield PredictionFrame(item.frame, item.faces, np.stack([prediction, -prediction]))

    def close(self):
        self.closed = True


def people(index, count):
    points = landmarks(0.3)
    image = gradient(60, 60)
    crops = tuple(crop(image, points, region) for region in (EYES, LIPS))
    faces = (Face(Box(200 * n, 0, 100, 100), points, crops) for n in range(count))
    return FaceFrame(video_frame(index), tuple(faces))


def run(level, counts):
    reader = Reader()
    stage = LoadSheddingClassifier(reader, SimpleNamespace(saving=level))
    read = []
    for index, count in enumerate(counts):
        (result,) = stage.process([people(index, count)])
        assert len(result.faces) == count
        eyes, lips = result.predictions
        np.testing.assert_array_equal(lips, -eyes)
        read.append(eyes[:, 0].astype(int).tolist())
    return reader.sizes, read


def test_nothing_saved_everyone_is_read_every_time():
    sizes, read = run(LEVELS[0], [3, 3, 0, 3])
    assert sizes == [3, 3, 0, 3]
    assert read == [[0] * 3, [1] * 3, [], [3] * 3]


def test_one_face_is_read_every_third_time():
    sizes, read = run(LEVELS[3], [1] * 8)
    assert sizes == [1, 0, 0, 1, 0, 0, 1, 0]
    assert read == [[0], [0], [0], [3], [3], [3], [6], [6]]


def test_several_faces_take_turns_so_that_batches_stay_small():
    sizes, read = run(LEVELS[2], [4] * 9)
    assert sizes[0] == 4
    assert max(sizes[1:]) == 2
    ages = [index - prediction for index, row in enumerate(read) for prediction in row]
    assert max(ages) <= 2


def test_someone_new_is_read_at_once():
    sizes, read = run(LEVELS[3], [1, 2, 2])
    assert sizes == [1, 1, 0]
    assert read == [[0], [0, 1], [0, 1]]


def test_closing_closes_the_inner_stage():
    reader = Reader()
    LoadSheddingClassifier(reader, LoadShedder(None)).close()
    assert reader.closed


def changes(shedder, latency, until, start=0.0, rate=4):
    """As `feed`, by times that are exact."""
    return [time for time in np.arange(start, until, 1 / rate) if shedder.note(latency, time)]


def test_all_of_the_work_is_two_pictures_at_a_time_each_looked_at_and_each_face_read():
    assert LoadLevel() == LEVELS[0] == LoadLevel(in_flight=2, faces_every=1, classify_every=1)


@pytest.mark.parametrize("start", [0.5, 100.0])
def test_a_level_has_a_second_to_show_what_it_does(start):
    assert changes(LoadShedder(0.1), 0.2, start + 9, start) == [start + n for n in range(1, 7)]


@pytest.mark.parametrize(("rate", "first"), [(1.5, 2.0), (1.4, None)])
def test_four_results_of_the_last_two_seconds_are_needed(rate, first):
    found = changes(LoadShedder(0.1), 0.2, 9, 0.0, rate)
    assert (found[0] if found else None) == first


@pytest.mark.parametrize(("late", "changed"), [(1, False), (2, True)])
def test_more_than_one_in_four_results_comes_too_late(late, changed):
    shedder = LoadShedder(0.1)
    noted = [shedder.note(0.2 if n % 4 < late else 0.08, n / 1.5) for n in range(30)]
    assert any(noted) is changed


def test_a_result_at_the_bound_is_not_late():
    assert changes(LoadShedder(0.125), 0.125, 20) == []


@pytest.mark.parametrize(("latency", "back"), [(0.6, [6.0]), (0.61, [])])
def test_below_three_fifths_of_the_bound_it_is_easy(latency, back):
    shedder = LoadShedder(1.0)
    assert changes(shedder, 2.0, 1.25) == [1.0]
    assert changes(shedder, latency, 9.0, 1.25) == back


def test_each_time_that_more_was_too_much_the_wait_doubles_up_to_two_minutes():
    shedder, now, waits = LoadShedder(0.1), 0.0, []
    for _ in range(7):
        up = next(time for time in now + np.arange(1, 9) / 4 if shedder.note(0.2, time))
        now = next(time for time in up + np.arange(1, 999) / 4 if shedder.note(0.02, time))
        waits.append(now - up)
        assert shedder.saving == LEVELS[0]
    # A second for the level itself.
    assert waits == [5, 9, 17, 33, 65, 121, 121]


def test_one_result_that_is_not_easy_begins_the_wait_anew():
    shedder = LoadShedder(0.1)
    assert changes(shedder, 0.2, 1.25) == [1.0]
    assert changes(shedder, 0.02, 5.0, 1.25) == []
    assert not shedder.note(0.09, 5.0)
    assert changes(shedder, 0.02, 20.0, 5.25) == [11.25]  # 2 s until it is forgotten, and 4
