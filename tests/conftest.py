"""What must come before all tests."""

import contextlib
from pathlib import Path

import pytest

# Before the tests that import ONNX Runtime by themselves.
import emotion.models  # noqa: F401
from emotion import offline
from emotion.models.cores import available_cores

# TensorFlow, once it is loaded, and the encryption library of WebRTC do not get on; the other way
# round they do. The program never needs both in one process, but the tests of all of it do.
with contextlib.suppress(ImportError):
    import aiortc  # noqa: F401

MOST_WORKERS = 4
"""Each takes about 2 GB in its hungriest tests, and those with threads of their own need cores too."""


def pytest_xdist_auto_num_workers(config):
    """Processes that share folders of tests; files by themselves run in this one, begun at once."""
    whole = all(Path(argument).is_dir() for argument in config.args)
    return min(available_cores(), MOST_WORKERS) if whole else 0


@pytest.fixture(autouse=True)
def _network_for_the_next(monkeypatch):
    """A command that is called with --offline forbids the network to its test, not to those after it."""
    monkeypatch.setattr(offline._Guard, "on", False)
