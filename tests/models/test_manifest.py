import json
import shutil

import numpy as np
import pytest

from emotion.models.classes import SIX, Classes
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.faces.mediapipe_landmarker import MODEL_PATH, MODEL_SHA256
from emotion.models.manifest import (
    LITE,
    ZOO,
    ModelManifest,
    model_path,
    read_manifest,
    regions_there,
    schema_of,
    voting_regions,
)
from emotion.models.regions import FACE, REGIONS, Region
from emotion.models.small_files import sha256
from emotion.models.voting.vote import VoteWeights


@pytest.fixture
def zoo(tmp_path):
    """A copy of the small model, to be spoilt."""
    for name in ("lips.onnx", "lips.json"):
        shutil.copy(LITE / name, tmp_path)
    return tmp_path


def spoil(folder, **values):
    path = folder / "lips.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_models_that_ship_are_the_ones_their_manifests_speak_of():
    for region in REGIONS.names:
        assert read_manifest(ZOO, region).classes == SIX
        assert read_manifest(ZOO, region).where == REGIONS[region]
    assert sha256(MODEL_PATH) == MODEL_SHA256
    VoteWeights.read(ZOO)


@pytest.mark.parametrize("region", REGIONS.names)
def test_a_model_gives_probabilities_for_any_number_of_faces(region):
    model = RegionModel(ZOO, region, "cpu")
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (5, *REGIONS[region].size), dtype=np.uint8)
    together = model(crops)
    assert together.shape == (5, 6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([model([crop]) for crop in crops]), together, atol=1e-5)
    assert model([]).shape == (0, 6)


