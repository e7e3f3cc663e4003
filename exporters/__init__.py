"""Keras models to ONNX files and back, int8 versions, and the proof that all say the same.

With `models.training` the only room that needs TensorFlow. May import `emotion.models`, not `realtime`.
"""
