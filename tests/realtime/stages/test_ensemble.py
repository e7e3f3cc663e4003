import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from emotion.models.lazy import Lazy
from emotion.models.voting.vote import VoteWeights, WeightedMean
from emotion.realtime.messages import FaceFrame, PredictionFrame
from emotion.realtime.stages.classifier import EmotionClassifier
from emotion.realtime.stages.ensemble import Ensemble
from emotion.realtime.stages.options import VoteOptions
from tests.helpers.landmarks import landmarks
from tests.helpers.stage_inputs import face, frame, sure


def predictions(faces, eyes, lips, index=0):
    return PredictionFrame(frame(index), tuple(faces), np.stack([eyes, lips]))


class FakeModel:
    """Answers with the class that the crop's gray level names, and counts its runs."""

    def __init__(self):
        self.batches = []

    def __call__(self, crops):
        self.batches.append(len(crops))
        return np.array([sure(int(crop[0, 0]))[0] for crop in crops], np.float32).reshape(-1, 6)


def test_hidden_regions_vote_nothing_and_no_face_is_skipped():
    faces = (face(), face(eyes_visible=0.2), face(lips_visible=0.2), face(0.1, 0.1))
    both, lips_only, eyes_only, neither = Ensemble(VoteWeights.equal(), VoteOptions()).vote(
        predictions(faces, sure(0, 0, 0, 0), sure(1, 1, 1, 1))
    )
    np.testing.assert_allclose(both.vote, [0.5, 0.5, 0, 0, 0, 0])
    assert lips_only.regions["eyes"] is None
    assert lips_only.vote.argmax() == 1
    assert eyes_only.regions["lips"] is None
    assert eyes_only.vote.argmax() == 0
    assert neither.regions == {"eyes": None, "lips": None}
    assert neither.vote is None


def test_faces_of_several_frames_go_together_and_come_back_to_their_frames():
    eyes, lips = FakeModel(), FakeModel()
    stage = EmotionClassifier([eyes, lips])
    frames = [
        FaceFrame(frame(0), (face(mark=0), face(mark=1))),
        FaceFrame(frame(1), ()),
        FaceFrame(frame(2), (face(mark=4),)),
    ]
    results = list(stage.process(frames))
    assert eyes.batches == lips.batches == [3]
    assert [result.frame.index for result in results] == [0, 1, 2]
    for region in (0, 1):
        answers = [result.predictions[region].argmax(axis=1).tolist() for result in results]
        assert answers == [[0, 1], [], [4]]


def test_frames_without_faces_ask_no_model_for_anything():
    stage = EmotionClassifier([FakeModel(), FakeModel()])
    (result,) = stage.process([FaceFrame(frame(0), ())])
    assert result.faces == ()
    assert result.predictions.shape == (2, 0, 6)


def test_blendshapes_are_computed_where_several_threads_work_side_by_side():
    made = []
    shapes = Lazy(lambda: made.append("shapes") or np.zeros(52, np.float32))
    stage = EmotionClassifier([FakeModel(), FakeModel()])
    (result,) = stage.process([FaceFrame(frame(0), (replace(face(), shapes=shapes),))])
    assert made == ["shapes"]
    assert result.faces[0].blendshapes.shape == (52,)
    assert made == ["shapes"]


@pytest.mark.parametrize("late", ["shapes", "crops"])
def test_an_error_of_what_is_computed_late_names_its_frame(late):
    def fail(*_):
        raise OSError("no memory")

    broken = {"shapes": Lazy(fail), "crops": type("Crops", (), {"__getitem__": fail})()}
    stage = EmotionClassifier([FakeModel(), FakeModel()])
    frames = [FaceFrame(frame(0), (face(),)), FaceFrame(frame(1), (replace(face(), **{late: broken[late]}),))]
    with pytest.raises(OSError, match="no memory") as caught:
        list(stage.process(frames))
    assert caught.value.__notes__ == ["classifying the faces, at frame 1"]


