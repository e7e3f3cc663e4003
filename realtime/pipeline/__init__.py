"""Threads, queues and order between a source and its stages. Knows no engine and no message.

May import `monitoring` and `emotion.models.native`.
"""
