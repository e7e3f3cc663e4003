"""Outputs: one module per file format, and live outputs for browsers, scripts and other programs.

May import `messages`, `media`, `errors`, `pipeline`, `monitoring` and `emotion.models`.
"""
