"""Peers are run once per picture, and their predictions are kept."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emotion.benchmarks.studies import fer_predictions, peer_predictions
from emotion.benchmarks.studies.peer_predictions import Inputs, Journal, command_of, predictions_of
from emotion.models.errors import DatasetError, MissingDependencyError
from tests.fakes import peer_program
from tests.helpers.paths import ROOT


def picture(gray: int) -> Inputs:
    return Inputs(np.full((4, 6, 3), gray, np.uint8), np.full((8, 10, 3), gray, np.uint8))


def peer(lasts: int = 100) -> list[str]:
    return [sys.executable, str(peer_program.__file__), str(lasts)]


def refuse() -> list[str]:
    raise AssertionError("it was started")


def test_a_peer_predicts_once_per_picture_and_not_started_for_what_is_known(tmp_path):
    inputs = [picture(0), picture(255)]
    found = list(predictions_of("it", peer, Journal(tmp_path / "new" / "it.jsonl"), inputs))
    assert [one["usual"]["happy"] for one in found] == [0, 1]
    assert all(one["border"] for one in found)
    again = Journal(tmp_path / "new" / "it.jsonl")
    assert again.versions == ("1.5",)
    assert list(predictions_of("it", refuse, again, inputs)) == found


def test_a_stopped_run_goes_on_after_its_last_complete_prediction(tmp_path):
    path = tmp_path / "it.jsonl"
    list(predictions_of("it", peer, Journal(path), [picture(0), picture(1)]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    inputs = [picture(0), picture(1)]
    # Only the second is predicted again, so that one prediction is enough.
    assert len(list(predictions_of("it", lambda: peer(1), Journal(path), inputs))) == 2
    assert path.read_bytes() == whole


def test_the_reason_why_a_peer_ended_is_named(tmp_path):
    journal = Journal(tmp_path / "it.jsonl")
    with pytest.raises(MissingDependencyError, match="it ended: out of predictions"):
        list(predictions_of("it", lambda: peer(1), journal, [picture(0), picture(1)]))
    assert journal.predictions(picture(0).key) is not None
    with pytest.raises(MissingDependencyError, match="cannot be started"):
        list(predictions_of("it", lambda: ["/no/such/program"], journal, [picture(2)]))


def test_another_file_is_no_journal(tmp_path):
    (tmp_path / "it.jsonl").write_text("[1]\n")
    with pytest.raises(DatasetError, match=r"it\.jsonl is no file of predictions"):
        Journal(tmp_path / "it.jsonl")


def test_pictures_are_told_apart_by_their_pixels_and_form():
    wide = np.zeros((2, 6, 3), np.uint8)
    keys = {Inputs(one, one).key for one in (wide, wide.reshape(6, 2, 3), wide + 1)}
    assert len(keys) == 3
    assert Inputs(wide, wide).key in keys


def test_a_peer_that_is_installed_is_not_installed_again(tmp_path):
    modules = tmp_path / "face-api" / "node_modules"
    modules.mkdir(parents=True)
    (modules / ".package-lock.json").touch()
    assert command_of("face-api", tmp_path)[-1] == str(tmp_path / "face-api")
    (tmp_path / "fer").mkdir()
    (tmp_path / "fer" / "installed").touch()
    assert command_of("fer", tmp_path)[0].startswith(str(tmp_path / "fer"))


def test_without_npm_a_peer_is_named_that_cannot_be_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"face-api could not be installed.*npm"):
        command_of("face-api", tmp_path)


def test_fer_predicts_for_the_largest_face():
    small = {"box": [0, 0, 5, 5], "emotions": {"happy": 1.0}}
    large = {"box": [5, 5, 9, 9], "emotions": {"happy": 0.2, "sad": 0.8}}
    assert fer_predictions.largest([small, large]) == large["emotions"]
    assert fer_predictions.largest([]) is None


def test_fers_own_script_needs_nothing_of_this_program():
    path = Path(str(fer_predictions.__file__))
    done = subprocess.run([sys.executable, "-P", str(path)], capture_output=True, text=True, check=False)
    assert "No module named 'fer'" in done.stderr
    assert "import emotion" not in path.read_text(encoding="utf-8")
    assert (ROOT / "benchmarks" / "studies" / "face_api_predictions.cjs").is_file()
    assert peer_predictions.PEERS == ("fer", "face-api")
