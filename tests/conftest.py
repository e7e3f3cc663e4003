"""What must come before all tests."""

import contextlib
import os
from pathlib import Path

# Before the tests that import ONNX Runtime by themselves.
import emotion.models  # noqa: F401

# TensorFlow, once it is loaded, and the encryption library of WebRTC do not get on; the other way
# round they do. The program never needs both in one process, but the tests of all of it do.
with contextlib.suppress(ImportError):
    import aiortc  # noqa: F401

MOST_WORKERS = 4
"""Each takes about 2 GB in its hungriest tests, and those with threads of their own need cores too."""


def pytest_xdist_auto_num_workers(config):
    """Processes that share folders of tests; files by themselves run in this one, begun at once."""
    whole = all(Path(argument).is_dir() for argument in config.args)
    return min(os.cpu_count() or 1, MOST_WORKERS) if whole else 0
