"""The study of accuracy: which photographs, what counts as right, and what the tables say."""

from pathlib import Path

import numpy as np
import pytest

from emotion.benchmarks.studies import peer_accuracy
from emotion.benchmarks.studies.peer_accuracy import (
    blocks,
    inputs_of,
    measure,
    name_of,
    photographs_of,
    update,
)
from emotion.benchmarks.studies.peer_scores import MISSED, OTHER, Measured, brief, rows, strongest
from emotion.models.classes import EMOTIONS
from emotion.models.data.image_io import write_png
from emotion.models.data.label_folders import find_photographs
from emotion.models.errors import DatasetError
from tests.helpers.clips import beginning_of_demo
from tests.helpers.shipped_models import shipped_models

HAPPY, NEUTRAL, ANGER = (EMOTIONS.index(name) for name in ("happiness", "neutral", "anger"))


def folder(root: Path, *names: str) -> Path:
    for at, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, np.random.default_rng(at).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    return root


def sources(found):
    return [one.source for one in found]


def test_disgust_is_a_wrong_prediction_or_left_out():
    scores = {"disgust": 0.5, "angry": 0.3, "happy": 0.2}
    assert strongest(scores, other=True) == OTHER
    assert strongest(scores, other=False) == ANGER
    assert strongest({"fearful": 0.6, "surprised": 0.4}, other=True) == EMOTIONS.index("fear")
    assert strongest(None, other=True) == strongest(None, other=False) == MISSED


def test_a_missed_face_is_a_wrong_prediction_and_counted():
    labels = np.array([HAPPY] * 40 + [NEUTRAL] * 20)
    peer = labels.copy()
    peer[:20] = MISSED
    other = peer.copy()
    other[20:30] = OTHER
    ours, theirs = rows(labels, np.arange(60), labels, {"it, usual": (peer, other)})
    assert (ours.accuracy.value, theirs.accuracy.value) == (1, pytest.approx(40 / 60))
    assert (theirs.missed, theirs.with_other) == (20, pytest.approx(0.5))
    assert theirs.balanced.value == pytest.approx(0.75)
    assert theirs.recalls == {"happiness": 0.5, "neutral": 1.0}
    assert theirs.both == (1, 1)
    assert theirs.gain.value == pytest.approx(1 / 3)
    assert theirs.gain.low > 0.2
    assert theirs.gain_balanced.value == pytest.approx(0.25)
    assert ours.gain is None


def test_a_peer_that_is_better_is_reported_as_better():
    labels = np.array([HAPPY, NEUTRAL] * 30)
    wrong = np.where(np.arange(60) < 15, ANGER, labels)
    found = rows(labels, np.arange(60), wrong, {"it, a": (wrong, wrong), "it, b": (labels, labels)})
    assert [row.gain.value for row in found[1:]] == [0, -0.25]
    assert found[2].gain.high < 0
    (_, _, line) = brief([Measured("london", 60, 60, 0, tuple(found))], "it")
    assert line.startswith("| london, 60 | 75.0 (")
    assert "| 100.0 (100.0 to 100.0), b | -25.0 (" in line


def test_copies_of_a_photograph_widen_the_interval():
    labels = np.array([HAPPY] * 60)
    predictions = np.where(np.arange(60) % 6 < 3, HAPPY, NEUTRAL)
    alone = rows(labels, np.arange(60), predictions, {})[0].accuracy
    copies = rows(labels, np.arange(60) // 3, predictions, {})[0].accuracy
    assert copies.high - copies.low > 1.4 * (alone.high - alone.low)


def test_the_part_is_found_by_folders_or_by_a_table(tmp_path):
    one = folder(tmp_path / "one", "test/anger/1.png", "train/anger/2.png")
    assert sources(photographs_of(str(one), {})) == ["one/test/anger/1.png"]
    listed = {"one/train/anger/2.png": "validation"}
    assert sources(photographs_of(f"{one}=validation", listed)) == ["one/train/anger/2.png"]
    assert sources(photographs_of(f"{one}=unlisted", listed)) == ["one/test/anger/1.png"]
    plain = folder(tmp_path / "plain", "anger/1.png", "fear/2.png")
    assert len(photographs_of(str(plain), {})) == 2
    assert sources(photographs_of(str(plain), {"plain/anger/1.png": "test"})) == ["plain/anger/1.png"]
    for given, parts in ((f"{one}=validation", {}), (plain, {"plain/anger/1.png": "train"})):
        with pytest.raises(DatasetError, match="--parts"):
            photographs_of(str(given), parts)
    assert (name_of(str(one)), name_of(f"{one}=val")) == ("one", "one, validation")


def test_fewer_photographs_are_among_more(tmp_path):
    root = folder(tmp_path / "set", *(f"{name}/{at}.png" for name in ("anger", "fear") for at in range(9)))
    few, more = (sources(photographs_of(str(root), {}, most)) for most in (3, 5))
    assert (len(few), len(more)) == (6, 10)
    assert set(few) < set(more)


def test_small_photographs_are_enlarged_and_framed():
    shown = inputs_of(np.full((50, 100, 3), 7, np.uint8))
    assert shown.image.shape == (200, 400, 3)
    assert shown.framed.shape == (300, 500, 3)
    assert (shown.framed == 7).all()
    assert inputs_of(np.zeros((300, 200, 3), np.uint8)).image.shape == (300, 200, 3)


class SaysHappy:
    """A peer that sees happiness in every picture, and no face without a border."""

    name = "it"

    def predictions(self, pictures):
        return [{"usual": None, "border": {"happy": 0.9, "disgust": 0.1}} for _ in pictures]


def test_a_folder_is_measured_and_its_tables_are_put_into_a_page(tmp_path):
    (_, face), *_ = beginning_of_demo(1)
    for name in ("happiness", "neutral"):
        (tmp_path / "set" / name).mkdir(parents=True)
        write_png(tmp_path / "set" / name / "1.png", face)
    write_png(tmp_path / "set" / "neutral" / "gray.png", np.full((64, 64, 3), 128, np.uint8))
    photographs = list(find_photographs(tmp_path / "set"))
    found = measure("set", photographs, shipped_models(), [SaysHappy()])
    assert (found.photographs, found.groups) == (3, 2)
    assert [row.program for row in found.rows] == ["emotion-live", "it, usual", "it, border"]
    assert [row.missed for row in found.rows] == [1, 3, 0]
    assert found.rows[2].accuracy.value == pytest.approx(1 / 3)
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- scores of it -->\nold\n<!-- end of it -->\n\nafter\n", encoding="utf-8")
    update(page, blocks([found], "it"))
    text = page.read_text(encoding="utf-8")
    assert "| set, 3 | " in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "recall" not in text


def test_a_peer_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(peer_accuracy.typer.BadParameter, match="abacus"):
        peer_accuracy.main([str(tmp_path)], tmp_path, peers="abacus")
