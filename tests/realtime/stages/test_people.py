import numpy as np

from emotion.models.voting.vote import VoteWeights
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People
from emotion.realtime.stages.tracker import MEMORY_SECONDS
from tests.helpers.stage_inputs import face, prediction_frame


def people(**options):
    return People(VoteWeights.equal(), VoteOptions(**options))


def follow(stage, *items):
    return [result.faces for result in stage.process(items)]


def test_what_is_remembered_belongs_to_the_person():
    stage = people(smooth=10.0)
    follow(stage, prediction_frame(0.0, [face(left=0), face(left=500)], 0, 1))
    (swapped,) = follow(stage, prediction_frame(0.1, [face(left=505), face(left=5)], 2, 2))
    assert [one.track_id for one in swapped] == [2, 1]
    assert [one.emotion for one in swapped] == ["sadness", "happiness"]


def test_it_ends_with_the_track():
    stage = people(smooth=10.0)
    away = [prediction_frame(0.1 * step, []) for step in range(1, 4)]
    follow(stage, prediction_frame(0.0, [face()], 0), *away)
    (later,) = follow(stage, prediction_frame(3 * MEMORY_SECONDS, [face()], 1))
    assert later[0].track_id == 2
    assert later[0].emotion == "sadness"
    assert len(stage._people) == 1


def test_a_jump_back_in_time_starts_anew():
    stage = people(smooth=10.0)
    follow(stage, prediction_frame(50.0, [face()], 0))
    (back,) = follow(stage, prediction_frame(1.0, [face()], 3))
    assert back[0].emotion == "anger"


def test_without_smoothing_each_frame_stands_alone():
    first, second = follow(
        people(smooth=0), prediction_frame(0.0, [face()], 0), prediction_frame(0.01, [face()], 5)
    )
    assert (first[0].emotion, second[0].emotion) == ("happiness", "surprise")


def test_a_face_of_which_nothing_is_seen_keeps_its_last_prediction():
    hidden = prediction_frame(0.1, [face(0.0, 0.0)], 1)
    _, (after,) = follow(people(), prediction_frame(0.0, [face()], 0), hidden)
    assert after.probabilities_frame is None
    assert after.emotion == "happiness"
    ((before,),) = follow(people(), hidden)
    assert before.probabilities is before.emotion is before.confidence is before.label_share is None
    assert (before.label, before.known) == ("uncertain", False)


def test_frames_without_people_pass():
    assert follow(people(), prediction_frame(0.0, [])) == [()]


def test_labels_hold_and_are_the_persons_own():
    stage = people(smooth=0.01)
    follow(stage, prediction_frame(0.0, [face(left=0), face(left=500)], 0, 1))
    (flicker,) = follow(stage, prediction_frame(0.1, [face(left=0), face(left=500)], 5, 1))
    assert [one.emotion for one in flicker] == ["surprise", "sadness"]
    assert [(one.label, one.since) for one in flicker] == [("surprise", 0.1), ("sadness", 0.0)]


def test_for_research_the_label_is_the_frames_own():
    _, (second,) = follow(
        people(smooth=0), prediction_frame(0.0, [face()], 0), prediction_frame(0.01, [face()], 5)
    )
    assert (second.label, second.since) == ("surprise", 0.01)


def test_a_baseline_belongs_to_the_person():
    stage = people(smooth=0, baseline=0.5)
    for n in range(20):
        follow(stage, prediction_frame(n / 20, [face(left=0), face(left=500)], 4, 0))
    (after,) = follow(stage, prediction_frame(1.0, [face(left=0), face(left=500)], 4, 0))
    assert not np.allclose(after[0].probabilities_frame, after[1].probabilities_frame)
    assert [person._baseline.ready for person in stage._people.values()] == [True, False]
