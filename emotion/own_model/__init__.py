"""A model of the user's own, from folders of photographs to a model folder: `build.learn`.

The networks that ship stay as they are and say what they see of each face (their features); a new last layer
for each is fitted to the user's photographs. This takes minutes and needs no training library.

May import `exporters`, `models` and `realtime`.
"""
