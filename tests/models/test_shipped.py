import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.cli import app as cli
from emotion.cli import doctor
from emotion.models import checksums
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError, ShippedModelsError
from emotion.models.evaluation import weights
from emotion.models.evaluation.evaluate import evaluate
from emotion.models.evaluation.records import record
from emotion.models.manifest import LITE, ZOO, read_manifest, voting_regions
from emotion.models.regions import FACE
from emotion.models.shipped import is_shipped, previous_path, put, put_text, refuse_shipped, workshop
from emotion.models.small_files import read_json
from emotion.models.voting.vote import VoteWeights
from tests.helpers.predictions import predictions


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


@pytest.fixture
def unchanged():
    """Whatever a test does: afterwards the models that ship are those of the release."""
    yield
    assert checksums.changed() == []
    assert not list(ZOO.rglob("*previous*"))


def test_the_readme_and_the_cards_say_the_scores_of_the_files_that_ship():
    root = Path(__file__).parents[2]
    readme = (root / "README.md").read_text(encoding="utf-8")
    for folder in (ZOO, LITE):
        card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
        vote = read_json(folder / "weights.json")["scores"]
        assert set(vote) == {"web-faces/test", "FER+ test", "news-faces/test"}
        for name, scores in vote.items():
            eyes, lips = (read_manifest(folder, region).scores[name] for region in ("eyes", "lips"))
            for said in (scores, eyes, lips):
                low, high = (100 * said[f"accuracy_{end}"] for end in ("low", "high"))
                words = f"({low:.1f} to {high:.1f})"
                assert words in card
                assert words in readme or name == "news-faces/test"


def test_the_vote_that_ships_is_calibrated_on_sets_it_was_not_fitted_to_but_the_noisy_one():
    for folder in (ZOO, LITE):
        fitted = weights.read(folder)
        (row,) = (row for row in fitted.comparison if row.rule == fitted.chosen)
        errors = row.calibration_errors
        assert errors.keys() == {"rafdb", "ferplus", "web-faces", "news-faces"}
        assert max(errors["rafdb"], errors["ferplus"]) <= 0.06
        assert row.elsewhere == pytest.approx(0.76, abs=0.02)


def test_the_whole_face_votes_only_where_it_is_named():
    assert voting_regions(LITE) == VoteWeights.read(LITE).regions == ("eyes", "lips")
    asked = VoteWeights.read(LITE, ("eyes", "lips", "face"))
    assert (asked.regions, asked.rule.prediction_count, asked.third is not None) == (
        ("eyes", "lips", "face"),
        4,
        True,
    )
    assert read_manifest(LITE, "face").where == FACE
    assert VoteWeights.read(LITE, ("face",)).rule.prediction_count == 2


def test_the_face_model_gives_probabilities_of_crops_of_its_place():
    model = RegionModel(LITE, "face", "cpu")
    said = model(np.zeros((2, *FACE.size), np.uint8))
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert said.shape == (2, 6)


def test_the_release_has_the_checksums_of_its_models():
    """After a model was replaced: ``python -m emotion.models.checksums``, and say so in the changelog."""
    assert checksums.read() == checksums.compute()
    assert {
        "eyes.onnx",
        "lite/eyes.int8.onnx",
        "weights.json",
        "face_landmarker.task",
    } <= checksums.read().keys()


def test_no_model_is_stored_twice():
    large = [digest for name, digest in checksums.read().items() if name.endswith((".onnx", ".task"))]
    assert len(large) == len(set(large))


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_sha256sum_reads_them_too():
    subprocess.run(["sha256sum", "--check", "--quiet", checksums.FILE], cwd=ZOO, check=True)


def test_what_is_not_of_the_release_is_found(tmp_path):
    copy = tmp_path / "zoo"
    shutil.copytree(LITE, copy)
    checksums.write(copy)
    assert checksums.changed(copy) == []
    # As somebody would who makes a model anew: its manifest fits it.
    (copy / "eyes.onnx").write_bytes(b"another model")
    (copy / "lips.onnx").unlink()
    (copy / "more.onnx").touch()
    assert checksums.changed(copy) == ["eyes.onnx", "lips.onnx", "more.onnx"]
    (copy / checksums.FILE).unlink()
    assert "weights.json" in checksums.changed(copy)


