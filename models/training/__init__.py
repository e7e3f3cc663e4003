"""Networks in Keras, their training, augmentation and distillation. The only room that imports Keras."""
