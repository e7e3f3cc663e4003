"""From a source and options to results: shared models, policies, and the assembly of the pipeline.

May import all packages of `realtime` except `playback`.
"""

from emotion.realtime.session.models import Models
from emotion.realtime.session.policies import (
    EachPicture,
    EveryFrame,
    Inline,
    NewestFrame,
    Policy,
    Workers,
    default_classifiers,
)
from emotion.realtime.session.session import Session

__all__ = [
    "EachPicture",
    "EveryFrame",
    "Inline",
    "Models",
    "NewestFrame",
    "Policy",
    "Session",
    "Workers",
    "default_classifiers",
]
