"""A net is rewritten for a CPU's memory layout, and says the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from emotion.exporters.cpu_layout import keep_layout


class Net:
    """A net of random weights, written layer by layer."""

    def __init__(self, seed=0):
        self._rng = np.random.default_rng(seed)
        self._nodes, self._constants, self._channels = [], [], {"in": 3}

    def conv(self, x, channels=None, size=1, stride=1, bias=True):
        """A convolution to so many channels; of each channel by itself where none are given."""
        count = self._channels[x]
        group = 1 if channels else count
        channels = channels or count
        pads = [size // 2] * 4 if stride == 1 and size % 2 else [0] * 4
        weight = self._rng.normal(size=(channels, count // group, size, size)) / size / (count / group) ** 0.5
        names = [x, self._constant(weight)]
        if bias:
            names.append(self._constant(self._rng.normal(size=channels)))
        more = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": pads, "group": group}
        return self._node("Conv", names, channels, **more)

    def prelu(self, x, low=-1.5, high=0.9):
        slope = self._rng.uniform(low, high, (self._channels[x], 1, 1))
        return self._node("PRelu", [x, self._constant(slope)], self._channels[x])

    def add(self, x, y):
        return self._node("Add", [x, y], self._channels[x])

    def pool(self, x):
        return self._node("MaxPool", [x], self._channels[x], kernel_shape=[2, 2], strides=[2, 2])

    def pad(self, x, before=(0, 0, 0, 0)):
        count = self._channels[x]
        pads = np.array([*before, 0, count, 0, 0], np.int64)
        return self._node("Pad", [x, self._constant(pads, np.int64)], 2 * count)

    def block(self, x, inner, high=0.9):
        """What MediaPipe's net consists of: fewer channels, each by itself, more again, and a sum."""
        shrunk = self.prelu(self.conv(x, inner), high=high)
        return self.prelu(self.add(x, self.conv(self.conv(shrunk, size=3), self._channels[x])), high=high)

    def model(self, answer):
        shape = ["batch", self._channels[answer], None, None]
        graph = helper.make_graph(
            self._nodes,
            "net",
            [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["batch", 3, 16, 16])],
            [helper.make_tensor_value_info(answer, TensorProto.FLOAT, shape)],
            self._constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

    def _constant(self, values, dtype=np.float32):
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def _node(self, kind, inputs, channels, **attributes):
        name = f"tensor{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self._channels[name] = channels
        return name


def answers(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"in": np.random.default_rng(7).normal(size=(2, 3, 16, 16)).astype(np.float32)})[
        0
    ]


def rewritten(model):
    """It says the same as before; the kinds of its nodes."""
    before = answers(model)
    keep_layout(model.graph)
    onnx.checker.check_model(model)
    np.testing.assert_allclose(answers(model), before, rtol=1e-4, atol=1e-4 * np.abs(before).max())
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("high", [0.9, 3.0])
@pytest.mark.parametrize("channels", [8, 16, 32])
def test_a_net_says_the_same_whatever_its_slopes(channels, high):
    net = Net(channels)
    x = net.prelu(net.conv("in", channels, 3, 2), high=high)
    for _ in range(3):
        x = net.block(x, channels // 2, high)
    low = net.conv(net.prelu(net.conv(x, channels, 2, 2), high=high), size=3)
    x = net.prelu(net.add(net.pad(net.pool(x)), net.conv(low, 2 * channels)), high=high)
    kinds = rewritten(net.model(net.conv(net.block(x, channels, high), 5, 2)))
    assert not {"PRelu", "Pad"} & set(kinds)


def test_few_channels_are_doubled_in_place_of_a_second_convolution():
    net = Net()
    x = net.prelu(net.conv("in", 16, 3))
    few = net.conv(net.conv(net.prelu(net.conv(x, 8)), size=3), 16)
    model = net.model(few)
    assert rewritten(model).count("Conv") == 4 + 2
    shapes = {one.name: tuple(one.dims) for one in model.graph.initializer}
    used = [shapes[node.input[1]] for node in model.graph.node if node.op_type == "Conv"]
    assert used[-3:] == [(16, 16, 1, 1), (16, 1, 3, 3), (16, 16, 1, 1)]


@pytest.mark.parametrize("bias", [False, True])
def test_convolutions_with_and_without_a_bias(bias):
    net = Net()
    x = net.prelu(net.conv("in", 16, 3, bias=bias), high=2.0)
    inner = net.conv(net.prelu(net.conv(x, 12, bias=bias), high=2.0), size=3, bias=bias)
    rewritten(net.model(net.prelu(net.add(x, net.conv(inner, 16, bias=bias)))))


@pytest.mark.parametrize("channels", [4, 16])
def test_a_prelu_whose_output_is_the_nets_keeps_its_sign(channels):
    net = Net()
    rewritten(net.model(net.prelu(net.conv("in", channels), high=3.0)))


def test_a_sum_of_two_that_others_use_keeps_its_signs():
    net = Net()
    x = net.prelu(net.conv("in", 16), high=3.0)
    y = net.prelu(net.conv(x, 16), high=3.0)
    rewritten(net.model(net.conv(net.add(x, y), 4)))


@pytest.mark.parametrize("few", [4, 8, 16])
@pytest.mark.parametrize("last", ["answer", "sum", "prelu", "alone"])
def test_whatever_follows_one_of_each_by_itself(few, last):
    net = Net(few)
    x = net.prelu(net.conv("in", few), high=3.0)
    alone = net.conv(net.prelu(net.conv(x, few), high=3.0), size=3)
    ends = {
        "answer": lambda: alone,
        "sum": lambda: net.conv(net.add(x, alone), 4),
        "prelu": lambda: net.conv(net.prelu(alone, high=3.0), 4),
        "alone": lambda: net.conv(alone, size=3),
    }
    rewritten(net.model(ends[last]()))


def test_an_output_that_is_also_used_keeps_its_sign():
    net = Net()
    x = net.prelu(net.conv("in", 16), high=3.0)
    net.conv(x, 4)
    rewritten(net.model(x))


def test_padding_at_the_edges_is_refused():
    net = Net()
    model = net.model(net.pad(net.conv("in", 16), before=(0, 0, 1, 1)))
    with pytest.raises(ValueError, match="pads more than channels"):
        keep_layout(model.graph)
