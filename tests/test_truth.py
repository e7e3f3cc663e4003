"""All outputs of one run say the same."""

import json

import pytest

from emotion.realtime.stages.options import VoteOptions
from emotion.results import Result, Results, without_image
from tests.contradictions import contradictions, decided, write


@pytest.mark.parametrize("causal", [False, True], ids=["as a file", "causal"])
@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_said_in_two_ways(tmp_path, seed, causal):
    options = VoteOptions(causal=causal)
    written = write(decided(seed, options), tmp_path)
    assert list(contradictions(written, options.margin)) == []


def test_python_has_the_summary_that_is_written(tmp_path):
    results = decided(4, VoteOptions())
    reported = Results([Result("made.mp4", False, without_image(one), None) for one in results])
    assert reported.summary().to_dict() == write(results, tmp_path).summary


def test_a_contradiction_would_be_found(tmp_path):
    written = write(decided(5, VoteOptions()), tmp_path)
    values = json.loads(written.outputs.summary.read_text())
    person = values["people"][0]["shares"]
    most = max(person, key=person.__getitem__)
    person[most] -= 0.1
    written.outputs.summary.write_text(json.dumps(values))
    assert any("person 1" in sentence for sentence in contradictions(written, 0.1))
    values["video"]["label"], values["video"]["shares"]["fear"] = "fear", 0.0
    written.outputs.summary.write_text(json.dumps(values))
    assert any("no face ever is" in sentence for sentence in contradictions(written, 0.1))
    text = (
        written.outputs.files["vtt"].read_text().replace("uncertain", "happiness").replace("neutral", "fear")
    )
    written.outputs.files["vtt"].write_text(text)
    assert any(sentence.startswith("vtt") for sentence in contradictions(written, 0.1))
