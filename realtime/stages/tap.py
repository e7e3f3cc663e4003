"""EmotionFrame -> EmotionFrame: shows causal results to a listener, and passes them on unchanged."""

from collections.abc import Callable, Iterable, Sequence

from emotion.realtime.messages import EmotionFrame


class Tap:
    """The stage. It precedes `look_ahead.LookAhead`, so that viewers do not wait for later frames.

    Args:
        tell: called with each result, in order, in the stage's thread. Its exceptions end the run.
    """

    name = "tap"
    batch = 1

    def __init__(self, tell: Callable[[EmotionFrame], object]) -> None:
        self._tell = tell

    def process(self, items: Sequence[EmotionFrame]) -> Iterable[EmotionFrame]:
        """The same frames."""
        for item in items:
            self._tell(item)
            yield item

    def close(self) -> None:
        """Nothing to free."""
