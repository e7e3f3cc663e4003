"""Models and how they are made: from labelled faces to model files, and from a face to probabilities.

`classes`, `palette` and `regions` define classes, colours and regions; each model file has a `manifest`
beside it. The packages are `faces`, `engines`, `voting`, `data`, `training`, `evaluation`, `statistics`,
`native` and `zoo`, the models that ship. It imports no other part of `emotion`.
"""
