"""Sources of frames: files, cameras, network streams and live sources that reconnect.

May import `messages`, `media`, `errors`, `pipeline`, `monitoring` and `emotion.models`.
"""
