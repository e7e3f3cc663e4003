"""OpenCV's own threads, and where there are none."""

import os
import subprocess
import sys

import pytest

from emotion.models import cores

_TOLD = """
from emotion.models import cores
cores.available_cores = lambda: 2
cores.leave_out_opencv_threads()
import cv2
print(cv2.getNumThreads())
"""


@pytest.mark.parametrize(("count", "reported"), [(1, "1"), (4, "1"), (5, None)])
def test_where_cores_are_few_opencv_and_child_processes_are_limited(monkeypatch, count, reported):
    monkeypatch.setattr(cores, "available_cores", lambda: count)
    monkeypatch.setattr(os, "environ", {})
    cores.leave_out_opencv_threads()
    assert os.environ.get("OPENCV_FOR_THREADS_NUM") == reported


def test_whoever_has_set_it_is_obeyed(monkeypatch):
    monkeypatch.setattr(cores, "available_cores", lambda: 2)
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "3")
    cores.leave_out_opencv_threads()
    assert os.environ["OPENCV_FOR_THREADS_NUM"] == "3"


def test_opencv_obeys():
    variables = {name: value for name, value in os.environ.items() if name != "OPENCV_FOR_THREADS_NUM"}
    done = subprocess.run(
        [sys.executable, "-c", _TOLD], env=variables, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["1"]
