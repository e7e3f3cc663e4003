"""What results depend on: a run is resumed only where all of it is the same."""

import json
from dataclasses import replace

import numpy as np
import pytest

from emotion.models.engines.session import RegionModel
from emotion.models.manifest import LITE
from emotion.models.options import options_of, with_values
from emotion.models.voting.vote import VoteWeights, WeightedMean
from emotion.provenance import provenance_of_run
from emotion.realtime.options import Options
from emotion.realtime.session import Models
from emotion.realtime.session.policies import EveryFrame
from emotion.videos import Outputs, annotate, dependencies, is_done
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers.clips import clip
from tests.helpers.option_values import another

# How the work is done, where results go, and live sources: none of it changes the results of files.
ONLY_HOW = {
    *("provider", "threads", "workers", "batch", "offline"),
    *("output", "formats", "overwrite", "events", "mjpeg", "metrics", "feed", "lsl", "virtual_camera"),
    *("report", "size", "fps", "mirror", "max_latency", "seconds"),
    *("open_seconds", "stall_seconds", "attempts", "first_delay", "longest_delay"),
    *("models", "regions"),  # what is loaded counts, not its name
}


@pytest.mark.parametrize("one", options_of(Options), ids=lambda one: one.name)
def test_results_depend_on_each_option_that_changes_them(one):
    other = with_values(Options(), {one.name: another(one)})
    same = dependencies(NO_MODELS, other) == dependencies(NO_MODELS, Options())
    assert same == (one.name in ONLY_HOW)


def voted_by(weights):
    return replace(NO_MODELS, weights=weights)


@pytest.fixture(scope="module")
def shipped():
    return VoteWeights.read(LITE)


def test_results_depend_on_the_vote(shipped):
    assert VoteWeights.read(LITE).digest == shipped.digest
    third = replace(shipped.third, mean=shipped.third.mean + np.float32(0.01))
    rules = [
        *(VoteWeights.equal(), shipped, replace(shipped, rule=shipped.rule.cooled(1.5))),
        *(replace(shipped, third=third), VoteWeights(WeightedMean(np.full((2, 6), [[1], [2]], np.float32)))),
    ]
    for found in (dependencies, provenance_of_run):
        reported = [json.dumps(found(voted_by(rule), Options())["models"]) for rule in rules]
        assert len(set(reported)) == len(rules)


def test_results_depend_on_the_networks(monkeypatch):
    models = tuple(RegionModel(LITE, region, "cpu", 1) for region in ("eyes", "lips"))
    weights = VoteWeights.equal()
    some, others = (Models(regions, weights) for regions in (models, models[::-1]))
    assert dependencies(some, Options()) != dependencies(others, Options())


def test_a_video_is_done_until_its_file_or_a_result_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(EveryFrame, "stages", lambda self, models, options: [NoFaces()])
    clip(tmp_path / "a.mp4", 5)
    video = tmp_path / "a.mp4"
    outputs = Outputs.of(video, tmp_path / "out", ("csv",))
    assert not is_done(video, outputs, NO_MODELS, Options())
    annotate(video, outputs, NO_MODELS)
    assert is_done(video, outputs, NO_MODELS, Options())
    assert not is_done(video, outputs, voted_by(VoteWeights.read(LITE)), Options())
    kept = video.read_bytes()
    video.write_bytes(kept + b"more")
    assert not is_done(video, outputs, NO_MODELS, Options())
    video.unlink()
    assert not is_done(video, outputs, NO_MODELS, Options())
