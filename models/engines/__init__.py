"""Running networks: ONNX Runtime sessions, execution providers, MediaPipe's nets as ONNX files.

The only package that imports ONNX Runtime, apart from the quantiser. May import `manifest`, `signature` and
the packages below.
"""
