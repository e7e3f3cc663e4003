"""What the figures were measured on: the head of every report."""

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from emotion.models.cores import available_cores
from emotion.realtime.session import Models

_PACKAGES = (
    *("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "openvino"),
    *("mediapipe", "av", "opencv-contrib-python", "numpy", "tensorflow"),
)


def describe(models: Models, folder: str = "") -> dict[str, Any]:
    """The machine, the versions, and what runs the models of a folder; ready for JSON."""
    return {
        "processor": processor(),
        "cores": available_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "gpu": gpu(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "provider": models.regions[0].choice,
        "precision": {m.manifest.region: m.manifest.precision for m in models.regions},
        "models": {m.manifest.region: m.manifest.sha256[:16] for m in models.regions},
        "folder": folder,
    }


def processor() -> str:
    """The processor's name, if the system reports it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def gpu() -> str | None:
    """Name and driver of the NVIDIA GPUs; None if there is none."""
    if not shutil.which("nvidia-smi"):
        return None
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20)
    return found.stdout.strip().replace("\n", "; ") or None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
