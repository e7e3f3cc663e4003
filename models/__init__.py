"""What is learnt, and how: regions of the face, data sets, networks, training, evaluation."""
