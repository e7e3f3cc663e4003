"""Errors of a cluster."""

from emotion.models.errors import EmotionError


class ClusterError(EmotionError, ConnectionError):
    """There is no cluster, or its machines are not compatible."""

    exit_code = 5