def test_predictions_have_a_row_a_face():
    with pytest.raises(ValueError, match="predictions is float32"):
        predictions((face(),), sure(0, 0), sure(0, 0))


def test_a_third_prediction_votes_and_is_reported():
    shapes = np.zeros((2, 52), np.float32)
    shapes[1, 3] = 1

    class Third:
        def __call__(self, given):
            np.testing.assert_array_equal(given, shapes)
            return sure(2, 2)

    weights = VoteWeights(WeightedMean(np.ones((3, 6), np.float32)), Third())
    faces = [replace(face(), shapes=shapes[0]), replace(face(lips_visible=0.1), shapes=shapes[1])]
    both, eyes_only = Ensemble(weights).vote(predictions(faces, sure(0, 0), sure(1, 1)))
    np.testing.assert_allclose(both.vote, [1 / 3, 1 / 3, 1 / 3, 0, 0, 0], atol=1e-6)
    assert both.blendshapes.argmax() == eyes_only.blendshapes.argmax() == 2
    np.testing.assert_array_equal(eyes_only.vote, sure(0)[0])
    with pytest.raises(ValueError, match="has none"):
        Ensemble(weights).vote(predictions([face()], sure(0), sure(1)))


def seen(item, **options):
    return Ensemble(VoteWeights.equal(), VoteOptions(**options)).sees(item)


def test_a_region_fades_out_with_what_hides_it():
    shares = [1.0, 0.6, 0.4, 0.2, 0.0]
    free = np.array([(1.0, share) for share in shares], np.float32)
    item = PredictionFrame(frame(0), (face(),) * 5, np.stack([sure(*[0] * 5), sure(*[1] * 5)]), free)
    np.testing.assert_allclose(seen(item), [(1, 1), (1, 1), (1, 0.5), (1, 0), (1, 0)], atol=1e-6)
    happy = [vote.vote[0] for vote in Ensemble(VoteWeights.equal()).vote(item)]
    np.testing.assert_allclose(happy, [0.5, 0.5, 0.75, 1, 1], atol=1e-6)


def test_it_fades_as_it_leaves_the_picture():
    faces = [face(lips_visible=share) for share in (1.0, 0.8, 0.6, 0.4, 0.1)]
    item = predictions(faces, sure(*[0] * 5), sure(*[1] * 5))
    np.testing.assert_allclose(seen(item, min_visible=0.6)[:, 1], [1, 1, 0.5, 0, 0], atol=1e-6)


def test_both_fade_as_the_head_turns():
    def turned(degrees):
        points = landmarks()
        # Seen from the side, what lies across comes together, and the nose comes forward.
        nearer = np.zeros(478)
        nearer[[168, 2]] = 30
        angle = np.radians(degrees)
        points[:, 0] = 64 + (points[:, 0] - 64) * np.cos(angle) + nearer * np.sin(angle)
        return dataclasses.replace(face(), points=points)

    item = predictions([turned(degrees) for degrees in (0, 20, 50, 80)], sure(*[0] * 4), sure(*[1] * 4))
    eyes, lips = seen(item).T
    np.testing.assert_array_equal(eyes, lips)
    assert eyes[0] == eyes[1] == 1
    assert 0 < eyes[2] < 1
    assert eyes[3] == 0


def test_one_prediction_a_region_and_face_on_what_hides_it():
    with pytest.raises(ValueError, match="free is float32"):
        PredictionFrame(frame(0), (face(),), np.stack([sure(0), sure(0)]), np.ones((2, 2), np.float32))


def test_the_classifier_says_what_hides_a_region():
    stage = EmotionClassifier([FakeModel(), FakeModel()])
    (result,) = stage.process([FaceFrame(frame(0), (face(mark=3), face(mark=4)))])
    assert result.free.shape == (2, 2)
    assert (result.free < 0.5).all()  # flat gray is no face
