import json
import shutil

import numpy as np
import pytest

from emotion.cli import app as cli
from emotion.models.classes import EMOTIONS
from emotion.models.data import dataset
from emotion.models.data.dataset import DatasetOptions, make_dataset
from emotion.models.data.image_io import write_png
from emotion.models.errors import ModelFileError
from emotion.models.manifest import LITE
from emotion.models.voting.vote import VoteWeights
from tests.helpers.landmarks import landmarks


class FakeFace:
    points = landmarks(0.25)

    def __init__(self, image):
        self.blendshapes = np.resize(image.ravel() / 255, 52).astype(np.float32)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A data set of noise that passes for faces, and a copy of the models that ship."""
    random = np.random.default_rng(0)
    for label in EMOTIONS:
        for i in range(12):
            noise = random.integers(0, 255, (40, 40, 3), dtype=np.uint8)
            write_png(tmp_path / "faces" / label / f"{i}.png", noise)
    monkeypatch.setattr(dataset, "in_processes", lambda look, items, workers, start: map(look, items))
    monkeypatch.setattr(dataset, "_start_worker", lambda: None)
    monkeypatch.setattr(dataset, "_landmarker", None, raising=False)
    monkeypatch.setattr(dataset, "find_portrait", lambda landmarker, image: FakeFace(image))
    make_dataset([tmp_path / "faces"], tmp_path / "data", DatasetOptions(validation=0.4, test=0.1))
    models = tmp_path / "models"
    models.mkdir()
    for name in ("eyes.onnx", "eyes.json", "lips.onnx", "lips.json"):
        shutil.copy(LITE / name, models)
    return tmp_path / "data", models


def run(monkeypatch, command, *arguments):
    monkeypatch.setattr("sys.argv", ["emotion", command, *map(str, arguments)])
    return cli.run()


def test_weights_are_fitted_explained_and_used(folders, monkeypatch, capsys):
    data, models = folders
    assert run(monkeypatch, "weights", "--data", data, "--models", models) == 0
    values = json.loads((models / "weights.json").read_text())
    assert values["faces"] > 10
    assert len(values["comparison"]) == 7
    assert (models / "blendshapes.npz").exists()
    VoteWeights.read(models)
    capsys.readouterr()
    assert run(monkeypatch, "evaluate", data, "--part", "validation", "--models", models) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "near duplicates of the models' validation faces" in said, "the vote was fitted to them"
    assert "There are no others" in said
    assert "The training faces of the eyes, the lips are not known." in said
    assert run(monkeypatch, "weights", "--models", models, "--explain") == 0
    said = capsys.readouterr().out
    assert all(emotion in said for emotion in EMOTIONS)
    assert "The vote uses" in said
    assert run(monkeypatch, "evaluate", data, "--models", models, "-o", data / "report") == 0
    report = json.loads((data / "report" / "report.json").read_text())
    assert set(report["scores"]) == {"eyes", "lips", "blendshapes", "vote"}
    assert "stacking of three" in report["rules"]


def test_a_model_of_which_the_data_set_has_no_crops_is_left_out(folders, monkeypatch, capsys):
    data, models = folders
    for name in ("face.onnx", "face.json"):
        shutil.copy(LITE / name, models)
    assert run(monkeypatch, "weights", "--data", data, "--models", models) == 0
    assert json.loads((models / "weights.json").read_text())["regions"] == ["eyes", "lips"]
    assert "model of the face is left out" in capsys.readouterr().err
    assert run(monkeypatch, "weights", "--data", data, "--models", models, "--regions", "eyes,lips,face") == 3
    assert "emotion dataset --region face" in " ".join(capsys.readouterr().err.split())


def test_each_region_is_quantised_whatever_becomes_of_another(folders, monkeypatch, capsys):
    data, models = folders
    quantise = pytest.importorskip("emotion.exporters.quantise")
    asked = []

    def refuse(region, *_):
        asked.append(region)
        raise ModelFileError(f"the {region} do not pass")

    monkeypatch.setattr(quantise, "quantise", refuse)
    assert run(monkeypatch, "quantise", "--data", data, "--models", models) == ModelFileError.exit_code
    assert asked == ["eyes", "lips"]
    assert "the eyes do not pass" in capsys.readouterr().err


def test_the_blendshapes_may_be_left_out_and_a_rule_requested(folders, monkeypatch, capsys):
    data, models = folders
    arguments = ("--data", data, "--models", models, "--no-blendshapes")
    assert run(monkeypatch, "weights", *arguments, "--rule", "product") == 0
    values = json.loads((models / "weights.json").read_text())
    assert values["rule"] == "product"
    assert not (models / "blendshapes.npz").exists()
    assert run(monkeypatch, "weights", *arguments, "--rule", "oracle") == 3
    assert "There is no rule 'oracle'" in capsys.readouterr().err
    assert json.loads((models / "weights.json").read_text()) == values


def test_a_folder_where_quantise_wants_a_region_is_said_to_be_none(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["emotion", "quantise", "my-model", "--models", str(LITE)])
    assert cli.run() == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "my-model is no region of" in said
    assert "named with --models" in said
