from dataclasses import replace
from fractions import Fraction

import pytest

from emotion.realtime.sinks.summary import SummaryBuilder, in_words, overall_in_words
from tests.helpers.results import face, result


def summarise(*results):
    builder = SummaryBuilder()
    for one in results:
        builder.add(one)
    return builder.build()


def test_time_counts_and_not_frames():
    summary = summarise(
        result(0, face("happiness"), pts=0),
        result(1, face("happiness"), pts=10),
        result(2, face("fear"), pts=20),
        result(3, face("fear"), pts=100),
        result(4, face("fear"), pts=180),
    )
    assert summary.shares["fear"] == pytest.approx(0.92, abs=0.01)
    assert summary.emotion == "fear"
    assert summary.seconds == pytest.approx(0.26)
    assert summary.face_seconds == pytest.approx(0.26)


def test_all_faces_count_for_the_time_they_are_seen():
    summary = summarise(
        result(0, face("anger", 1), face("anger", 2)),
        result(1, face("anger", 1), face("neutral", 2)),
        result(2),
    )
    assert summary.frames == 3
    assert summary.frames_with_faces == 2
    assert summary.faces == 2
    assert summary.face_seconds == pytest.approx(0.16)
    assert summary.shares["anger"] == pytest.approx(0.5)
    assert summary.shares["no_face"] == pytest.approx(1 / 3, abs=1e-4)
    assert sum(summary.shares.values()) == pytest.approx(1, abs=1e-3)


def test_the_videos_emotion_is_the_strongest_and_people_have_theirs():
    summary = summarise(
        result(0, face("fear", share=0.3)),
        result(1, face("fear", share=0.3)),
        result(2, face("sadness", share=1.0)),
    )
    assert summary.shares["fear"] > summary.shares["sadness"]
    assert summary.emotion == summary.label == "sadness"
    assert summary.confidence == summary.strength["sadness"] == max(summary.strength.values())
    (person,) = summary.people
    assert (person.emotion, person.confidence, person.label) == ("sadness", summary.confidence, "sadness")
    assert person.strength == summary.strength


def test_an_apex_names_a_video_that_is_neutral_most_of_its_time():
    summary = summarise(
        *(result(number, face("neutral", share=0.8)) for number in range(3)),
        *(result(number, face("surprise", share=0.95)) for number in range(3, 5)),
    )
    assert summary.mean["neutral"] > summary.mean["surprise"]
    assert summary.emotion == "surprise"


def test_a_video_without_faces_says_so():
    summary = summarise(result(0), result(1))
    assert summary.emotion is summary.label is summary.confidence is summary.mean is summary.strength is None
    assert summary.shares["no_face"] == 1.0
    assert summary.sentence() == "no face was found in 2 frames"


def test_a_single_frame_and_none_at_all_are_summed_up():
    assert summarise(result(0, face("surprise"))).emotion == "surprise"
    assert summarise().frames == 0


def test_the_sentence_names_what_else_was_seen():
    text = summarise(
        result(0, face("happiness")), result(1, face("happiness")), result(2, face("sadness")), result(3)
    ).sentence()
    assert text == "overall happiness: 50% of the time happiness, 25% sadness, 25% no face"


def test_building_changes_nothing():
    builder = SummaryBuilder()
    builder.add(result(0, face("fear")))
    assert builder.build() == builder.build()


def test_the_sentence_tells_all_that_does_not_round_to_nothing():
    seen = ["happiness"] * 150 + ["sadness"] * 48 + ["fear"] * 2
    text = summarise(*(result(n, face(emotion)) for n, emotion in enumerate(seen))).sentence()
    assert text == "overall happiness: 75% of the time happiness, 24% sadness, 1% fear"
    seen = ["happiness"] * 199 + ["fear"]
    text = summarise(*(result(n, face(emotion)) for n, emotion in enumerate(seen))).sentence()
    assert text == "happiness all the time"


def test_shares_are_of_labels_and_not_of_the_longest_bar():
    summary = summarise(
        result(0, face("fear", label="uncertain")), result(1, face("fear", label="uncertain"))
    )
    assert summary.shares["uncertain"] == summary.people[0].shares["uncertain"] == 1.0
    assert (summary.label, summary.emotion) == ("uncertain", "fear")
    assert summary.sentence() == "uncertain all the time"


