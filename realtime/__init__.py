"""The streaming pipeline: from a source of frames to results on a picture, in files and on the screen.

`session` assembles it. The packages below it never import one another, except that all may use `pipeline`
and `monitoring`; what travels between them stands in `messages`. May import `emotion.models`.
"""
