"""Errors of a cluster."""

from emotion.models.errors import EmotionError


class ClusterError(EmotionError, ConnectionError):
    """A cluster is not there, or its machines do not fit together."""

    exit_code = 5
