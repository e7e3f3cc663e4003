"""One region's model in ONNX Runtime: crops in, probabilities out. Heavy, and without state."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from models.errors import MissingDependencyError, ModelFileError
from models.manifest import ModelManifest, read_manifest
from models.regions import RegionName

ProviderName: TypeAlias = Literal["auto", "cpu", "cuda"]
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class RegionModel:
    """A session of one region's model. Threads may share it: `run` is thread-safe.

    Args:
        folder: holds ``<region>.onnx`` and its manifest.
        region: which of them.
        provider: ``cuda`` fails where it cannot be had; ``auto`` takes it where it can.
        threads: intra-op threads on the CPU; 0: as many as there are cores.

    Raises:
        ModelFileError: the model is missing, damaged, or of another version.
        MissingDependencyError: the provider that was asked for by name is not there.
    """

    def __init__(
        self, folder: Path, region: RegionName, provider: ProviderName = "auto", threads: int = 1
    ) -> None:
        self.manifest: ModelManifest = read_manifest(folder, region)
        path = folder / self.manifest.file
        providers = _choose(provider)
        try:
            self._session = ort.InferenceSession(str(path), _session_options(threads), providers=providers)
        except Exception as error:  # ONNX Runtime's own errors share no other base
            raise ModelFileError(f"ONNX Runtime cannot load {path}: {error}") from error
        self.provider: str = self._session.get_providers()[0]
        # ONNX Runtime falls back to the CPU without raising where CUDA's libraries are missing.
        if provider == "cuda" and self.provider != _PROVIDERS["cuda"]:
            raise MissingDependencyError(
                "CUDA was asked for, but ONNX Runtime could not start it: check the driver with "
                "'nvidia-smi' and install 'emotion-live[gpu]', or run with --provider cpu."
            )
        self._input = self._session.get_inputs()[0].name

    def __call__(
        self, crops: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        """Probabilities of the six emotions.

        Args:
            crops: uint8 (n, height, width), gray, of the manifest's size.

        Returns:
            float32 (n, 6), each row summing to one.
        """
        if len(crops) == 0:
            return np.zeros((0, len(self.manifest.classes)), dtype=np.float32)
        batch = np.stack(crops) if not isinstance(crops, np.ndarray) else crops
        probabilities: npt.NDArray[np.float32] = self._session.run(None, {self._input: batch[..., None]})[0]
        return probabilities


def _choose(provider: ProviderName) -> list[str]:
    available = ort.get_available_providers()
    if provider == "cuda" and _PROVIDERS["cuda"] not in available:
        raise MissingDependencyError(
            "CUDA was asked for, but this ONNX Runtime is made for the CPU: "
            "install 'emotion-live[gpu]' in place of 'emotion-live[cpu]', or run with --provider cpu."
        )
    wanted = ("cuda", "cpu") if provider == "auto" else (provider, "cpu")
    return [_PROVIDERS[name] for name in dict.fromkeys(wanted) if _PROVIDERS[name] in available]


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or (os.cpu_count() or 1)
    # Threads that spin while they wait steal the cores from decoding and landmarks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return options
