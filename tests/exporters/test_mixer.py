"""The blendshape net as matrix products says what the net says. A small one stands for it."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from emotion.exporters.mixer import as_matrix_products
from emotion.models.signature import Signature

POINTS, TOKENS, CHANNELS, WIDE, ANSWERS = 7, 4, 6, 5, 3
BLOCKS = 2
EPSILON = 1e-3
KNOWN = Signature("net", "", "points", (POINTS, 2), "float32", (ANSWERS,))


class Net:
    """A mixer in NumPy, and its weights where tf2onnx leaves them: in convolutions, products and sums."""

    def __init__(self):
        self._rng = np.random.default_rng(0)
        self._constants, self._nodes = [], []
        self.points = self._layer(TOKENS, POINTS)
        self._used("Mul", np.array(0.5))
        self.coordinates = self._layer(CHANNELS, 2)
        self.extra = self._used("Concat", self._rng.normal(size=(1, CHANNELS, 1, 1)))
        self.blocks = []
        for _ in range(BLOCKS):
            for outer, inner in ((TOKENS + 1, 2 * WIDE), (CHANNELS, WIDE)):
                self._used("Add", np.full((1, 1, 1, 1), EPSILON))
                scales = self._used("Mul", self._rng.normal(size=CHANNELS))
                self.blocks.append((scales, self._layer(inner, outer), self._layer(outer, inner)))
        self.head = self._layer(ANSWERS, CHANNELS)

    def graph(self):
        return helper.make_graph(self._nodes, "net", [], [], self._constants)

    def __call__(self, points):
        """float32 (ANSWERS,) of (POINTS, 2)."""
        centred = points - points.mean(axis=0)
        shape = 0.5 * centred / np.linalg.norm(centred, axis=1).mean()
        tokens = self._through(self._through(shape.T, self.points).T, self.coordinates)
        tokens = np.concatenate([self.extra.reshape(1, -1), tokens])
        for index, (scales, first, second) in enumerate(self.blocks):
            variance = tokens.var(axis=1, keepdims=True)
            normal = scales * (tokens - tokens.mean(axis=1, keepdims=True)) / np.sqrt(variance + EPSILON)
            mixes_tokens = index % 2 == 0
            inner = np.maximum(self._through(normal.T if mixes_tokens else normal, first), 0)
            outer = self._through(inner, second)
            tokens = tokens + (outer.T if mixes_tokens else outer)
        return 1 / (1 + np.exp(-self._through(tokens[0], self.head)))

    @staticmethod
    def _through(values, layer):
        weights, biases = layer
        return values @ weights.T + biases

    def _layer(self, out, into):
        weights = self._rng.normal(size=(out, into)) / np.sqrt(into)
        biases = self._rng.normal(size=out)
        self._used("Conv", weights[:, :, None, None], biases)
        return weights, biases

    def _used(self, kind, *values):
        names = [f"constant{len(self._constants) + index}" for index in range(len(values))]
        for name, value in zip(names, values, strict=True):
            self._constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        self._nodes.append(helper.make_node(kind, ["x", *names], ["y"]))
        return values[0]


@pytest.fixture
def net():
    return Net()


def session(graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_it_says_what_the_net_says_of_each_of_a_batch(net):
    graph = net.graph()
    as_matrix_products(graph, KNOWN)
    points = np.random.default_rng(1).uniform(0, 300, (5, POINTS, 2)).astype(np.float32)
    (said,) = session(graph).run(None, {"points": points})
    assert said == pytest.approx(np.stack([net(face) for face in points]), abs=1e-5)
    assert said.std(axis=0).min() > 0.001  # they differ


def test_nothing_of_the_last_block_is_computed_for_other_tokens(net):
    graph = net.graph()
    as_matrix_products(graph, KNOWN)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    sides = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim][1:]
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    products = [sides[node.output[0]] for node in graph.node if node.op_type == "MatMul"]
    assert products[-1] == [1, CHANNELS]


@pytest.mark.parametrize("kind", ["Conv", "Mul", "Concat", "Add"])
def test_another_net_is_refused(net, kind):
    graph = net.graph()
    first = next(index for index, node in enumerate(graph.node) if node.op_type == kind)
    del graph.node[first]
    if kind == "Add":
        graph.initializer.append(numpy_helper.from_array(np.float32(7), "other"))
        graph.node.append(helper.make_node("Add", ["x", "other"], ["y"]))
    with pytest.raises(ValueError, match="not that of MediaPipe's blendshape net"):
        as_matrix_products(graph, KNOWN)
