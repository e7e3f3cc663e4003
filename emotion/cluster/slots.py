"""The number of parallel tasks on a cluster, and the resources of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from emotion.cluster.errors import ClusterError
from emotion.realtime.options import Options
from emotion.study.plan import BYTES_A_JOB

_ON_GPUS = ("cuda", "tensorrt", "auto")


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of a cluster.

    Attributes:
        name: its id.
        host: its address, for messages.
        cpus, gpus: that Ray can assign there.
        memory: the same, in bytes.
    """

    name: str
    host: str
    cpus: int
    gpus: int
    memory: int


@dataclass(frozen=True, slots=True)
class Slots:
    """Equal slots for tasks.

    Attributes:
        count: their number.
        cpus, gpus: of each.
    """

    count: int
    cpus: int
    gpus: int = 0


def slots_of(nodes: Sequence[Node], options: Options, wanted: int | None, tasks: int) -> Slots:
    """As many slots as fill the machines, but no more than there are tasks.

    On CPUs a slot has a core, and more if there are fewer tasks than cores. With GPUs, which ``auto``
    uses if any machine has one, it has one GPU, and its share of that machine's cores; machines without a GPU
    stay idle.

    Args:
        nodes: of the cluster.
        options: of the work.
        wanted: requested number, if any; a growing cluster may not have them yet.
        tasks: at least one.

    Raises:
        ClusterError: there are not enough resources for any.
    """
    gpus = options.engine.provider in _ON_GPUS and any(node.gpus for node in nodes)
    if gpus:
        able = [node for node in nodes if node.gpus]
        cpus = max(1, min(node.cpus // node.gpus for node in able))
        return Slots(min(wanted or sum(node.gpus for node in able), tasks), cpus, 1)
    count = min(wanted or sum(_room(node, 1) for node in nodes), tasks)
    if count < 1:
        raise ClusterError("The cluster has no core free for this program, or not 1 GiB of memory for it.")
    most = max((node.cpus for node in nodes), default=1)
    fitting = [cpus for cpus in range(1, most + 1) if sum(_room(node, cpus) for node in nodes) >= count]
    return Slots(count, max(fitting, default=1))


def _room(node: Node, cpus: int) -> int:
    return min(node.cpus // cpus, node.memory // BYTES_A_JOB)
