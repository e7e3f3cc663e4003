"""Graphs written anew say the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from emotion.exporters.graphs import rewrite_gray
from emotion.exporters.interpolate import mix_graphs

HEIGHT, WIDTH = 3, 5


def gray_model(channels=1, keepdims=1, one=1):
    """The mean of what is not black, as `networks.Standardise` computes it."""
    constants = {
        "black": np.float32(4),
        "one": np.float32(one),
        "sides": np.array([1, 2]),
    }
    nodes = [
        helper.make_node("Cast", ["crops"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Greater", ["x", "black"], ["seen"]),
        helper.make_node("Cast", ["seen"], ["face"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["face", "sides"], ["count"], keepdims=keepdims),
        helper.make_node("Add", ["one", "count"], ["counted"]),
        helper.make_node("ReduceSum", ["x", "sides"], ["sum"], keepdims=keepdims),
        helper.make_node("Div", ["sum", "counted"], ["answers"]),
    ]
    rank = 4 if keepdims else 2
    graph = helper.make_graph(
        nodes,
        "gray",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", HEIGHT, WIDTH, channels])],
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None] * rank)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def answers(model, channels=1):
    crops = np.random.default_rng(0).integers(0, 12, (4, HEIGHT, WIDTH, channels)).astype(np.uint8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"crops": crops})[0]


def constants(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_gray_crops_meet_no_scalar_without_sides_and_no_sum_that_leaves_out_the_last_side():
    model = gray_model()
    expected = answers(model)
    rewritten = rewrite_gray(model)
    onnx.checker.check_model(rewritten)
    assert answers(rewritten) == pytest.approx(expected)
    assert answers(rewritten).shape == (4, 1, 1, 1)
    kept = sorted((value.shape, value.ravel().tolist()) for value in constants(rewritten).values())
    assert kept == [((1, 1, 1, 1), [1.0]), ((1, 1, 1, 1), [4.0]), *[((3,), [1, 2, 3])] * 2]


@pytest.mark.parametrize(("channels", "keepdims"), [(3, 1), (3, 0)])
def test_what_is_not_gray_stays(channels, keepdims):
    model = gray_model(channels, keepdims)
    before = model.SerializeToString()
    assert rewrite_gray(model).SerializeToString() == before


def test_a_sum_of_all_stays():
    model = gray_model()
    for node in model.graph.node:
        if node.op_type == "ReduceSum":
            del node.input[1:]
    expected = answers(model)
    assert answers(rewrite_gray(model)) == pytest.approx(expected)


def test_a_sum_that_drops_its_sides_stays():
    model = gray_model(keepdims=0)
    expected = answers(model)
    rewritten = rewrite_gray(model)
    assert answers(rewritten) == pytest.approx(expected)
    assert constants(rewritten)["sides"].tolist() == [1, 2]


@pytest.mark.parametrize("rewritten", [(), (0,), (1,), (0, 1)])
def test_an_older_model_is_interpolated_with_one_that_was_rewritten(rewritten):
    pair = [gray_model(one=1), gray_model(one=3)]
    for index in rewritten:
        pair[index] = rewrite_gray(pair[index])
    assert answers(mix_graphs(*pair, 0.5)) == pytest.approx(answers(gray_model(one=2)))
