"""Running networks: ONNX Runtime sessions, execution providers, MediaPipe's nets as ONNX files.

The only room that imports ONNX Runtime, beside the quantiser. May import `manifest`, `signature` and what
lies below.
"""
