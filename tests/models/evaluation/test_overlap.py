"""Faces that a model has seen are counted, and the others scored by themselves."""

import csv
import io
import json
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.data.fingerprints import Fingerprints
from emotion.models.evaluation import report
from emotion.models.evaluation.evaluate import evaluate
from emotion.models.evaluation.overlap import NO_LIST, OTHER_REGIONS, VIDEOS, matches_of, not_known
from emotion.models.evaluation.prediction_table import predictions_of_faces, to_csv
from emotion.models.manifest import ModelManifest
from emotion.models.regions import EYES, LIPS
from emotion.models.voting.vote import VoteWeights
from tests.helpers.predictions import labels, predictions

MODELS = [
    ModelManifest(one.name, "a", f"{one.name}.onnx", one.name, "float32", one.size) for one in (EYES, LIPS)
]
HASHES = np.random.default_rng(0).integers(0, 2**63, (60, 4)).astype(np.uint64)


def listed(training=(), validation=(), **more):
    """A list in which both networks and the vote have seen some of the faces."""
    one = Fingerprints(HASHES[list(training)], HASHES[list(validation)], **more)
    return {"eyes": replace(one, model="eyes"), "lips": replace(one, model="lips"), "vote": one}


@pytest.fixture(scope="module")
def found():
    """Sixty faces, of which the models are always right about the first thirty."""
    strength = np.where(np.arange(60) < 30, 50.0, 0.0)
    return predictions(60, eyes=strength, lips=strength, fingerprints=HASHES)


def evaluated(found, seen, models=MODELS):
    return evaluate(found, VoteWeights.equal(), {}, matches=matches_of(found.faces, seen, models))


def test_the_scores_without_what_was_seen_stand_beside_those_of_all(found):
    made = evaluated(found, listed(range(20), range(15, 30)))
    overlap = made.overlap
    assert (overlap.training, overlap.validation) == (20, 10)
    assert {name: one.faces for name, one in overlap.without.items()} == {"eyes": 30, "lips": 30, "vote": 30}
    alone = evaluate(replace_faces(found, np.arange(30, 60)), VoteWeights.equal(), {})
    assert overlap.without["vote"] == alone.vote
    assert overlap.without["vote"].accuracy.value < made.vote.accuracy.value
    said, table = report.to_markdown(made, brief=True).split("\n\n")[2:5:2]
    assert said.startswith(
        "Of 60 faces 30 are near duplicates of the models' training faces (20) or validation faces (10)."
    )
    assert f"vote on 30 others is {100 * overlap.without['vote'].accuracy.value:.1f}%" in said
    assert table.startswith("|  | accuracy, 30 others | accuracy, all | balanced accuracy, 30 others |")
    page = unescape(report.to_html(made))
    assert said in page
    assert "accuracy, 30 others" in page
    first = report._tiles(made)[0][2]
    assert first.endswith(f"faces, on 30 others: {overlap.without['vote'].accuracy.value:.1%}")
    values = json.loads(report.texts(made)["report.json"])["overlap"]
    assert (values["training"], values["validation"], values["unknown"]) == (20, 10, [])
    assert values["without"]["vote"]["faces"] == 30


def replace_faces(found, rows):
    return replace(
        found, faces=found.faces[rows], predictions=found.predictions[:, rows], free=found.free[rows]
    )


def test_a_near_copy_is_as_good_as_the_face_itself(found):
    near = found.faces.fingerprints.copy()
    near[:, 0] ^= np.uint64(0b111)
    copies = replace(found, faces=replace(found.faces, fingerprints=near))
    assert evaluated(copies, listed(range(5))).overlap.training == 5


def test_where_all_or_none_were_seen_there_are_no_other_scores(found):
    every, none = evaluated(found, listed(range(60))), evaluated(found, listed())
    assert every.overlap.without == none.overlap.without == {}
    assert report._tiles(every)[0][2].endswith("; all are copies of training or validation faces")
    assert "copies" not in report._tiles(none)[0][2]
    assert "There are no others, so these scores say nothing about new faces." in report.to_markdown(every)
    assert report.about_overlap(none) == [
        "Of 60 faces none is a near duplicate of the models' training or validation faces."
    ]


@pytest.mark.parametrize("seen", [{}, {"eyes": Fingerprints(HASHES, model="another file")}])
def test_models_without_a_list_say_in_one_line_that_it_is_not_known(found, seen):
    made = evaluated(found, seen)
    (line,) = report.about_overlap(made)
    assert (
        line
        == f"Whether some of these faces are copies of the models' training faces is not known: {NO_LIST}."
    )
    assert made.overlap.training is None
    assert line in report.to_markdown(made)
    assert line in unescape(report.to_html(made))


def test_what_is_not_known_of_some_predictors_is_said_by_name(found):
    seen = listed(range(5), unknown=("lite",))
    del seen["lips"], seen["vote"]
    first, second = report.about_overlap(evaluated(found, seen))
    assert first.startswith("Of 60 faces 5 are near duplicates")
    assert second == "The training faces of the lips, the vote, lite are not known."


def test_an_int8_model_has_seen_what_that_has_which_it_was_made_from(found):
    int8 = [replace(model, sha256="other", made_from=model.sha256) for model in MODELS]
    assert evaluated(found, listed(range(5)), int8).overlap.training == 5


def test_fingerprints_of_other_regions_are_not_compared(found):
    moved = listed(range(5), places=("eyes=1,2,30,40@1", "lips"))
    assert OTHER_REGIONS in report.about_overlap(evaluated(found, moved))[0]


def test_each_face_that_was_seen_is_marked_in_the_table(found):
    matches = matches_of(found.faces, listed([1], [2]), MODELS)
    rows = list(
        csv.DictReader(
            io.StringIO(to_csv(predictions_of_faces(found, VoteWeights.equal(), matches), EMOTIONS))
        )
    )
    assert [row["near_duplicate_of"] for row in rows[:4]] == ["", "training", "validation", ""]


def test_of_faces_that_are_known_to_be_others_nothing_is_said(found):
    made = evaluate(found, VoteWeights.equal(), {})
    assert report.about_overlap(made) == []
    assert json.loads(report.texts(made)["report.json"])["overlap"] is None
    videos = replace(made, overlap=not_known(VIDEOS))
    assert VIDEOS in report.about_overlap(videos)[0]


def test_some_faces_keep_their_fingerprints(found):
    rows = np.array([4, 2])
    assert found.faces[rows].fingerprints.tolist() == HASHES[rows].tolist()
    assert len(predictions(6).faces[rows].fingerprints) == 0
    assert labels(6).tolist() == list(range(6))
