"""The streaming pipeline: from a source of frames to results on a picture, in files and on the screen.

`session` assembles it. The packages below it do not import one another, except that all may use `pipeline`
and `monitoring`; the data types passed between them are in `messages`. May import `emotion.models`.
"""
