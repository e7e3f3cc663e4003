"""int8 is offered only where it says the same. A small network stands for the trained ones."""

import json

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the training extra")

import onnx
from onnx import TensorProto, helper, numpy_helper

from emotion.exporters import quantise as module
from emotion.exporters.graphs import store_weights_as_fp16, unfold_fp16
from emotion.exporters.quantise import Gate, prove, quantise
from emotion.models.classes import EMOTIONS
from emotion.models.data.stored import RegionData
from emotion.models.engines.session import RegionModel
from emotion.models.errors import ModelFileError
from emotion.models.manifest import ModelManifest, choose_precision, read_manifest
from emotion.models.regions import LIPS
from emotion.models.small_files import sha256

HEIGHT, WIDTH = LIPS.size


def network():
    """Six convolutions' means, softmax: uint8 crops to probabilities, as `exporters.convert` leaves it."""
    rng = np.random.default_rng(0)

    def constant(name, values):
        return numpy_helper.from_array(np.asarray(values, np.float32), name)

    nodes = [helper.make_node("Cast", ["crops"], ["float"], to=TensorProto.FLOAT)]
    nodes.append(helper.make_node("Transpose", ["float"], ["x0"], perm=[0, 3, 1, 2]))
    weights, channels = [], 1
    for layer in range(6):
        width = 16
        values = rng.normal(0, 1 / np.sqrt(9 * channels), (width, channels, 3, 3)) / (
            255 if layer == 0 else 1
        )
        weights.append(constant(f"w{layer}", values))
        nodes.append(
            helper.make_node(
                "Conv", [f"x{layer}", f"w{layer}"], [f"c{layer}"], name=f"conv{layer}", pads=[1] * 4
            )
        )
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"x{layer + 1}"]))
        channels = width
    nodes.append(helper.make_node("GlobalAveragePool", ["x6"], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    weights.append(constant("dense", rng.normal(0, 20, (channels, len(EMOTIONS)))))
    nodes.append(helper.make_node("MatMul", ["flat", "dense"], ["logits"], name="dense_layer"))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"]))
    graph = helper.make_graph(
        nodes,
        "lips",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", HEIGHT, WIDTH, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(EMOTIONS)])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


@pytest.fixture
def folder(tmp_path):
    onnx.save(store_weights_as_fp16(network()), tmp_path / "lips.onnx")
    ModelManifest("lips", "test", "lips.onnx", sha256(tmp_path / "lips.onnx"), "float32", LIPS.size).save(
        tmp_path
    )
    return tmp_path


@pytest.fixture
def data(monkeypatch, folder):
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (160, 6, 9), dtype=np.uint8)
    images = coarse.repeat(HEIGHT // 6, axis=1).repeat(WIDTH // 9, axis=2)
    labels = RegionModel(folder, "lips", "cpu")(images).argmax(axis=1)
    none = np.zeros((len(images), 0), np.float32)
    parts = []

    def load(path, region, splits, classes):
        parts.append(tuple(splits))
        return RegionData(images, labels, none, none, none, ("test",) * len(images), labels, margin=0)

    monkeypatch.setattr(module, "load_region", load)
    return parts


def test_weights_stored_in_half_precision_are_unfolded():
    plain = network()
    folded = store_weights_as_fp16(network())
    assert any(tensor.data_type == TensorProto.FLOAT16 for tensor in folded.graph.initializer)
    unfolded = unfold_fp16(folded)
    assert {tensor.data_type for tensor in unfolded.graph.initializer} == {TensorProto.FLOAT}
    assert [node.op_type for node in unfolded.graph.node] == [node.op_type for node in plain.graph.node]
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in unfolded.graph.initializer}
    for tensor in plain.graph.initializer:
        np.testing.assert_allclose(stored[tensor.name], numpy_helper.to_array(tensor), rtol=1e-3, atol=1e-4)


def test_a_model_that_passes_is_offered_and_used(folder, data, monkeypatch):
    monkeypatch.setattr(module, "MIN_AGREEMENT", 0.9)
    lines = []
    made = quantise("lips", folder, folder, crops=64, say=lines.append)
    assert data == [("train",), ("validation",)]
    assert made.gate.agreement >= 0.9
    assert choose_precision(folder, "lips") == "int8"
    model = RegionModel(folder, "lips", "cpu", precision="auto")
    assert model.manifest.precision == "int8"
    assert model.manifest.scores["agreement_with_fp32"] == pytest.approx(made.gate.agreement, abs=1e-4)
    kinds = [node.op_type for node in onnx.load(made.model).graph.node]
    assert kinds.count("DequantizeLinear") >= 4
    assert "left in float32" in lines[0]


def test_what_comes_out_of_a_convolution_is_rounded_once(folder, data, monkeypatch):
    """Behind max(x, 0), not before it too: a step less, and less lost."""
    monkeypatch.setattr(module, "MIN_AGREEMENT", 0.9)
    graph = onnx.load(quantise("lips", folder, folder, crops=64).model).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    before = {
        kind: {makers[node.input[0]] for node in graph.node if node.op_type == kind}
        for kind in ("QuantizeLinear", "Relu")
    }
    assert "Conv" in before["QuantizeLinear"]  # its range and zero point cut off what is below 0
    assert "DequantizeLinear" not in before["QuantizeLinear"] | before["Relu"]


def test_a_model_that_does_not_pass_is_not_offered(folder, data, monkeypatch):
    monkeypatch.setattr(module, "MIN_AGREEMENT", 1.01)
    (folder / "lips.int8.onnx").write_bytes(b"an earlier one")
    tried = []
    with pytest.raises(ModelFileError, match="not offered"):
        quantise("lips", folder, folder, crops=64, say=tried.append)
    assert len(tried) == len(module.SPARED)
    assert [path.name for path in folder.glob("*int8*")] == ["lips.int8.previous.onnx"]
    assert choose_precision(folder, "lips") == "fp32"


@pytest.mark.parametrize(("wrong", "kept"), [(2, True), (3, False)])
def test_a_quantised_model_stays_only_while_it_agrees(folder, data, wrong, kept):
    quantise("lips", folder, folder, crops=64)
    labels = np.arange(100) % 6
    ours = np.where(np.arange(100) < wrong, (labels + 1) % 6, labels)
    # Of the faces on which they differ neither is right, so that the accuracy is the same.
    truth = np.where(np.arange(100) < wrong, (labels + 2) % 6, labels)
    assert prove(folder, "lips", ours, labels, truth).passed == kept
    assert choose_precision(folder, "lips") == ("int8" if kept else "fp32")


def test_a_model_trained_anew_is_not_stood_for_by_the_old_quantised_one(folder, data, monkeypatch):
    monkeypatch.setattr(module, "MIN_AGREEMENT", 0.9)
    quantise("lips", folder, folder, crops=64)
    path = folder / "lips.json"
    (folder / "lips.onnx").write_bytes(network().SerializeToString())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": sha256(folder / "lips.onnx")}))
    assert not RegionModel(folder, "lips", "cpu", precision="auto").manifest.int8


def test_the_accuracy_on_training_faces_is_not_reported(folder, data):
    quantise("lips", folder, folder, crops=64)
    labels = np.arange(100) % 6
    gate = prove(folder, "lips", labels, labels, labels, trained_on=True)
    assert str(gate) == "same label on 100.00% of 100 faces"
    assert set(read_manifest(folder, "lips", "int8").scores) == {"faces", "agreement_with_fp32"}


@pytest.mark.parametrize(
    ("agreement", "accuracy", "passed"),
    [(0.98, 0.5, True), (0.979, 0.5, False), (0.99, 0.491, True), (0.99, 0.489, False), (1, 0.6, True)],
)
def test_the_gate_is_98_per_cent_and_one_point(agreement, accuracy, passed):
    assert Gate(1000, agreement, accuracy, accuracy_fp32=0.5).passed is passed
