"""Running networks: ONNX Runtime sessions, execution providers, the landmark nets.

The only room that imports ONNX Runtime.
"""
