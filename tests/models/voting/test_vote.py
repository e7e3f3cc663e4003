import functools
import json

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, Classes, Emotion
from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.evaluation import weights
from emotion.models.evaluation.predictions import Predictions
from emotion.models.evaluation.success_rates import MAX_RATIO, EmotionWeight, SuccessRate, derive, weigh
from emotion.models.manifest import voting_regions
from emotion.models.regions import EYES, FACE, LIPS, Region, Regions
from emotion.models.schema import Schema
from emotion.models.voting.blendshapes import FILE, train_blendshapes
from emotion.models.voting.vote import LogLinear, VoteWeights, WeightedMean, log_features
from tests.helpers.predictions import faces, labels, predictions, probabilities


def one_hot(*classes):
    return np.eye(6, dtype=np.float32)[list(classes)]


def rows(*shares):
    return np.array(shares, dtype=np.float32)


def said(*regions):
    """Predictions, float32 (regions, n, classes)."""
    return np.stack(regions).astype(np.float32)


def seen(*regions):
    """Float32 (n, regions)."""
    return np.stack(regions, axis=1).astype(np.float32)


def rates(eyes, lips):
    return EmotionWeight("fear", {"eyes": SuccessRate.of(*eyes), "lips": SuccessRate.of(*lips)})


def test_equal_vote_is_the_mean():
    eyes, lips = rows([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), rows([0.1, 0.5, 0.1, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(
        VoteWeights.equal().vote(said(eyes, lips)), [[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]], atol=1e-6
    )


def weighted(eyes=1.0, lips=1.0, temperature=1.0):
    rows = [np.broadcast_to(np.asarray(side, np.float32), 6) for side in (eyes, lips)]
    return VoteWeights(WeightedMean(np.stack(rows), temperature))


def test_the_better_model_rules_where_both_disagree():
    lips = np.ones(6)
    lips[Emotion.FEAR] = 1.5
    vote = weighted(lips=lips).vote(said(one_hot(Emotion.ANGER), one_hot(Emotion.FEAR)))[0]
    assert vote.argmax() == Emotion.FEAR
    assert vote[Emotion.FEAR] / vote[Emotion.ANGER] == pytest.approx(0.6 / 0.5)


def test_a_weight_changes_nothing_where_both_agree():
    both = rows([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    np.testing.assert_allclose(weighted(eyes=np.linspace(1, 2, 6)).vote(said(both, both)), both, atol=1e-6)


def test_a_temperature_sharpens_without_changing_the_prediction():
    eyes, lips = rows([0.4, 0.3, 0.1, 0.1, 0.05, 0.05]), rows([0.3, 0.4, 0.1, 0.1, 0.05, 0.05])
    flat, sharp = weighted().vote(said(eyes, lips))[0], weighted(temperature=0.5).vote(said(eyes, lips))[0]
    np.testing.assert_allclose(sharp, flat**2 / (flat**2).sum(), atol=1e-5)


def test_a_log_linear_rule_of_two_identities_is_the_product():
    product = VoteWeights(LogLinear(np.vstack([np.eye(6)] * 2).astype(np.float32), np.zeros(6, np.float32)))
    eyes, lips = rows([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), rows([0.2, 0.4, 0.1, 0.1, 0.1, 0.1])
    expected = eyes * lips / (eyes * lips).sum()
    np.testing.assert_allclose(product.vote(said(eyes, lips)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "rule",
    [
        WeightedMean(np.ones((2, 6), np.float32), 0.5),
        LogLinear(np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32), np.ones(6, np.float32)),
    ],
)
def test_one_region_alone_says_just_what_it_says(rule):
    eyes, lips = rows([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), rows([0.2, 0.4, 0.1, 0.1, 0.1, 0.1])
    both, eyes, lips = [np.repeat(side, 2, axis=0) for side in (rule(np.stack([eyes, lips])), eyes, lips)]
    vote = VoteWeights(rule).vote(said(eyes, lips), seen([1, 0], [0, 1]))
    np.testing.assert_allclose(vote, [eyes[0], lips[0]], atol=1e-6)
    all_seen = VoteWeights(rule).vote(said(eyes, lips), seen([1, 1], [1, 1]))
    np.testing.assert_allclose(all_seen, both, atol=1e-6)


def test_a_hidden_region_votes_nothing():
    uneven = weighted(eyes=3)
    eyes = one_hot(0, 0, 0)
    lips = one_hot(1, 1, 1)
    vote = uneven.vote(said(eyes, lips), seen([1, 0, 0], [0, 1, 0]))
    np.testing.assert_allclose(vote[:2], one_hot(0, 1))
    assert np.isnan(vote[2]).all()


def test_rates_that_differ_little_count_one():
    row = rates((60, 100), (66, 100))
    assert row.weights == {"eyes": 1.0, "lips": 1.0}
    assert "both count 1" in row.in_words()


def test_a_clear_difference_counts_by_its_ratio():
    row = rates((600, 1000), (890, 1000))
    assert row.weights == {"eyes": 1.0, "lips": 1.483}
    assert "the lips count 1.48 times" in row.in_words()


def test_a_model_at_chance_does_not_silence_itself():
    row = rates((10, 1000), (890, 1000))
    assert row.weights == {"eyes": 1.0, "lips": MAX_RATIO}
    assert rates((900, 1000), (0, 1000)).weights == {"eyes": MAX_RATIO, "lips": 1.0}
    assert rates((0, 0), (0, 0)).weights == {"eyes": 1.0, "lips": 1.0}


def test_derive_counts_recall_by_emotion():
    labels = np.repeat(np.arange(6), 100)
    eyes = one_hot(*labels)
    lips = one_hot(*np.where(labels == Emotion.ANGER, Emotion.NEUTRAL, labels))
    found = derive(labels, said(eyes, lips))
    assert [row.emotion for row in found] == list(EMOTIONS)
    assert found[Emotion.ANGER].rates["eyes"].rate == 1.0
    assert found[Emotion.ANGER].rates["lips"].rate == 0.0
    assert found[Emotion.ANGER].weights["eyes"] > 1
    assert found[Emotion.HAPPINESS].weights == {"eyes": 1.0, "lips": 1.0}


@functools.cache
def fitted(wanted=None):
    return weights.fit_vote(predictions(eyes=1.2, lips=0.8), None, {"faces": 600}, wanted=wanted)


def test_a_saved_vote_comes_back(tmp_path):
    made, learnt = fitted(wanted="source"), predictions(eyes=1.2, lips=0.8)
    weights.save(tmp_path, made)
    again = weights.read(tmp_path)
    assert again.chosen == "source"
    assert again.rates == made.rates
    assert again.comparison == made.comparison
    assert set(again.rules) == {"equal", "source", "product", "stacking"}
    shares = predictions(60).predictions
    for name, rule in made.rules.items():
        np.testing.assert_allclose(again.rules[name](shares), rule(shares), atol=2e-3)
    np.testing.assert_array_equal(again.rules["source"].weights, weigh(learnt.labels, learnt.predictions))
    np.testing.assert_allclose(
        VoteWeights.read(tmp_path).vote(shares), again.rules["source"](shares), atol=1e-6
    )


def test_the_first_format_is_still_read(tmp_path):
    rates = [{side: {"rate": 0.5, "low": 0.4, "high": 0.6, "faces": 9} for side in ("eyes", "lips")}] * 6
    old = {
        "format": 1,
        "rule": "ratio of the success rates",
        "classes": list(EMOTIONS),
        "weights": {"eyes": dict.fromkeys(EMOTIONS, 1.0), "lips": dict.fromkeys(EMOTIONS, 2.0)},
        "success_rates": dict(zip(EMOTIONS, rates, strict=True)),
    }
    (tmp_path / "weights.json").write_text(json.dumps(old))
    vote = VoteWeights.read(tmp_path).vote(said(one_hot(0), one_hot(1)))
    np.testing.assert_allclose(vote[0, :2], [1 / 3, 2 / 3], atol=1e-5)
    assert any("both count 1" in line for line in weights.read(tmp_path).explain())


def test_a_rule_may_be_requested_by_name(tmp_path):
    assert fitted(wanted="stacking").chosen == "stacking"
    with pytest.raises(DatasetError, match=r"equal, source, product, stacking\."):
        fitted(wanted="stacking of three")


def test_the_explanation_says_whether_a_rule_won_or_was_requested():
    undecided = weights.fit_vote(predictions(60), None, {})
    assert undecided.chosen == "source"
    assert "so the source's stays" in undecided.explain()[-1]


def test_too_few_faces_are_refused():
    with pytest.raises(DatasetError, match="too few"):
        weights.fit_vote(predictions(4), None, {})


def test_the_explanation_names_weights_comparison_and_choice():
    text = "\n".join(fitted(wanted="source").explain())
    for part in (*EMOTIONS, "temperature", "stacking: ", "log loss", "uses 'source'"):
        assert part in text
    assert "% on sets it was not fitted to" not in text  # there is one set only


def test_a_third_prediction_counts_where_the_rule_says_so(tmp_path):
    found = predictions(600, eyes=0.2, lips=0.2)
    shapes = np.random.default_rng(0).uniform(0, 0.2, (600, 52)).astype(np.float32)
    shapes[np.arange(600), 8 * found.labels] += 0.5
    third = train_blendshapes(shapes, found.labels, (shapes, found.labels))
    found = predictions(600, eyes=0.2, lips=0.2, blendshapes=shapes)
    made = weights.fit_vote(found, third, {})
    assert made.chosen.endswith("of three")
    weights.save(tmp_path, made, third)
    vote = VoteWeights.read(tmp_path)
    assert vote.third is not None
    third_says = vote.third(shapes)
    with pytest.raises(ValueError, match="blendshapes"):
        vote.vote(found.predictions)
    voted = vote.vote(found.predictions, blendshapes=third_says)
    assert (voted.argmax(axis=1) == found.labels).mean() > 0.9
    # A half hidden face has no blendshapes to trust.
    eyes_alone = vote.vote(found.predictions, seen(np.ones(600), np.zeros(600)), third_says)
    np.testing.assert_array_equal(eyes_alone, found.predictions[0])
    (tmp_path / FILE).write_bytes(b"changed")
    with pytest.raises(ModelFileError, match="sha256"):
        VoteWeights.read(tmp_path)


def test_broken_weight_files_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        VoteWeights.read(tmp_path)
    path = weights.save(tmp_path, fitted(wanted="source"))
    good = json.loads(path.read_text())

    def with_rule(**changes):
        return good | {"rules": {"source": good["rules"]["source"] | changes}}

    ones = dict.fromkeys(EMOTIONS, 1)
    stacking = good["rules"]["stacking"]
    for values, reason in (
        (good | {"classes": ["calm", "tense"]}, "not a table"),
        (good | {"classes": ["calm", "calm"]}, "twice"),
        (good | {"regions": ["eyes", "lips", "brow"]}, "not a table|positive"),
        (good | {"format": 99}, "version"),
        (with_rule(weights={"eyes": dict.fromkeys(EMOTIONS, 0), "lips": ones}), "positive"),
        (with_rule(weights={"eyes": ones}), "positive"),
        (with_rule(temperature=0), "positive"),
        (with_rule(form="oracle"), "not a table"),
        (good | {"rule": "none such"}, "none such"),
        (good | {"rules": {"source": stacking | {"bias": [0, 0]}}}, "6 classes and 2 regions"),
        (good | {"rules": {"source": stacking | {"coefficients": [[None] * 6] * 12}}}, "not a number"),
        ({key: value for key, value in good.items() if key != "rules"}, "not a table"),
        ([], "not a table"),
    ):
        path.write_text(json.dumps(values))
        with pytest.raises(ModelFileError, match=reason):
            VoteWeights.read(tmp_path)


def test_a_region_that_is_surely_or_not_at_all_seen_gives_the_plain_votes():
    weights = VoteWeights.equal()
    eyes, lips = prediction(0.7, 0), prediction(0.6, 3)
    surely = weights.vote(said(eyes, lips), seen([1], [1]))
    np.testing.assert_allclose(surely, weights.vote(said(eyes, lips)), atol=1e-6)
    np.testing.assert_allclose(weights.vote(said(eyes, lips), seen([1], [0])), eyes, atol=1e-6)
    assert np.isnan(weights.vote(said(eyes, lips), seen([0], [0]))).all()


def test_between_them_the_vote_moves_evenly():
    weights = VoteWeights.equal()
    eyes, lips = prediction(0.7, 0), prediction(0.6, 3)
    steps = [weights.vote(said(eyes, lips), seen([1], [share]))[0, 3] for share in np.linspace(0, 1, 6)]
    np.testing.assert_allclose(np.diff(steps), steps[1] - steps[0], atol=1e-6)
    assert np.all(np.diff(steps) > 0)


def test_what_the_unseen_region_says_does_not_matter():
    eyes, nonsense = prediction(0.7, 0), np.full((1, 6), np.nan, np.float32)
    np.testing.assert_allclose(
        VoteWeights.equal().vote(said(eyes, nonsense), seen([1], [0])), eyes, atol=1e-6
    )


def prediction(share, emotion):
    values = np.full((1, 6), (1 - share) / 5, np.float32)
    values[0, emotion] = share
    return values


def test_three_regions_vote_and_those_that_are_seen_share_the_rest():
    classes = Classes(("calm", "tense", "laughing"))
    vote = VoteWeights.equal(classes, ("eyes", "lips", "brow"))
    given = np.repeat(np.eye(3, dtype=np.float32)[:, None], 3, axis=1)
    found = vote.vote(given, np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0]], np.float32))
    np.testing.assert_allclose(found, [[1 / 3] * 3, [0.5, 0, 0.5], [0, 1, 0]], atol=1e-6)


def test_each_rule_of_other_classes_and_regions_comes_back(tmp_path):
    schema = Schema(
        Classes(("calm", "tense", "laughing")), Regions((EYES, LIPS, Region("brow", 0, 0, 128, 40)))
    )
    truth = labels(300) % 3
    given = np.stack([probabilities(truth, 1.0, seed, classes=3) for seed in (1, 2, 3)])
    found = Predictions(faces(truth, schema=schema), given, np.ones((300, 3), np.float32))
    made = weights.fit_vote(found, None, {})
    weights.save(tmp_path, made)
    again = weights.read(tmp_path)
    assert (again.classes.names, again.regions) == (schema.classes.names, ("eyes", "lips", "brow"))
    assert [row.emotion for row in again.rates] == list(schema.classes)
    for name, rule in made.rules.items():
        np.testing.assert_allclose(again.rules[name](given), rule(given), atol=2e-3)


def test_of_three_regions_each_is_measured_by_the_worst():
    right = {"eyes": 900, "lips": 600, "brow": 610}
    found = {name: SuccessRate.of(count, 1000) for name, count in right.items()}
    row = EmotionWeight("tense", found)
    assert row.weights == {"eyes": 1.5, "lips": 1.0, "brow": 1.0}
    assert "are right on 90%, the lips on 60%, the brow on 61%; so the eyes count 1.50" in row.in_words()


def test_some_of_the_regions_vote_by_a_rule_of_their_own(tmp_path):
    truth = labels(300)
    schema = Schema(regions=Regions((EYES, LIPS, FACE)))
    given = np.stack(
        [probabilities(truth, strength, seed) for strength, seed in ((0.4, 1), (0.8, 2), (2, 3))]
    )
    found = Predictions(faces(truth, schema=schema), given, np.ones((300, 3), np.float32))
    weights.save(tmp_path, weights.fit_vote(found, None, {}, "product"))
    whole = VoteWeights.read(tmp_path)
    assert whole.regions == ("eyes", "lips", "face")
    some = VoteWeights.read(tmp_path, ("lips", "face"))
    assert some.regions == ("lips", "face")
    vote = some.vote(given[1:])
    assert not np.allclose(vote, VoteWeights.equal(regions=some.regions).vote(given[1:]), atol=1e-2)
    log_loss = [-np.log(one[np.arange(300), truth]).mean() for one in (vote, given[1:].mean(axis=0))]
    assert log_loss[0] < log_loss[1]
    assert VoteWeights.read(tmp_path, ("eyes",)).rule.prediction_count == 1
    reported = weights.read(tmp_path, ("lips", "face"))
    assert (reported.chosen, list(reported.rates[0].rates)) == ("product", ["lips", "face"])


def test_a_region_may_be_weighed_that_does_not_vote_by_default(tmp_path):
    truth = labels(300)
    schema = Schema(regions=Regions((EYES, LIPS, FACE)))
    given = np.stack(
        [probabilities(truth, strength, seed) for strength, seed in ((0.4, 1), (0.8, 2), (2, 3))]
    )
    found = Predictions(faces(truth, schema=schema), given, np.ones((300, 3), np.float32))
    weights.save(tmp_path, weights.fit_vote(found, None, {}, "product", by_default=("eyes", "lips")))
    plain = VoteWeights.read(tmp_path)
    assert plain.regions == voting_regions(tmp_path) == ("eyes", "lips")
    two = Predictions(faces(truth), given[:2], np.ones((300, 2), np.float32))
    expected = weights.fit_vote(two, None, {}, "product").rules["product"](given[:2])
    np.testing.assert_allclose(plain.vote(given[:2]), expected, atol=2e-3)
    whole = VoteWeights.read(tmp_path, ("eyes", "lips", "face"))
    expected = weights.fit_vote(found, None, {}, "product").rules["product"](given)
    np.testing.assert_allclose(whole.vote(given), expected, atol=2e-3)
    reported = weights.read(tmp_path, ("eyes", "lips", "face"))
    assert (reported.chosen, list(reported.rates[0].rates)) == ("product", ["eyes", "lips", "face"])
    assert list(weights.read(tmp_path).rates[0].rates) == ["eyes", "lips"]
    with pytest.raises(DatasetError, match="no model of the region brow"):
        weights.fit_vote(found, None, {}, by_default=("eyes", "brow"))


def test_without_a_rule_of_their_own_the_mean_of_some_regions_counts(tmp_path):
    weights.save(tmp_path, weights.fit_vote(predictions(120), None, {}))
    path = tmp_path / "weights.json"
    values = json.loads(path.read_text())
    assert sorted(values.pop("choices")) == ["eyes", "lips"]
    path.write_text(json.dumps(values))
    alone = VoteWeights.read(tmp_path, ("lips",))
    lips = prediction(0.6, 3)
    np.testing.assert_allclose(alone.vote(lips[None]), lips, atol=1e-6)
    assert weights.read(tmp_path, ("lips",)).chosen == "equal"
    with pytest.raises(ModelFileError, match="weighs eyes, lips, not face"):
        VoteWeights.read(tmp_path, ("eyes", "face"))


def test_a_cooled_rule_gives_the_same_predictions_less_surely():
    eyes, lips = rows([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), rows([0.2, 0.4, 0.1, 0.1, 0.1, 0.1])
    linear = LogLinear(np.vstack([np.eye(6)] * 2).astype(np.float32), np.linspace(0, 1, 6).astype(np.float32))
    for rule in (WeightedMean(np.ones((2, 6), np.float32), 0.5), linear):
        plain, cool = rule(said(eyes, lips)), rule.cooled(2.0)(said(eyes, lips))
        np.testing.assert_allclose(cool, plain**0.5 / (plain**0.5).sum(), rtol=1e-4)
        assert rule.cooled(2.0).prediction_count == rule.prediction_count == 2


def test_an_emotion_that_is_ruled_out_is_a_millionth():
    assert log_features(said(one_hot(2), one_hot(0)))[0, :3] == pytest.approx([np.log(1e-6)] * 2 + [0])
    assert log_features(said(one_hot(2), one_hot(0))).shape == (1, 12)


def test_rules_are_written_with_four_digits():
    table = WeightedMean(np.full((2, 6), 1.23456, np.float32), 0.87654).to_json(
        Classes(EMOTIONS), ("eyes", "lips")
    )
    assert table["temperature"] == 0.8765
    assert table["weights"] == {name: dict.fromkeys(EMOTIONS, 1.2346) for name in ("eyes", "lips")}
    linear = LogLinear(np.full((12, 6), 1.23456, np.float32), np.full(6, -0.98764, np.float32))
    written = linear.to_json(Classes(EMOTIONS), ("eyes", "lips"))
    assert written["coefficients"] == [[1.2346] * 6] * 12
    assert written["bias"] == [-0.9876] * 6


def test_a_rule_without_a_temperature_has_that_of_one():
    values = WeightedMean(np.ones((2, 6), np.float32), 3.0).to_json(Classes(EMOTIONS), ("eyes", "lips"))
    del values["temperature"]
    assert WeightedMean.from_json(values, Classes(EMOTIONS), ("eyes", "lips")).temperature == 1.0
    assert WeightedMean(np.ones((2, 6), np.float32)).temperature == 1.0


@pytest.mark.parametrize("broken", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("place", ["weight", "temperature"])
def test_weights_and_temperatures_are_positive_numbers(broken, place):
    values = WeightedMean(np.ones((2, 6), np.float32)).to_json(Classes(EMOTIONS), ("eyes", "lips"))
    if place == "weight":
        values["weights"]["lips"]["fear"] = broken
    else:
        values["temperature"] = broken
    with pytest.raises(ValueError, match="positive"):
        WeightedMean.from_json(values, Classes(EMOTIONS), ("eyes", "lips"))


@pytest.mark.parametrize(
    ("shape", "bias", "fits"),
    [
        ((12, 6), 6, True),
        ((18, 6), 6, True),
        ((6, 6), 6, False),
        ((24, 6), 6, False),
        ((12, 5), 6, False),
        ((12, 6), 5, False),
    ],
)
def test_a_log_linear_rule_is_of_the_regions_and_perhaps_the_blendshapes(shape, bias, fits):
    values = {"coefficients": np.zeros(shape).tolist(), "bias": [0.0] * bias}
    if fits:
        rule = LogLinear.from_json(values, Classes(EMOTIONS), ("eyes", "lips"))
        assert rule.prediction_count == shape[0] // 6
    else:
        with pytest.raises(ValueError, match="6 classes and 2 regions"):
            LogLinear.from_json(values, Classes(EMOTIONS), ("eyes", "lips"))


def test_large_logits_overflow_nothing():
    rule = LogLinear(np.zeros((12, 6), np.float32), np.array([1000, 1000, 0, 0, 0, 0], np.float32))
    np.testing.assert_allclose(rule(said(one_hot(0), one_hot(1))), [[0.5, 0.5, 0, 0, 0, 0]], atol=1e-6)


def test_the_file_says_the_second_format(tmp_path):
    path = weights.save(tmp_path, fitted(wanted="source"))
    values = json.loads(path.read_text())
    assert values["format"] == 2
    for other in (0, 3):
        path.write_text(json.dumps(values | {"format": other}))
        with pytest.raises(ModelFileError, match="another version"):
            VoteWeights.read(tmp_path)


def test_a_region_that_is_half_seen_counts_half_of_each_case():
    eyes, lips = prediction(0.7, 0), prediction(0.6, 3)
    both = (eyes + lips) / 2
    vote = VoteWeights.equal().vote(said(eyes, lips), seen([0.5], [0.25]))
    # Both, eyes alone, lips alone; where neither is seen nothing is said.
    wanted = (0.125 * both + 0.375 * eyes + 0.125 * lips) / 0.625
    np.testing.assert_allclose(vote, wanted, atol=1e-6)
