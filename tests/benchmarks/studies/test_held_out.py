"""The studies of the models' predictions on held-out faces: labels of copies, corrections and tables."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotion.benchmarks.studies import calibration, where_it_fails
from emotion.benchmarks.studies.calibration import (
    Copies,
    copies_of,
    corrections,
    guessed_prior,
    with_noise,
    with_prior,
)
from emotion.benchmarks.studies.held_out import HeldOut, light_of
from emotion.models.statistics.calibration import expected_calibration_error
from emotion.models.statistics.intervals import Interval


def made_up(noise: float = 0.5, count: int = 900, seed: int = 0) -> HeldOut:
    """Two clean sets, and one whose labels are drawn anew so often; two predictions on every face."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(6, size=3 * count)
    sets = np.repeat(["clean", "clear", "noisy"], count)
    logits = 1.5 * rng.standard_normal((2, 3 * count, 6)) + 3 * np.eye(6)[truth]
    predictions = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    anew = (sets == "noisy") & (rng.random(3 * count) < noise)
    labels = np.where(anew, rng.integers(6, size=3 * count), truth)
    vote = predictions.prod(axis=0) ** 0.7
    return HeldOut(
        labels=labels,
        sets=sets,
        groups=np.arange(3 * count),
        eye_distance=np.where(np.arange(3 * count) % 2, 40, 100).astype(np.float32),
        alignment_error=np.full(3 * count, 2, np.float32),
        light=np.full(3 * count, 100, np.float32),
        predictions=np.concatenate([predictions, predictions[:1]]).astype(np.float32),
        vote=(vote / vote.sum(axis=1, keepdims=True)).astype(np.float32),
    )


def test_copies_show_how_often_a_sets_labels_contradict_one_another(tmp_path: Path) -> None:
    kept = [
        ("web/anger/1.png", 1),
        ("web/anger/2.png", 1),
        ("web/fear/3.png", 2),
        ("web/fear/4.png", 2),
        ("web/fear/5.png", 2),
        ("web/fear/6.png", 3),
        ("other/fear/7.png", 3),
    ]
    columns = {
        "source": [one for one, _ in kept],
        "group": [group for _, group in kept],
        "split": ["train"] * 7,
    }
    pq.write_table(pa.table(columns), tmp_path / "manifest.parquet")
    with open(tmp_path / "rejected.csv", "w", newline="") as file:
        rows = [("web/anger/8.png", "near duplicates with different labels: group 4")]
        rows += [
            ("web/fear/9.png", "near duplicates with different labels: group 4"),
            ("web/a.png", "no face found"),
        ]
        csv.writer(file).writerows([("source", "reason"), *rows])
    found = copies_of(tmp_path)
    assert list(found) == ["web"]
    assert (found["web"].pairs, found["web"].differ.value) == (2, 0.5)
    assert found["web"].best == pytest.approx(np.sqrt(0.5))


def test_the_noise_that_copies_show_is_that_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(6, size=20_000)
    twice = [np.where(rng.random(20_000) < 0.3, rng.integers(6, size=20_000), truth) for _ in range(2)]
    differ = float((twice[0] != twice[1]).mean())
    assert Copies(20_000, Interval(differ, 0, 1)).noise(6) == pytest.approx(0.3, abs=0.02)


def test_labels_as_noisy_as_copies_show_mend_a_vote_that_is_too_sure() -> None:
    faces = made_up()
    noisy = Copies(900, Interval(5 / 6 * (1 - 0.5**2), 0, 1))
    found = dict(corrections(faces, "noisy", noisy))
    labels = faces.labels[faces.sets == "noisy"]
    errors = {words: expected_calibration_error(labels, vote) for words, vote in found.items()}
    assert errors["rule and temperature of the other sets"] > 0.2
    assert errors["labels as noisy as copies show"] < 0.1
    # A cooler vote is too modest where labels are right; noise is another thing than doubt.
    assert errors["labels as noisy as copies show"] < errors["temperature of the set itself"] < 0.2
    clean = dict(corrections(faces, "clean", None))
    assert "labels as noisy as copies show" not in clean


def test_how_common_emotions_are_is_guessed_from_predictions() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(6, 4000, p=[0.5, 0.3, 0.05, 0.05, 0.05, 0.05])
    logits = 2 * rng.standard_normal((4000, 6)) + 4 * np.eye(6)[truth]
    vote = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    even = np.full(6, 1 / 6)
    prior = guessed_prior(vote, even)
    assert prior[:2] == pytest.approx([0.5, 0.3], abs=0.04)
    assert (with_prior(vote, even, prior).argmax(axis=1) == truth).mean() > (
        vote.argmax(axis=1) == truth
    ).mean()
    np.testing.assert_allclose(with_noise(vote, 0.6).sum(axis=1), 1, atol=1e-5)


def test_offsets_mend_what_a_temperature_cannot() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(6, size=3000)
    logits = rng.standard_normal((3000, 6)) + 2 * np.eye(6)[labels] + np.array([2, 0, 0, 0, 0, 0])
    vote = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    groups = np.arange(3000)
    mended = calibration.out_of_fold(
        labels, vote, groups, lambda y, p: calibration.fit_offsets(y, p, cool=False)
    )
    assert (mended.argmax(axis=1) == labels).mean() > (vote.argmax(axis=1) == labels).mean() + 0.05


def test_the_tables_name_every_set_and_pass_over_what_is_too_rare() -> None:
    faces = made_up(count=120)
    lines = list(where_it_fails.tables(faces, ["clean", "noisy"]))
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    assert "| - | - |" in rows["eyes apart below 32"]
    assert rows["32 to 48"].count("(") == 2
    assert rows["surprise"].endswith(f"{int(((faces.labels == 5) & (faces.sets == 'noisy')).sum())} |")
    assert float(rows["in the mix"].split("|")[2]) < max(
        float(one) for one in rows["of each"].split("|")[2:4]
    )
    every, some = where_it_fails.gain_of_the_surest(faces, faces.sets == "clean")
    assert some > every


def test_light_is_measured_where_the_face_is() -> None:
    crops = np.zeros((2, 4, 4), np.uint8)
    crops[0, :2] = 100
    assert light_of(crops).tolist() == [100, 0]
