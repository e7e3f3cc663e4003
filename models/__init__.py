"""Models and how they are made: from labelled faces to model files, and from a face to probabilities.

`classes`, `palette` and `regions` say what there is to tell and where; a `manifest` lies beside each model
file. The packages are `faces`, `engines`, `voting`, `data`, `training`, `evaluation`, `statistics`, `native`
and `zoo`, the models that ship. Knows nothing of streams and files of video: imports no other part of
`emotion`.
"""
