"""How many places for work fit into a cluster."""

import pytest

from emotion.cluster.errors import ClusterError
from emotion.cluster.slots import Node, Slots, slots_of
from emotion.models.engines.options import EngineOptions
from emotion.realtime.options import Options

GIB = 1 << 30


def nodes(*sizes):
    return [Node(str(n), str(n), cpus, gpus, gib * GIB) for n, (cpus, gpus, gib) in enumerate(sizes)]


def provider(name):
    return Options(engine=EngineOptions(provider=name))


@pytest.mark.parametrize(
    ("sizes", "wanted", "tasks", "slots"),
    [
        ([(4, 0, 16), (8, 0, 16)], None, 100, Slots(12, 1)),
        ([(8, 0, 3)], None, 100, Slots(3, 2)),  # memory says how many, and they share the cores
        ([(4, 0, 16), (8, 0, 16)], 3, 100, Slots(3, 4)),
        ([(8, 0, 16), (8, 0, 16)], None, 3, Slots(3, 4)),
        ([(2, 0, 8)], 50, 100, Slots(50, 1)),  # a cluster that grows
    ],
)
def test_as_many_as_fill_the_machines(sizes, wanted, tasks, slots):
    assert slots_of(nodes(*sizes), Options(), wanted, tasks) == slots


def test_with_gpus_a_place_has_one_and_its_share_of_the_cores():
    cluster = nodes((16, 2, 64), (8, 1, 64), (32, 0, 64))
    for name in ("cuda", "auto", "tensorrt"):
        assert slots_of(cluster, provider(name), None, 100) == Slots(3, 8, 1)
    assert slots_of(cluster, provider("cpu"), None, 100) == Slots(56, 1)


def test_no_room_is_said():
    with pytest.raises(ClusterError, match="no core free"):
        slots_of(nodes((0, 0, 8)), Options(), None, 5)
