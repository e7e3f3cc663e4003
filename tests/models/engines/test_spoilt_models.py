"""Models whose files are whole and whose answers are none: refused by name, before a frame meets them."""

import os
import shutil
import sys

import numpy as np
import pytest

from emotion.models.engines import session
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError, ProviderError
from emotion.models.manifest import LITE, read_manifest
from emotion.models.regions import LIPS
from emotion.models.small_files import sha256

CROP = np.zeros((1, *LIPS.size), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A copy of the lite models, to be spoilt."""
    for name in ("eyes.onnx", "eyes.json", "lips.onnx", "lips.json"):
        shutil.copy(LITE / name, tmp_path)
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_a_folder_may_have_a_name_that_is_no_text(folder):
    place = folder.parent / os.fsdecode(b"caf\xe9")
    folder.rename(place)
    assert RegionModel(place, "lips")(CROP).shape == (1, 6)


def sign(folder):
    """Put the manifest's checksum right, so that only the fault is left to notice."""
    path = folder / "lips.json"
    text = path.read_text().replace(read_manifest(LITE, "lips").sha256, sha256(folder / "lips.onnx"))
    path.write_text(text)


def change(folder, fault):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(folder / "lips.onnx")
    fault(onnx, model.graph)
    onnx.save(model, folder / "lips.onnx")
    sign(folder)


def spoil_bias(value):
    def fault(onnx, graph):
        bias = [one for one in graph.initializer if one.data_type in (1, 10) and np.prod(one.dims) >= 6][-1]
        array = onnx.numpy_helper.to_array(bias).copy()
        array.flat[0] = value
        bias.CopyFrom(onnx.numpy_helper.from_array(array, bias.name))

    return fault


def rename_input(onnx, graph):
    old, graph.input[0].name = graph.input[0].name, "other"
    for node in graph.node:
        node.input[:] = ["other" if name == old else name for name in node.input]


def answer_sums(onnx, graph):
    """Leave the softmax out: the answers are logits."""
    [last] = [node for node in graph.node if graph.output[0].name in node.output]
    last.op_type = "Identity"
    del last.attribute[:]


@pytest.mark.parametrize(
    "fault", [spoil_bias(np.nan), spoil_bias(np.inf), answer_sums], ids=["nan", "inf", "no softmax"]
)
def test_outputs_that_are_no_probabilities_are_refused_with_the_models_name(folder, fault):
    change(folder, fault)
    model = RegionModel(folder, "lips", "cpu")
    with pytest.raises(ModelFileError, match=r"lips\.onnx are not probabilities"):
        model.warm_up()
    with pytest.raises(ModelFileError, match=r"lips\.onnx are not probabilities") as refused:
        model(CROP)
    assert refused.value.exit_code == 4


def test_another_name_of_the_input_is_reported(folder):
    change(folder, rename_input)
    with pytest.raises(ModelFileError, match=r"takes .*'other'.*not .*'crops'"):
        RegionModel(folder, "lips", "cpu")


def test_the_model_of_another_region_is_told_by_its_input(folder):
    shutil.copy(LITE / "eyes.onnx", folder / "lips.onnx")
    sign(folder)
    with pytest.raises(ModelFileError, match=r"takes .*48, 96.*not .*48, 72"):
        RegionModel(folder, "lips", "cpu")


@pytest.mark.parametrize(
    "answers", [[np.nan] * 6, [0.5] * 6, [2.0, -1.0, 0, 0, 0, 0], [np.inf, 0, 0, 0, 0, 0]]
)
def test_a_batch_is_looked_at_whatever_the_first_try_said(folder, monkeypatch, answers):
    model = RegionModel(folder, "lips", "cpu")
    model.warm_up()
    monkeypatch.setattr(model, "_net", lambda batch: np.array([answers] * len(batch), np.float32))
    with pytest.raises(ModelFileError, match="not probabilities"):
        model(CROP)


def test_a_net_that_fails_at_its_first_try_is_reported(folder, monkeypatch):
    model = RegionModel(folder, "lips", "cpu")

    def fail(self, batch):
        raise RuntimeError("a node is not there")

    monkeypatch.setattr(session._Plain, "__call__", fail)
    with pytest.raises(ModelFileError, match=r"lips\.onnx cannot be run \(a node is not there\)"):
        model.warm_up()


def test_a_net_that_fails_later_is_reported_with_what_to_do(folder, monkeypatch):
    model = RegionModel(folder, "lips", "cpu")
    model.warm_up()

    def fail(self, batch):
        raise RuntimeError("[ONNXRuntimeError] : 6 : bad allocation")

    monkeypatch.setattr(session._Plain, "__call__", fail)
    with pytest.raises(
        ProviderError, match=r"the CPU failed while it ran lips\.onnx .*memory is short"
    ) as reported:
        model(CROP)
    assert reported.value.exit_code == 5
