import pytest

from emotion.realtime.sinks.summary import SummaryBuilder
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
    assert summary.shares["anger"] == pytest.approx(0.75)
    assert sum(summary.shares.values()) == pytest.approx(1, abs=1e-3)


def test_the_videos_emotion_is_that_of_the_mean_vote():
    summary = summarise(
        result(0, face("fear", share=0.3)),
        result(1, face("fear", share=0.3)),
        result(2, face("sadness", share=1.0)),
    )
    assert summary.shares["fear"] > summary.shares["sadness"]
    assert summary.emotion == "sadness"


def test_a_video_without_faces_says_so():
    summary = summarise(result(0), result(1))
    assert summary.emotion is summary.shares is summary.mean is None
    assert summary.sentence() == "no face was found in 2 frames"


def test_a_single_frame_and_none_at_all_are_summed_up():
    assert summarise(result(0, face("surprise"))).emotion == "surprise"
    assert summarise().frames == 0


def test_the_sentence_names_what_else_was_seen():
    text = summarise(
        result(0, face("happiness")), result(1, face("happiness")), result(2, face("sadness")), result(3)
    ).sentence()
    assert text == "happiness (67% of the time a face is seen), sadness 33%"


def test_building_changes_nothing():
    builder = SummaryBuilder()
    builder.add(result(0, face("fear")))
    assert builder.build() == builder.build()


def test_the_sentence_names_two_others_at_most_and_none_that_was_hardly_seen():
    seen = ["happiness"] * 10 + ["sadness"] * 8 + ["fear"] * 6 + ["anger"] * 4 + ["neutral"]
    text = summarise(*(result(n, face(emotion)) for n, emotion in enumerate(seen))).sentence()
    assert text == "happiness (34% of the time a face is seen), sadness 28%, fear 21%"
    seen = ["happiness"] * 40 + ["sadness"] * 2
    text = summarise(*(result(n, face(emotion)) for n, emotion in enumerate(seen))).sentence()
    assert text == "happiness (95% of the time a face is seen)"
