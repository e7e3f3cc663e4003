"""A new last layer: fitted to features, and put into a model's file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="export needs the train extra")

from emotion.exporters.head import put_head, read_head, with_features
from emotion.exporters.interpolate import interpolate, mix_graphs
from emotion.exporters.quantise import prove
from emotion.models.errors import ModelFileError
from emotion.models.manifest import ModelManifest, choose_precision, read_manifest, sha256
from emotion.models.training.refit import Head, face_weights, fit_head


def test_sets_count_by_their_share_and_emotions_by_evenness() -> None:
    labels = np.array([0] * 80 + [2] * 20 + [0] * 10)
    sets = np.array(["street"] * 100 + ["studio"] * 10)
    weights = face_weights(labels, sets, {"street": 3.0, "studio": 1.0}, evenness=1.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[:80].sum() == pytest.approx(0.375)
    assert weights[80:100].sum() == pytest.approx(0.375)
    even = face_weights(labels, sets, {"street": 1.0}, evenness=0.0)
    assert even[0] == even[90] == pytest.approx(0.01)
    assert even[100:].sum() == 0


def test_a_head_finds_rare_emotions_as_well_as_common_ones() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(6, 3000, p=[0.5, 0.2, 0.02, 0.08, 0.1, 0.1])
    centres = rng.normal(size=(6, 8)).astype(np.float32) * 1.5
    features = centres[labels] + rng.normal(size=(3000, 8)).astype(np.float32)
    weights = np.full(3000, 1 / 3000)
    head = fit_head(features, labels, weights, pull=1e-3)
    said = head(features).argmax(axis=1)
    recalls = [(said[labels == emotion] == emotion).mean() for emotion in range(6)]
    assert min(recalls) > 0.7


def test_a_head_leans_little_on_features_that_quantisation_blurs() -> None:
    labels = np.arange(600) % 6
    clear = np.eye(6, dtype=np.float32)[labels]
    twice = np.concatenate([clear, clear], axis=1)
    blurred = np.repeat([0.0, 3.0], 6).astype(np.float32)
    kernel = fit_head(twice, labels, np.full(600, 1 / 600), noise=blurred).kernel
    assert np.abs(kernel[6:]).max() < 0.1 * np.abs(kernel[:6]).max()


def test_a_head_learns_what_a_teacher_says_of_faces_whose_labels_it_does_not_take() -> None:
    seen = np.arange(600) % 6
    features = np.eye(6, dtype=np.float32)[seen]
    # Half of the labels are not to be learnt from, and they are wrong.
    untold = np.arange(600) >= 300
    labels = np.where(untold, (seen + 1) % 6, seen)
    even = np.full(600, 1 / 600)
    right = np.full((600, 6), 0.02, np.float32)
    right[np.arange(600), seen] = 0.9
    taught = fit_head(features, labels, even, teacher_predictions=right, taught=untold.astype(float))
    assert taught(features).argmax(axis=1).tolist() == seen.tolist()
    shares = np.exp(taught(features))
    sure = (shares / shares.sum(axis=1, keepdims=True)).max(axis=1)
    alone = np.exp(fit_head(features, labels, even)(features))
    assert sure.min() > (alone / alone.sum(axis=1, keepdims=True)).max(axis=1).max() + 0.2


def make_model(folder: Path) -> None:
    """A lips' model of one pooled feature, as tf2onnx ends it, its kernel stored as float16."""
    make, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    kernel = np.arange(6, dtype=np.float16).reshape(1, 6) / 8
    constants = [
        tensor(kernel, "kernel/fp16"),
        tensor(np.linspace(-1, 1, 6).astype(np.float32), "bias"),
        tensor(np.float32(2.0), "recip"),
        tensor(np.array([1, 2, 3]), "axes"),
    ]
    nodes = [
        make("Cast", ["crops"], ["gray"], to=onnx.TensorProto.FLOAT),
        make("ReduceMean", ["gray", "axes"], ["pooled"], keepdims=0),
        make("Unsqueeze", ["pooled", "one"], ["flat"]),
        make("Cast", ["kernel/fp16"], ["kernel"], to=onnx.TensorProto.FLOAT),
        make("MatMul", ["flat", "kernel"], ["product"]),
        make("Add", ["product", "bias"], ["logits"]),
        make("Mul", ["logits", "recip"], ["cooled"]),
        make("Softmax", ["cooled"], ["probabilities"]),
    ]
    constants.append(tensor(np.array([1]), "one"))
    crops = onnx.helper.make_tensor_value_info("crops", onnx.TensorProto.UINT8, ["n", 48, 72, 1])
    reported = onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", 6])
    graph = onnx.helper.make_graph(nodes, "lips", [crops], [reported], constants)
    folder.mkdir()
    onnx.save(onnx.helper.make_model(graph), folder / "lips.onnx")
    ModelManifest(
        region="lips",
        architecture="ResNet-29",
        file="lips.onnx",
        sha256=sha256(folder / "lips.onnx"),
        precision="float32, weights stored as float16",
        size=(48, 72),
        temperature=0.5,
        data="",
    ).save(folder)


