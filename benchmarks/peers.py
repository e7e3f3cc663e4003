"""Alternatives for the same work on the same pictures: Keras, OpenVINO, `fer`.

Those that are not installed are left out, with a note in the report. Keras and `fer` run in their own
processes, since TensorFlow would take this one's memory and cores.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from emotion.benchmarks.timing import time_each
from emotion.models.engines.session import RegionModel
from emotion.realtime.child_process import environment, python_command

Crops = dict[str, npt.NDArray[np.uint8]]
# It does not pin these, and is not compatible with newer ones.
FER = ("fer==25.10.3", "setuptools<81", "opencv-contrib-python<5")
_FER_SCRIPT = Path(__file__).with_name("fer_peer.py")
_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The measurement of an alternative.

    Attributes:
        name: of it, with its setting.
        work: the unit of work: "a face's two crops" or "a frame".
        ms: for that work; None if it could not be run.
        ours_ms: of this program for the same work on the same pictures; None likewise.
        note: why it was left out, or another remark.
    """

    name: str
    work: str
    ms: float | None
    ours_ms: float | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The speed-up of this program."""
        return self.ms / self.ours_ms if self.ms and self.ours_ms else None


def ours_per_face(models: dict[str, RegionModel], crops: Crops, batch: int = 1) -> float:
    """Milliseconds for all models on one face, in batches of some faces, one thread."""
    total = 0.0
    for region, model in models.items():
        images = crops[region]
        parts = [images[at : at + batch] for at in range(0, len(images) - batch + 1, batch)]
        model(parts[0])
        total += time_each(region, model, parts)[1].p50 / batch
    return total


def keras(crops: Crops, ours_ms: float, python: str = sys.executable) -> Peer:
    """Keras `predict`, a crop at a time, on networks of the same architecture."""
    name, work = "Keras predict, one crop at a time", "a face's two crops"
    if python == sys.executable and not find_spec("keras"):
        return Peer(name, work, None, ours_ms, "Keras is not installed")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crops.npz"
        np.savez(path, **dict[str, Any](crops))
        values, problem = _json_of(
            python_command("-m", "emotion.benchmarks.keras_peer", str(path), python=python)
        )
    return Peer(name, work, values.get("ms"), ours_ms, problem)


def openvino(folder: Path, files: dict[str, str], crops: Crops, ours_ms: float) -> Peer:
    """OpenVINO's own runtime on the same files, one thread, a crop at a time."""
    name, work = "OpenVINO, one thread", "a face's two crops"
    if not find_spec("openvino"):
        return Peer(name, work, None, ours_ms, "OpenVINO is not installed")
    total = sum(_openvino_ms(folder / files[region], images) for region, images in crops.items())
    return Peer(name, work, total, ours_ms)


def _openvino_ms(path: Path, images: npt.NDArray[np.uint8]) -> float:
    from openvino import Core  # noqa: PLC0415  only where it is installed

    compiled = Core().compile_model(
        str(path), "CPU", {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    )
    request = compiled.create_infer_request()
    run: Callable[[npt.NDArray[np.uint8]], Any] = lambda image: request.infer({0: image[None, ..., None]})  # noqa: E731
    run(images[0])
    return time_each("openvino", run, images)[1].p50


def fer(clip: Path, ours_ms: float, python: Path | None, frames: int) -> Peer:
    """`fer` from PyPI on the same clip, every frame, as its README uses it."""
    name, work = "fer (PyPI)", "a frame"
    if python is None:
        return Peer(name, work, None, ours_ms, "left out: add --peers fer")
    values, problem = _json_of(python_command(str(_FER_SCRIPT), str(clip), str(frames), python=str(python)))
    return Peer(name, work, values.get("ms"), ours_ms, problem or values.get("version", ""))


def make_fer(folder: Path) -> Path:
    """The Python of an environment with `fer`, made where it is missing; that takes minutes.

    Raises:
        subprocess.CalledProcessError: pip could not install it.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            python_command("-m", "pip", "install", "--quiet", *FER, python=str(python)), check=True
        )
        done.touch()
    return python


def _json_of(command: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The JSON that a process prints last, or nothing and the reason."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_LONGEST, env=environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, f"could not be run: {error}"
    lines = done.stdout.strip().splitlines()
    try:
        values: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return {}, f"could not be run: {last}"
    return values, ""