def test_each_person_has_numbers_of_their_own():
    frames = [
        result(n, face("fear" if n < 10 else "anger", 1, 0.5 + n / 100), pts=100 * n) for n in range(20)
    ]
    frames += [result(n, face("happiness", 2), pts=100 * n) for n in range(20, 30)]
    one, two = summarise(*frames).people
    assert (one.track_id, one.first, one.last, one.seconds) == (1, 0.0, 2.0, 2.0)
    assert (two.first, two.last, two.seconds) == (2.0, 3.0, 1.0)
    assert one.shares["fear"] == one.shares["anger"] == 0.5
    assert one.changes == 1
    assert one.episodes["fear"].count == 1
    assert one.episodes["fear"].median_seconds == pytest.approx(1.0)
    assert (one.peak["anger"].probability, one.peak["anger"].seconds) == (pytest.approx(0.69), 1.9)
    assert one.mean["fear"] == pytest.approx(
        (sum(0.5 + n / 100 for n in range(10)) + sum((0.5 - n / 100) / 5 for n in range(10, 20))) / 20,
        abs=1e-3,
    )
    assert two.changes == 0


def test_what_is_not_known_is_null():
    unknown = replace(face("fear"), probabilities=None, label="uncertain")
    summary = summarise(result(0, unknown), result(1, unknown))
    assert summary.mean is summary.confidence is summary.people[0].mean is summary.people[0].peak is None
    assert summary.label == "uncertain"


def test_in_json_there_is_a_block_for_the_video_and_one_a_person():
    values = summarise(result(0, face("fear", 1), face("anger", 4)), result(1)).to_dict()
    assert values["video"]["people"] == 2
    assert values["video"]["shares"]["no_face"] == 0.5
    assert [person["track_id"] for person in values["people"]] == [1, 4]
    assert set(values["people"][0]["peak"]["fear"]) == {"probability", "seconds"}


@pytest.mark.parametrize(
    ("turn", "back", "how"),
    [(180.0, 180, "stand on their heads"), (-170.0, 180, "stand on"), (88.0, 270, "lie"), (-95.0, 90, "lie")],
)
def test_a_picture_that_is_turned_is_said_to_be(turn, back, how):
    results = [result(0, face("fear", turn=10.0)), *(result(n, face("fear", turn=turn)) for n in range(1, 4))]
    summary = summarise(*results)
    assert (summary.turned, summary.turn) == (0.75, back)
    assert how in summary.hint
    assert "for 75% of their time" in summary.hint
    assert f"turned by {back} degrees clockwise" in summary.hint
    assert summary.sentence() == f"fear all the time; {summary.hint}"
    assert summary.to_dict()["video"]["turned"] == 0.75


def test_faces_that_always_lie_on_their_side_do_so_all_the_time():
    hint = summarise(*(result(n, face("fear", turn=88.0)) for n in range(3))).hint
    assert "lie on their side all the time; it would" in hint


def test_a_picture_that_is_mostly_upright_is_not_said_to_be_turned():
    summary = summarise(result(0, face("fear", turn=180.0)), result(1, face("fear", turn=55.0)))
    assert (summary.turned, summary.turn, summary.hint) == (0.5, None, None)
    assert summarise(result(0)).turned is None


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"fear": 1.0, "anger": 0.0}, "fear all the time"),
        ({"fear": 0.995, "anger": 0.005}, "fear all the time"),
        ({"fear": 0.9949, "anger": 0.00506}, "99% of the time fear, 1% anger"),
        ({"no_face": 0.25, "fear": 0.75}, "75% of the time fear, 25% no face"),
        # Each rounded by itself, these came to 101%.
        ({"fear": 0.536, "anger": 0.256, "no_face": 0.208}, "54% of the time fear, 25% anger, 21% no face"),
    ],
)
def test_what_rounds_to_nothing_is_left_out(shares, said):
    assert in_words(shares) == said


@pytest.mark.parametrize(("turn", "turned"), [(60.0, 0.0), (61.0, 1.0), (-60.0, 0.0), (-61.0, 1.0)])
def test_a_face_is_turned_by_more_than_sixty_degrees(turn, turned):
    summary = summarise(*(result(n, face("fear", turn=turn)) for n in range(2)))
    assert summary.turned == turned


