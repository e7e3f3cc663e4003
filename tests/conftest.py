"""What must come before all tests."""

import contextlib

# Before the tests that import ONNX Runtime by themselves.
import emotion.models  # noqa: F401

# TensorFlow, once it is loaded, and the encryption library of WebRTC do not get on; the other way
# round they do. The program never needs both in one process, but the tests of all of it do.
with contextlib.suppress(ImportError):
    import aiortc  # noqa: F401