def test_doctor_compares_with_the_release(monkeypatch):
    check = next(check for check in doctor.CHECKS if check.part == "Models")
    assert "checksums right" in doctor.examine(check).found
    monkeypatch.setattr(checksums, "changed", lambda folder: ["weights.json"])
    finding = doctor.examine(check)
    assert not finding.works
    assert finding.found == "not as released: weights.json"
    assert finding.advice == "Install emotion-live again."


def test_the_shipped_folder_is_told_by_any_name(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(ZOO)
    (tmp_path / "lite").symlink_to(LITE)
    monkeypatch.chdir(ZOO.parent)
    places = [
        ZOO,
        LITE,
        ZOO / "new" / "folder",
        tmp_path / "link",
        tmp_path / "link" / "lite",
        tmp_path / "lite",
    ]
    for place in (*places, Path("zoo"), Path("zoo/../zoo/lite")):
        assert is_shipped(place)
        with pytest.raises(ShippedModelsError, match="emotion models copy lite my-model"):
            refuse_shipped(place)
    for place in (tmp_path, tmp_path / "zoo", ZOO.parent, Path("mine")):
        assert not is_shipped(place)


def test_the_shipped_folder_of_another_checkout_is_recognised(tmp_path):
    other = tmp_path / "models" / "zoo"
    (other / "lite").mkdir(parents=True)
    for file in (other / checksums.FILE, other / "__init__.py", tmp_path / "models" / "manifest.py"):
        file.touch()
    assert is_shipped(other)
    assert is_shipped(other / "lite")
    assert not is_shipped(tmp_path / "models")


COMMANDS = [
    ["weights"],
    ["weights", "--models", "lite"],
    ["quantise"],
    ["quantise", "eyes", "--models", "lite"],
    ["evaluate", "--record"],
    ["evaluate", "-o", "link"],
    ["export", "eyes", "-o", "link"],
    ["train", "eyes", "--run", "link/run"],
    ["dataset", "faces", "-o", "link"],
    ["models", "copy", "lite", "link"],
    ["models", "copy", "lite", "link/new"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_writes_into_it(tmp_path, monkeypatch, capsys, unchanged, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(ZOO)
    (tmp_path / "faces").mkdir()
    assert run(monkeypatch, *command) == 2
    assert (
        "copy them with 'emotion models copy lite my-model' and name that folder" in capsys.readouterr().err
    )


def test_no_function_writes_into_it(tmp_path, unchanged):
    (tmp_path / "weights.json").touch()
    with pytest.raises(ShippedModelsError):
        put(tmp_path / "weights.json", LITE)
    with pytest.raises(ShippedModelsError):
        put_text("", ZOO / "weights.json")
    with pytest.raises(ShippedModelsError), workshop(ZOO):
        pass
    with pytest.raises(ShippedModelsError):
        weights.save(ZOO, weights.fit_vote(predictions(120), None, {}))
    with pytest.raises(ShippedModelsError):
        record(ZOO, "mine", evaluate(predictions(), VoteWeights.equal(), {}, about={}), [])


@pytest.mark.parametrize(("name", "folder"), [("standard", ZOO), ("lite", LITE)])
def test_a_copy_is_whole_and_ones_own(tmp_path, monkeypatch, capsys, name, folder):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "models", "copy", name, "my-model") == 0
    assert capsys.readouterr().out == "Copied to my-model: use it with --models my-model\n"
    copied = {path.name: path.read_bytes() for path in (tmp_path / "my-model").iterdir()}
    face = {path.name for path in LITE.glob("face.*")}
    assert copied.keys() == {path.name for path in LITE.iterdir()} - (set() if folder == LITE else face)
    lies = {path.name: path for path in (*LITE.iterdir(), *folder.iterdir())}
    for file, content in copied.items():
        # A copy has its models beside their manifests, wherever these were.
        assert content == lies[file].read_bytes().replace(b'"file": "lite/', b'"file": "')
    for region in ("eyes", "lips"):
        for precision in ("fp32", "int8"):
            found = read_manifest(tmp_path / "my-model", region, precision)
            assert (tmp_path / "my-model" / found.file).parent == tmp_path / "my-model"
            assert found.sha256 == read_manifest(folder, region, precision).sha256
    assert not is_shipped(tmp_path / "my-model")
    assert run(monkeypatch, "models", "copy", "my-model", "second") == 0


def test_a_copy_replaces_nothing_and_needs_a_whole_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert run(monkeypatch, "models", "copy", "lite", tmp_path / "mine") == 6
    assert "is there already" in capsys.readouterr().err
    (tmp_path / "half").mkdir()
    for file in ("eyes.onnx", "eyes.json", "lips.onnx", "lips.json"):
        shutil.copy(LITE / file, tmp_path / "half")
    assert run(monkeypatch, "models", "copy", tmp_path / "half", tmp_path / "new") == 4
    assert "lacks weights.json" in capsys.readouterr().err
    assert run(monkeypatch, "models", "copy", tmp_path / "none", tmp_path / "new") == 4
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_what_is_replaced_stays_as_the_previous_version(tmp_path):
    path = tmp_path / "weights.json"
    put_text("first", path)
    assert not previous_path(path).exists()
    put_text("second", path)
    put_text("second", path)  # says nothing new
    assert path.read_text() == "second"
    assert (tmp_path / "weights.previous.json").read_text() == "first"
    assert sorted(tmp_path.iterdir()) == [path, previous_path(path)]


def test_a_link_to_a_model_that_ships_is_replaced_and_not_followed(tmp_path, unchanged):
    path = tmp_path / "weights.json"
    path.symlink_to(ZOO / "weights.json")
    put_text("mine", path)
    assert path.read_text() == "mine"
    assert not path.is_symlink()
    assert previous_path(path).read_bytes() == (ZOO / "weights.json").read_bytes()


def test_scores_leave_the_files_before_them(tmp_path):
    shutil.copytree(LITE, tmp_path / "mine")
    manifests = [read_manifest(tmp_path / "mine", region) for region in ("eyes", "lips")]
    record(tmp_path / "mine", "mine", evaluate(predictions(), VoteWeights.equal(), {}, about={}), manifests)
    for name in ("eyes.json", "lips.json", "weights.json", "MODEL_CARD.md"):
        path = tmp_path / "mine" / name
        assert previous_path(path).read_bytes() == (LITE / name).read_bytes() != path.read_bytes()


def test_weights_leave_the_files_before_them(tmp_path):
    put_text("{}", tmp_path / "weights.json")
    weights.save(tmp_path, weights.fit_vote(predictions(120), None, {}))
    assert (tmp_path / "weights.previous.json").read_text() == "{}"
    VoteWeights.read(tmp_path)


def test_an_export_that_does_not_hold_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    """Without a training: what stands between the network and the folder is left out."""
    module = pytest.importorskip("emotion.exporters.export", reason="needs the extra 'train'")
    shutil.copytree(LITE, tmp_path / "mine")

    class Faces(list):
        labels = crops = lambda self: None

    for name, answer in {
        "_load": None,
        "load_region": Faces(),
        "_calibrate": 1.0,
        "to_onnx": b"",
        "store_weights_as_fp16": b"graph",
        "RegionModel": None,
    }.items():
        monkeypatch.setattr(module, name, lambda *args, answer=answer, **options: answer)
    monkeypatch.setattr(module.networks, "for_inference", lambda *args: None)
    monkeypatch.setattr(module.networks, "identify", lambda network: ("eyes", "resnet29"))
    monkeypatch.setattr(module.onnx, "save", lambda graph, path: path.write_bytes(graph))
    parity = SimpleNamespace(holds=False)
    monkeypatch.setattr(module, "compare", lambda *args: parity)
    with pytest.raises(ModelFileError, match="would not say what"):
        module.export("eyes", tmp_path / "model.keras", tmp_path, tmp_path / "mine")
    assert {p.name: p.read_bytes() for p in (tmp_path / "mine").iterdir()} == {
        p.name: p.read_bytes() for p in LITE.iterdir()
    }
    parity.holds = True
    made = module.export("eyes", tmp_path / "model.keras", tmp_path, tmp_path / "mine")
    assert made.model.read_bytes() == b"graph"
    for name in ("eyes.onnx", "eyes.json"):
        assert previous_path(tmp_path / "mine" / name).read_bytes() == (LITE / name).read_bytes()
