"""From a source and options to results: the only place where a pipeline is put together."""

from collections.abc import Callable, Iterable, Sequence
from typing import Self

from emotion.models.closeable import Closeable
from emotion.models.native.memory import LIVE_TURNOVER, Turnover
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.metrics import SILENT, Observer
from emotion.realtime.options import Options
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.pipeline.tee import close_source
from emotion.realtime.session.models import Models
from emotion.realtime.session.policies import EveryFrame, NewestFrame, Policy
from emotion.realtime.sinks.base import Sink


class Session(Closeable):
    """What is thought of a source's faces, frame by frame: iterate over it, or `run` it into a sink.

    ::

        with Session(source, options, shared) as session:
            for result in session:
                ...

    It works from its construction on, as its policy says. The end, an error, `close` and leaving its
    `with` block stop it and close the source, also when it is merely forgotten. An error of the source
    or of a stage comes after all results that precede it: the very object, with a note that names the
    stage and the frame.

    Args:
        source: frames in the order of their times. Owned from here on: where it has a `close()`, that
            is called in the end; one that may wait for ever needs an `abort()`, see `Pipeline`.
        options: how faces are found and votes become answers; `Options()` where not given.
        models: heavy, without state, and shared by as many sessions as there are; by default those that
            ship, loaded for this one.
        policy: which frames are analysed, by how many workers, and who waits for whom.
        stages: those that `policy.stages` has made before, where nothing may be lost of a live source
            while they are; models and options are not looked at then.
        observer: is told what the source and each stage do.

    Raises:
        ModelFileError: a model is missing or damaged. The source is closed then.
    """

    def __init__(
        self,
        source: Iterable[VideoFrame],
        options: Options | None = None,
        models: Models | None = None,
        policy: Policy | None = None,
        *,
        stages: Sequence[Step] | None = None,
        observer: Observer = SILENT,
    ) -> None:
        policy = policy or EveryFrame()
        try:
            if stages is None:
                stages = policy.stages(models or Models.load(), options or Options())
            self._results = policy.start(source, stages, observer)
        except BaseException:
            close_source(source)
            raise
        self._turnover = Turnover(LIVE_TURNOVER) if isinstance(policy, NewestFrame) else Turnover()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EmotionFrame:
        result = next(self._results)
        self._turnover.passed(result.frame.nbytes)
        return result

    def run(
        self,
        sink: Sink,
        draw: Callable[[EmotionFrame], Image] | None = None,
        listen: Callable[[EmotionFrame], object] = lambda result: None,
    ) -> None:
        """Give all results to a sink.

        Args:
            sink: a `Fanout` for several; it is not closed.
            draw: makes the picture that goes with a result; without it that is the frame's own.
            listen: called with each result that the sink has taken.

        Raises:
            BaseException: what the source, a stage, the sink or one of the functions raised.
        """
        for result in self:
            sink.write(result, draw(result) if draw else result.frame.image)
            listen(result)

    def close(self) -> None:
        """Drop what is in work, stop and close the source. May be called again."""
        self._results.close()
