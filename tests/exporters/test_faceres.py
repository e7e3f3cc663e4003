"""FaceRes' file of weights into a MobileNet."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorFlow's own imports use what Python has deprecated
    pytest.importorskip("tensorflow", reason="training needs the train extra")

import keras

from emotion.exporters.faceres import lower_blocks, read_faceres
from emotion.models.errors import ModelFileError
from emotion.models.training.mobilenet import BLOCKS, FEATURES, begin_with, blocks, layers_from, mobilenet

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def entries() -> dict[str, tuple[int, ...]]:
    """The names and shapes of FaceRes' weights."""
    found: dict[str, tuple[int, ...]] = {
        "conv1/convolution/merged_input": (3, 3, 3, 32),
        "conv1_bn/batchnorm_1/sub": (32,),
    }
    width = 32
    for number, (filters, _) in enumerate(BLOCKS, start=1):
        found[f"conv_dw_{number}/depthwise_kernel"] = (3, 3, width, 1)
        found[f"conv_dw_{number}_bn/batchnorm_1/mul"] = (width,)
        found[f"conv_dw_{number}_bn/batchnorm_1/sub"] = (width,)
        found[f"conv_pw_{number}/convolution/merged_input"] = (1, 1, width, filters)
        found[f"conv_pw_{number}_bn/batchnorm_1/sub"] = (filters,)
        width = filters
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like FaceRes', of random weights in half precision."""
    path = tmp_path_factory.mktemp("faceres")
    rng = np.random.default_rng(0)
    weights = {name: 0.05 * rng.standard_normal(shape) for name, shape in entries().items()}
    (path / "faceres.bin").write_bytes(b"".join(w.astype(np.float16).tobytes() for w in weights.values()))
    half = {"dtype": "float16", "original_dtype": "float32"}
    listed = [
        {"name": name, "shape": list(w.shape), "dtype": "float32", "quantization": half}
        for name, w in weights.items()
    ]
    index = {"weightsManifest": [{"paths": ["faceres.bin"], "weights": listed}]}
    (path / "faceres.json").write_text(json.dumps(index))
    return path


def features(channels: int) -> keras.Model:
    images = keras.Input((None, None, channels))
    return keras.Model(images, mobilenet(images))


def test_a_gray_network_predicts_as_the_coloured_one_for_a_gray_picture(folder: Path) -> None:
    weights = read_faceres(folder)
    coloured, gray = features(3), features(1)
    begin_with(coloured, weights)
    begin_with(gray, weights)
    picture = np.random.default_rng(1).random((1, 64, 64, 1)).astype(np.float32) * 255
    reported = np.asarray(coloured(np.repeat(picture, 3, axis=3)))
    assert reported.shape == (1, 2, 2, FEATURES)
    assert reported.max() > 0
    np.testing.assert_allclose(np.asarray(gray(picture)), reported, atol=1e-4)


def test_lower_blocks_in_onnx_and_upper_ones_in_keras_make_the_whole(folder: Path) -> None:
    weights, below = read_faceres(folder), 11
    whole = features(1)
    begin_with(whole, weights)
    middle = keras.Input((None, None, BLOCKS[below - 1][0]))
    upper = keras.Model(middle, blocks(middle, below + 1))
    begin_with(upper, {name: weights[name] for name in layers_from(below + 1)})
    picture = np.random.default_rng(2).random((1, 64, 64, 1)).astype(np.float32) * 255
    reported = np.asarray(upper(lower_blocks(folder, below)(picture[..., 0])))
    assert reported.max() > 0
    np.testing.assert_allclose(reported, np.asarray(whole(picture)), atol=1e-3)


def test_the_depthwise_scale_is_in_the_kernel(folder: Path) -> None:
    raw = np.frombuffer((folder / "faceres.bin").read_bytes(), np.float16).astype(np.float32)
    shapes = entries()
    parts = {}
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        parts[name], raw = raw[:count].reshape(shape), raw[count:]
    kernel, bias = read_faceres(folder)["conv_dw_2"]
    scale = parts["conv_dw_2_bn/batchnorm_1/mul"]
    np.testing.assert_allclose(kernel[1, 2, :, 0], parts["conv_dw_2/depthwise_kernel"][1, 2, :, 0] * scale)
    np.testing.assert_array_equal(bias, parts["conv_dw_2_bn/batchnorm_1/sub"])


def test_damaged_files_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="human-models"):
        read_faceres(tmp_path)
    (tmp_path / "faceres.json").write_text((folder / "faceres.json").read_text())
    (tmp_path / "faceres.bin").write_bytes((folder / "faceres.bin").read_bytes() + b"xx")
    with pytest.raises(ModelFileError, match="bytes of weights"):
        read_faceres(tmp_path)
