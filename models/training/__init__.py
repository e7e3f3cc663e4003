"""Networks in Keras, their training, augmentation and distillation.

The only room that imports Keras, beside `emotion.exporters`; so it is imported only where somebody trains.
May import `data`, `faces` and what lies below.
"""
