"""Keras models to ONNX files, and the proof that both say the same."""