def test_a_black_crop_does_not_upset_a_model():
    model = RegionModel(ZOO, "lips", "cpu")
    assert np.isfinite(model(np.zeros((1, *REGIONS["lips"].size), np.uint8))).all()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"format": 99}, "format 99"),
        ({"classes": ["calm", "calm"]}, "twice"),
        ({"classes": ["calm", "uncertain"]}, "something else"),
        ({"colours": {"dark": ["#FFFFFF"]}}, "colours"),
        ({"place": {"left": 0}}, "not a model manifest"),
        ({"place": {"left": 0, "top": 0, "width": 128, "height": 128}}, "wants crops"),
        ({"size": [10, 10]}, "wants crops"),
        ({"region": "eyes"}, "not the lips"),
        ({"sha256": "0" * 64}, "wrong sha256"),
        ({"size": None}, "not a model manifest"),
        ({"surprising": 1}, "not a model manifest"),
        ({"temperature": "warm"}, "'temperature' is no positive number"),
        ({"temperature": True}, "'temperature' is no positive number"),
        ({"temperature": -1}, "'temperature' is no positive number"),
        ({"temperature": float("nan")}, "'temperature' is no positive number"),
        ({"temperature": 10**400}, "not a model manifest"),
        ({"data": 5}, "'data' is no text"),
        ({"scores": []}, "'scores' is no object"),
        ({"file": "../lips.onnx"}, "'file' is no name"),
        ({"file": "/lips.onnx"}, "'file' is no name"),
        ({"file": "lite/../../lips.onnx"}, "'file' is no name"),
        ({"file": "C:lips.onnx"}, "'file' is no name"),
        ({"file": "..\\lips.onnx"}, "'file' is no name"),
        ({"file": ""}, "'file' is no name"),
        ({"file": ["lips.onnx"]}, "'file' is no text"),
        ({"size": "ab"}, "wants crops"),
        ({"region": ["lips"]}, "'region' is no text"),
        ({"classes": 7}, "not a model manifest"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_a_sentence(zoo, values, reason):
    spoil(zoo, **values)
    with pytest.raises(ModelFileError, match=reason):
        RegionModel(zoo, "lips")


def test_a_model_may_lie_in_a_folder_below_its_manifest(zoo):
    (zoo / "shared").mkdir()
    (zoo / "lips.onnx").rename(zoo / "shared" / "lips.onnx")
    spoil(zoo, file="shared/lips.onnx")
    assert model_path(zoo, "lips") == zoo / "shared" / "lips.onnx"
    assert RegionModel(zoo, "lips", "cpu").manifest.file == "shared/lips.onnx"
    assert model_path(zoo, "eyes") == zoo / "eyes.onnx"


def test_changed_missing_and_broken_files_are_refused(zoo):
    with open(zoo / "lips.onnx", "ab") as file:
        file.write(b"more")
    with pytest.raises(ModelFileError, match="damaged or changed"):
        RegionModel(zoo, "lips")
    spoil(zoo, sha256=sha256(zoo / "lips.onnx"))
    (zoo / "lips.onnx").write_bytes(b"not a model")
    spoil(zoo, sha256=sha256(zoo / "lips.onnx"))
    with pytest.raises(ModelFileError, match="cannot load"):
        RegionModel(zoo, "lips")
    (zoo / "lips.onnx").unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        RegionModel(zoo, "lips")
    (zoo / "lips.json").write_text("{")
    with pytest.raises(ModelFileError, match="not a model manifest"):
        RegionModel(zoo, "lips")


def test_a_name_that_no_models_have_is_distinguished_from_models_that_are_damaged(tmp_path):
    with pytest.raises(ModelFileError, match=r"There is no model folder .*nowhere: 'emotion models list'"):
        read_manifest(tmp_path / "nowhere", "eyes")


def test_a_folder_of_other_things_is_no_damaged_installation(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ModelFileError, match=r"has no models: 'emotion models list'"):
        read_manifest(tmp_path, "eyes")
    (tmp_path / "lips.json").touch()
    with pytest.raises(ModelFileError, match=r"eyes\.json cannot be read"):
        read_manifest(tmp_path, "eyes")


OTHERS = Classes(("calm", "tense"), ("#FFFFFF", "#EEEEEE"), ("#000000", "#111111"), neutral="calm")


def manifest(region, **more):
    return ModelManifest(region, "a network", f"{region}.onnx", "", "float32", (48, 96), **more)


def test_other_classes_and_places_come_back(tmp_path):
    (tmp_path / "brow.onnx").write_bytes(b"a net")
    digest = sha256(tmp_path / "brow.onnx")
    place = Region("brow", 0, 0, 128, 64)
    made = ModelManifest(
        "brow", "a network", "brow.onnx", digest, "float32", (48, 96), classes=OTHERS, place=place
    )
    made.save(tmp_path)
    assert read_manifest(tmp_path, "brow") == made


def test_a_region_of_another_name_says_where_it_is(tmp_path):
    (tmp_path / "brow.onnx").write_bytes(b"a net")
    ModelManifest("brow", "a network", "brow.onnx", "", "float32", (48, 96)).save(tmp_path)
    with pytest.raises(ModelFileError, match="where the brow are"):
        read_manifest(tmp_path, "brow")


def test_the_models_of_a_folder_have_the_same_classes():
    with pytest.raises(ModelFileError, match="different classes"):
        schema_of([manifest("eyes"), manifest("lips", classes=OTHERS)])
    found = schema_of([manifest("lips"), manifest("eyes")])
    assert (found.classes, found.regions.names) == (SIX, ("lips", "eyes"))


def test_which_regions_vote_stands_with_the_weights(tmp_path):
    for name in ("brow", "lips"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"region": name}))
    assert voting_regions(tmp_path) == ("lips", "brow")
    (tmp_path / "weights.json").write_text(json.dumps({"regions": ["brow", "lips"]}))
    assert voting_regions(tmp_path) == ("brow", "lips")
    (tmp_path / "weights.json").write_text(json.dumps({"format": 2}))
    assert voting_regions(tmp_path) == ("eyes", "lips")


def test_a_model_has_as_many_outputs_as_its_manifest_has_classes(zoo):
    spoil(zoo, classes=["calm", "tense", "laughing"])
    with pytest.raises(ModelFileError, match="has 6 outputs, and its manifest names 3"):
        RegionModel(zoo, "lips", "cpu").warm_up()


def test_a_whole_face_is_a_place_that_is_known(tmp_path):
    (tmp_path / "face.onnx").write_bytes(b"a net")
    digest = sha256(tmp_path / "face.onnx")
    ModelManifest("face", "a network", "face.onnx", digest, "float32", FACE.size).save(tmp_path)
    assert read_manifest(tmp_path, "face").where == FACE


def test_some_of_the_regions_are_chosen_in_the_folders_order(tmp_path):
    for name in ("face", "lips", "eyes", "brow"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"region": name}))
    assert regions_there(tmp_path) == voting_regions(tmp_path) == ("eyes", "lips", "face", "brow")
    (tmp_path / "weights.json").write_text(json.dumps({"regions": ["lips", "eyes"]}))
    assert voting_regions(tmp_path, ("eyes", "lips")) == ("lips", "eyes")
    assert voting_regions(tmp_path, ("face", "eyes")) == ("eyes", "face")
    with pytest.raises(ModelFileError, match="no model of the region chin: it has lips, eyes, face, brow"):
        voting_regions(tmp_path, ("eyes", "chin"))
