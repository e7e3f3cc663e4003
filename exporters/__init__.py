"""Keras models to ONNX files and back, int8 versions, and checks of their parity.

With `models.training` the only package that needs TensorFlow. May import `emotion.models`, not `realtime`.
"""
