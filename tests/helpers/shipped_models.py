"""The models that ship, loaded once for all tests of a process: they are heavy and without state."""

import functools

from emotion.models.engines.options import EngineOptions
from emotion.models.manifest import PrecisionChoice
from emotion.realtime.session import Models


@functools.cache
def shipped_models(precision: PrecisionChoice = "auto") -> Models:
    """On the processor."""
    return Models.load(EngineOptions(provider="cpu", precision=precision))