def test_a_picture_whose_faces_lie_on_either_side_alike_is_turned_no_way():
    summary = summarise(*(result(n, face("fear", turn=90.0 * (-1) ** n)) for n in range(4)))
    assert (summary.turned, summary.turn, summary.hint) == (1.0, None, None)


def test_half_of_the_time_is_not_most_of_it():
    summary = summarise(*(result(n, face("fear", turn=180.0 * (n < 2)), pts=250 * n) for n in range(4)))
    assert (summary.turned, summary.turn) == (0.5, None)


def test_a_peak_is_when_it_is_reached_first():
    (person,) = summarise(*(result(n, face("fear", share=0.7)) for n in range(3))).people
    assert {peak.seconds for peak in person.peak.values()} == {0.0}


@pytest.mark.parametrize(("frames", "ends"), [(1, 0.08), (2, 0.16), (3, 0.2)])
def test_the_last_picture_lasts_as_long_as_the_one_before(frames, ends):
    stamps = (80, 120, 160)[:frames]
    summary = summarise(*(result(n, face("fear"), pts=pts) for n, pts in enumerate(stamps)))
    (person,) = summary.people
    assert (person.first, person.last) == (0.08, ends)
    assert person.seconds == summary.seconds == summary.face_seconds == pytest.approx(ends - 0.08)
    assert person.shares["fear"] == summary.shares["fear"] == 1.0
    assert person.mean["fear"] == summary.mean["fear"] == pytest.approx(0.9)


def numbers(value):
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, float) else []


def test_times_are_in_milliseconds_and_shares_in_ten_thousandths():
    frames = [
        result(n, face("fear" if n < 4 else "anger", 1, 0.5 + n / 30, turn=90.0 * (n == 2))) for n in range(7)
    ]
    thirtieths = [
        replace(one, frame=replace(one.frame, pts=n + 1, time_base=Fraction(1, 30)))
        for n, one in enumerate(frames)
    ]
    summary = summarise(*thirtieths)
    (person,) = summary.people
    times = [summary.seconds, summary.face_seconds, person.first, person.last, person.seconds]
    times += [episode.median_seconds for episode in person.episodes.values()]
    times += [peak.seconds for peak in person.peak.values()]
    assert [number for number in times if number != round(number, 3)] == []
    assert person.first == 0.033
    assert (summary.seconds, person.seconds, person.last) == (0.233, 0.233, 0.267)
    assert person.episodes["fear"].median_seconds == 0.133
    assert person.peak["anger"].seconds == 0.233
    everything = numbers(summary.to_dict())
    assert [number for number in everything if number != round(number, 4)] == []
    assert (summary.turned, summary.shares["fear"]) == (0.1429, 0.5714)
    assert summary.mean["fear"] == person.mean["fear"] == 0.3429


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("fear", "overall fear: 75% of the time fear, 25% no face"),
        ("uncertain", "no clear expression overall: 75% of the time fear, 25% no face"),
    ],
)
def test_a_video_is_called_by_its_label_before_its_shares(label, said):
    assert overall_in_words(label, {"no_face": 0.25, "fear": 0.75}) == said


def test_a_video_that_is_one_thing_all_the_time_is_called_that_alone():
    assert overall_in_words("fear", {"fear": 1.0, "anger": 0.0}) == "fear all the time"


@pytest.mark.parametrize(
    ("label", "shares", "said"),
    [
        (
            "sadness",
            {"neutral": 0.62, "sadness": 0.38},
            "most often neutral, strongest expression sadness: 62% of the time neutral, 38% sadness",
        ),
        (
            "sadness",
            {"neutral": 0.5, "sadness": 0.5},
            "overall sadness: 50% of the time neutral, 50% sadness",
        ),
        (
            "sadness",
            {"no_face": 0.8, "sadness": 0.2},
            "overall sadness: 80% of the time no face, 20% sadness",
        ),
        (
            "sadness",
            {"no_face": 0.997, "sadness": 0.003},
            "overall sadness: over 99% of the time no face, under 1% sadness",
        ),
    ],
)
def test_a_name_that_is_not_what_is_seen_for_longest_is_explained_and_always_has_its_share(
    label, shares, said
):
    assert overall_in_words(label, shares) == said
