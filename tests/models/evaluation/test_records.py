import json
import shutil
from dataclasses import replace

import pytest

from emotion.cli.models import _about
from emotion.models.evaluation import weights
from emotion.models.evaluation.evaluate import evaluate
from emotion.models.evaluation.overlap import Overlap
from emotion.models.evaluation.records import record, with_block
from emotion.models.manifest import LITE, read_manifest
from emotion.models.voting.vote import VoteWeights
from tests.helpers.predictions import predictions


@pytest.fixture
def folder(tmp_path):
    for name in ("eyes.onnx", "eyes.json", "lips.onnx", "lips.json"):
        shutil.copy(LITE / name, tmp_path)
    weights.save(tmp_path, weights.fit_vote(predictions(120), None, {}))
    (tmp_path / "MODEL_CARD.md").write_text("# Card\n\n## Scores\n\nWords.\n\n## Terms\n\nMore words.\n")
    return tmp_path


def test_scores_are_kept_where_the_models_are(folder):
    found = evaluate(predictions(), VoteWeights.equal(), {}, about={"faces": "my set"})
    for _ in range(2):  # a second time changes nothing
        record(folder, "my set", found, [read_manifest(folder, region) for region in ("eyes", "lips")])
    kept = read_manifest(folder, "lips").scores["my set"]
    assert kept["accuracy"] == pytest.approx(found.scores["lips"].accuracy.value, abs=1e-4)
    vote = json.loads((folder / "weights.json").read_text())["scores"]["my set"]
    assert vote["balanced_accuracy"] == pytest.approx(found.vote.balanced_accuracy.value, abs=1e-4)
    VoteWeights.read(folder)
    card = (folder / "MODEL_CARD.md").read_text()
    assert card.count("<!-- scores of my set -->") == 1
    assert card.index("Words.") < card.index("| vote |") < card.index("## Terms")


def test_scores_on_copies_of_training_faces_are_recorded_as_such(folder):
    found = evaluate(predictions(), VoteWeights.equal(), {}, about={"faces": "my set"})
    manifests = [read_manifest(folder, region) for region in ("eyes", "lips")]
    record(folder, "others", found, manifests)
    copied = replace(found, overlap=Overlap(30, 5, without={"vote": found.vote}))
    record(folder, "my set", copied, [read_manifest(folder, region) for region in ("eyes", "lips")])
    scores = read_manifest(folder, "lips").scores
    assert "near_duplicates" not in scores["others"]
    assert scores["my set"]["near_duplicates"] == 35
    assert (
        "35 are near duplicates of the models' training faces (30)" in (folder / "MODEL_CARD.md").read_text()
    )
    listed = "\n".join(_about(folder))
    assert "my set" in listed
    assert "(35 of 600 are copies of training or validation faces)" in listed


def test_each_set_has_its_place_in_the_card():
    card = "# Card\n\n## Scores\n\nWords.\n\n## Terms\n"
    card = with_block(with_block(card, "a", "one"), "b", "two")
    assert card.index("one") < card.index("two") < card.index("## Terms")
    again = with_block(card, "a", r"new \1")
    assert r"new \1" in again
    assert "one" not in again
    assert again.index("new") < again.index("two")
    assert with_block("# No section\n", "a", "one").endswith("one\n<!-- end of a -->\n")
