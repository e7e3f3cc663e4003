"""Keras models to ONNX files and back, int8 versions, and checks of their parity.

With `models.training` the only package that needs TensorFlow. May import `emotion.models`, not `realtime`.
"""

import emotion.models.training  # noqa: F401  settings of TensorFlow, before Keras imports it
