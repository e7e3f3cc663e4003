"""EmotionFrame -> EmotionFrame: shows results to somebody before they are decided again with the future."""

from collections.abc import Callable, Iterable, Sequence

from emotion.realtime.messages import EmotionFrame


class Meanwhile:
    """A stage that tells each result as it is known now, and passes it on unchanged.

    It stands before `look_ahead.LookAhead`: who watches does not wait for what follows.

    Args:
        tell: is called with each result, in order, in the stage's thread. What it raises ends the run.
    """

    name = "meanwhile"
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
