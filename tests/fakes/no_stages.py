"""A policy's stages that find nobody: annotating with them is as cheap as copying."""

from collections.abc import Iterable, Sequence

from emotion.models.schema import SHIPPED, Schema
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.session import Models


class _NoModels(Models):
    """What is said of models that ship, without any."""

    __slots__ = ()

    @property
    def schema(self) -> Schema:
        return SHIPPED


NO_MODELS = _NoModels((), VoteWeights.equal())
"""For a session whose stages need none; None would load those that ship."""


class NoFaces:
    """Makes a result without faces of each frame."""

    name = "no faces"
    batch = 1

    def process(self, items: Sequence[VideoFrame]) -> Iterable[EmotionFrame]:
        return [EmotionFrame(item, ()) for item in items]

    def close(self) -> None:
        """Nothing to free."""