def test_a_head_is_read_and_put_back(tmp_path: Path) -> None:
    make_model(tmp_path / "before")
    before = onnx.load(tmp_path / "before" / "lips.onnx")
    head = read_head(before)
    assert head.kernel[0].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1.0, 1.25])
    new = Head(-head.kernel, np.zeros(6, np.float32))
    path = put_head(tmp_path / "before", "lips", new, 4.0, tmp_path / "after")
    after = read_head(onnx.load(path))
    np.testing.assert_allclose(after.kernel, -head.kernel / 4, atol=1e-3)
    np.testing.assert_allclose(after.bias, 0)
    manifest = read_manifest(tmp_path / "after", "lips")
    assert manifest.temperature == 4.0
    assert json.loads((tmp_path / "after" / "lips.json").read_text())["scores"] == {}
    assert [output.name for output in with_features(before).graph.output] == ["probabilities", "features"]
    with pytest.raises(ModelFileError, match="kernel"):
        put_head(tmp_path / "before", "lips", Head(np.zeros((2, 6), np.float32), new.bias), 1.0, tmp_path)


def test_a_network_that_never_learnt_and_so_lost_its_bias_takes_a_head(tmp_path: Path) -> None:
    make_model(tmp_path / "before")
    whole = read_manifest(tmp_path / "before", "lips")
    model = onnx.load(tmp_path / "before" / "lips.onnx")
    (total,) = (node for node in model.graph.node if node.op_type == "Add")
    (factor,) = (node for node in model.graph.node if node.op_type == "Mul" and total.output[0] in node.input)
    factor.input[0] = total.input[0]
    model.graph.node.remove(total)
    onnx.save(model, tmp_path / "before" / "lips.onnx")
    replace(whole, sha256=sha256(tmp_path / "before" / "lips.onnx")).save(tmp_path / "before")
    head = Head(np.ones((1, 6), np.float32), np.arange(6, dtype=np.float32))
    path = put_head(tmp_path / "before", "lips", head, 2.0, tmp_path / "after")
    after = read_head(onnx.load(path))
    np.testing.assert_allclose(after.kernel, head.kernel / 2, atol=1e-3)
    np.testing.assert_allclose(after.bias, head.bias / 2, atol=1e-3)


def test_a_quantised_model_takes_the_same_head_while_it_says_the_same(tmp_path: Path) -> None:
    before = tmp_path / "before"
    make_model(before)
    plain = read_manifest(before, "lips")
    (before / "lips.int8.onnx").write_bytes((before / "lips.onnx").read_bytes())
    replace(plain, file="lips.int8.onnx", made_from=plain.sha256).save(before)
    head = Head(np.ones((1, 6), np.float32), np.zeros(6, np.float32))
    for precision in ("fp32", "int8"):
        put_head(before, "lips", head, 1.0, tmp_path / "after", precision=precision)
    quantised = read_manifest(tmp_path / "after", "lips", "int8")
    np.testing.assert_allclose(
        read_head(onnx.load(tmp_path / "after" / quantised.file)).kernel, head.kernel, atol=1e-3
    )
    labels = np.arange(100) % 6
    assert prove(tmp_path / "after", "lips", labels, labels, labels).passed
    assert choose_precision(tmp_path / "after", "lips") == "int8"
    assert read_manifest(tmp_path / "after", "lips", "int8").scores["agreement_with_fp32"] == 1
    assert not prove(tmp_path / "after", "lips", 5 - labels, labels, labels).passed
    assert choose_precision(tmp_path / "after", "lips") == "fp32"


def test_a_model_lies_between_two(tmp_path: Path) -> None:
    make_model(tmp_path / "before")
    before = read_head(onnx.load(tmp_path / "before" / "lips.onnx"))
    put_head(tmp_path / "before", "lips", Head(-before.kernel, before.bias + 8), 1.0, tmp_path / "after")
    after = read_head(onnx.load(tmp_path / "after" / "lips.onnx"))
    for share in (0.0, 0.25, 1.0):
        path = interpolate(tmp_path / "before", tmp_path / "after", "lips", share, tmp_path / "between")
        constants = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        np.testing.assert_allclose(
            constants["kernel/fp16"], (1 - share) * before.kernel / 2 + share * after.kernel, atol=1e-2
        )
        assert constants["axes"].tolist() == [1, 2, 3]
        assert read_manifest(tmp_path / "between", "lips").temperature == 1.0
    other = onnx.load(path)
    del other.graph.node[-1]
    with pytest.raises(ModelFileError, match="different networks"):
        mix_graphs(onnx.load(path), other, 0.5)
