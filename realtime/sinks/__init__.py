"""Where results go: a file each format, and views for browsers, scripts and other programs.

May import `messages`, `media`, `errors`, `pipeline`, `monitoring` and `emotion.models`.
"""
