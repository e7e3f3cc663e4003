"""Networks in Keras, their training, augmentation and distillation.

The only package that imports Keras, apart from `emotion.exporters`; so it is imported only for training.
May import `data`, `faces` and the packages below.
"""
