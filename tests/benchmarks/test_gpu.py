"""The page about a machine with a GPU; the measuring itself needs minutes."""

import pytest

from emotion.benchmarks import gpu
from emotion.benchmarks.gpu import Check
from emotion.models.errors import MissingDependencyError

HEAD = {
    "gpu": None,
    "processor": "A processor",
    "cores": 2,
    "system": "Linux",
    "python": "3.11",
    "versions": {"onnxruntime": "1.32"},
    "provider": "the CPU",
}
RUN = {"name": "lite, faces by onnx", "faces": 3, "fps": 61.2, "cores": 1.94}


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.setattr(gpu.Models, "load", lambda **more: None)
    monkeypatch.setattr(gpu.machine, "describe", lambda models, folder: HEAD)
    monkeypatch.setattr(gpu, "same_votes", lambda name, provider: [Check(f"{name} votes", "0.001", True)])
    monkeypatch.setattr(gpu, "speeds", lambda provider, frames: [RUN])
    monkeypatch.setattr(gpu, "tests", lambda: Check("pytest -m gpu", "5 passed", True))


def test_the_page_says_what_holds_and_how_fast_it_is(measured, monkeypatch):
    monkeypatch.setattr(gpu, "same_landmarks", lambda provider: Check("landmark nets", "0.9% away", False))
    said = []
    page = gpu.page(gpu.measure("cpu", 8, True, said.append))
    assert said[0] == "tests"
    assert page.startswith("# emotion-live on a machine without a GPU\n")
    assert "| pytest -m gpu | 5 passed | holds |" in page
    assert "| landmark nets | 0.9% away | **no** |" in page
    assert "| lite, faces by onnx | 3 | 61 | 1.9 |" in page


def test_what_cannot_start_is_reported_and_the_rest_is_measured(measured, monkeypatch):
    def fails(provider):
        raise MissingDependencyError("CUDA does not start.")

    monkeypatch.setattr(gpu, "same_landmarks", fails)
    report = gpu.measure("cuda", 8, False, lambda line: None)
    assert report["checks"][-1] == {"what": "landmarks", "found": "CUDA does not start.", "holds": False}
    assert report["runs"] == [RUN]
