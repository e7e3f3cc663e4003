"""ONNX Runtime as a GPU machine would have it, without a GPU: it notes what it is asked for.

A session gives each crop's mean gray level as the share of the first emotion, so that a result that
is padded, swapped or taken from another run shows.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

CPU = "CPUExecutionProvider"


class OrtValue:
    """A buffer on a device that does not exist."""

    def __init__(self, shape: tuple[int, ...], dtype: type, device: str, number: int) -> None:
        self.array = np.zeros(shape, dtype)
        self.place = (device, number)

    @classmethod
    def ortvalue_from_shape_and_type(
        cls, shape: tuple[int, ...], dtype: type, device: str, number: int
    ) -> "OrtValue":
        return cls(shape, dtype, device, number)

    def update_inplace(self, array: np.ndarray) -> None:
        assert array.shape == self.array.shape, "a recorded run cannot change its shape"
        assert array.flags.c_contiguous
        self.array[:] = array

    def numpy(self) -> np.ndarray:
        return self.array.copy()


class Binding:
    def bind_ortvalue_input(self, name: str, value: OrtValue) -> None:
        self.crops = value

    def bind_ortvalue_output(self, name: str, value: OrtValue) -> None:
        self.probabilities = value

    def synchronize_outputs(self) -> None:
        pass


class RunOptions:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def add_run_config_entry(self, key: str, value: str) -> None:
        self.entries[key] = value


class SessionOptions:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def add_session_config_entry(self, key: str, value: str) -> None:
        self.entries[key] = value


class Runtime:
    """Stands for the module ``onnxruntime``.

    Args:
        available: the providers of this build.
        starting: those of them that start; the others fail as ONNX Runtime does, with a line on file
            descriptor 2 and a session on the CPU.
        no_graph: recording a run is refused, as where a node runs on the CPU.
        idle: providers start and leave all nodes to the CPU.
    """

    __version__ = "0.0-fake"
    GraphOptimizationLevel = SimpleNamespace(ORT_ENABLE_ALL=99)
    OrtValue = OrtValue
    RunOptions = RunOptions
    SessionOptions = SessionOptions

    def __init__(
        self,
        available: tuple[str, ...],
        starting: tuple[str, ...] = (),
        no_graph: bool = False,
        idle: bool = False,
    ) -> None:
        self.available = available
        self.starting = (*starting, CPU)
        self.no_graph = no_graph
        self.idle = idle
        self.sessions: list[Session] = []
        self.preloaded = 0

    def get_available_providers(self) -> list[str]:
        return list(self.available)

    def preload_dlls(self) -> None:
        self.preloaded += 1
        print("Failed to load libcublas.so")  # noqa: T201  as the real one does

    @property
    def InferenceSession(self) -> "Callable[..., Session]":  # noqa: N802
        return _Opener(self)


class _Opener:
    """Opens sessions, and has the attributes that ONNX Runtime's class is asked for."""

    get_provider_graph_assignment_info = True

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, *arguments: Any, **options: Any) -> "Session":
        return Session(self._runtime, *arguments, **options)


class Session:
    def __init__(
        self,
        runtime: Runtime,
        path: str,
        options: SessionOptions,
        providers: list[tuple[str, dict[str, str]]],
        enable_fallback: int = 1,
    ) -> None:
        assert Path(path).exists()
        assert enable_fallback == 0
        self.chain = dict(providers)
        self.options = options
        self.runs: list[tuple[int, str | None]] = []
        first, settings = providers[0]
        recording = settings.get("enable_cuda_graph", settings.get("trt_cuda_graph_enable"))
        if runtime.no_graph and recording == "1":
            raise RuntimeError("This session cannot use the graph capture feature")
        self.providers = [name for name, _ in providers if name in runtime.starting]
        if first not in self.providers:
            line = b"2026 [E:onnxruntime:Default] Failed to load library with error: libcudnn.so.9: missing\n"
            os.write(2, line)
        self.idle = runtime.idle
        runtime.sessions.append(self)

    def get_providers(self) -> list[str]:
        return self.providers

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        assert self.options.entries["session.record_ep_graph_assignment_info"] == "1"
        return [SimpleNamespace(ep_name=CPU if self.idle else self.providers[0])]

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="crops", type="tensor(uint8)", shape=["n", None, None, 1])]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="probabilities")]

    def io_binding(self) -> Binding:
        return Binding()

    def run(self, names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        (crops,) = feed.values()
        self.runs.append((len(crops), None))
        return [answers(crops)]

    def run_with_iobinding(self, binding: Binding, options: RunOptions | None) -> None:
        self.runs.append((len(binding.crops.array), options.entries["gpu_graph_id"] if options else None))
        binding.probabilities.array[:] = answers(binding.crops.array)


def answers(crops: np.ndarray) -> np.ndarray:
    """float32 (n, 6): a crop's mean gray level / 255 first, the rest last."""
    share = crops.reshape(len(crops), -1).mean(axis=1, dtype=np.float32) / 255
    result = np.zeros((len(crops), 6), np.float32)
    result[:, 0], result[:, 5] = share, 1 - share
    return result
