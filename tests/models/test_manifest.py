import json
import shutil

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.faces.mediapipe_landmarker import MODEL_PATH, MODEL_SHA256
from emotion.models.manifest import ZOO, read_manifest, sha256
from emotion.models.regions import REGIONS
from emotion.models.voting.vote import VoteWeights


@pytest.fixture
def zoo(tmp_path):
    """A copy of the small model, to be spoilt."""
    for name in ("lips.onnx", "lips.json"):
        shutil.copy(ZOO / name, tmp_path)
    return tmp_path


def spoil(folder, **values):
    path = folder / "lips.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_models_that_ship_are_the_ones_their_manifests_speak_of():
    for region in REGIONS:
        assert read_manifest(ZOO, region).classes == EMOTIONS
    assert sha256(MODEL_PATH) == MODEL_SHA256
    VoteWeights.read(ZOO)


@pytest.mark.parametrize("region", REGIONS)
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
        ({"classes": list(EMOTIONS[::-1])}, "classes"),
        ({"size": [10, 10]}, "wants crops"),
        ({"region": "eyes"}, "not the lips"),
        ({"sha256": "0" * 64}, "wrong sha256"),
        ({"size": None}, "not a model manifest"),
        ({"surprising": 1}, "not a model manifest"),
    ],
)
def test_a_model_of_another_kind_is_refused_with_a_sentence(zoo, values, reason):
    spoil(zoo, **values)
    with pytest.raises(ModelFileError, match=reason):
        RegionModel(zoo, "lips")


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
