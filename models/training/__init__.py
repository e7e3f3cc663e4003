"""Networks in Keras, their training, augmentation and distillation.

The only package that imports Keras, apart from `emotion.exporters`; so it is imported only for training.
May import `data`, `faces` and the packages below. It sets what TensorFlow reads once, when it is first
imported: whoever imports Keras imports this before.
"""

import os

# TensorFlow leaves oneDNN off on processors without AVX-512, where it trains DenseNet201 1.9 times
# as fast all the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Hides TensorFlow's messages about itself, for example that there is no GPU; its errors are exceptions. What
# it prints before it reads this is removed by `emotion.models.native.log.filter_standard_error`.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
