"""Custom models, from folders of photographs to a model folder: `build.learn`.

The included networks stay frozen and compute features of each face; a new last layer
for each is fitted to the user's photographs. This takes minutes and needs no training library.

May import `exporters`, `models` and `realtime`.
"""
