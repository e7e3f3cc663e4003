"""From a source and options to results: the only place where a pipeline is assembled."""

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
    """The results of a source, frame by frame: iterate over it, or `run` it into a sink.

    ::

        with Session(source, options, shared) as session:
            for result in session:
                ...

    It starts in the constructor, according to its policy. The end, an error, `close`, the end of its `with`
    block and garbage collection stop it and close the source. An error of the source or of a stage is raised
    after all results that precede it: the original exception, with a note that names the stage and the frame.

    Args:
        source: frames in the order of their times. The session closes it; one that may block for ever needs
            an `abort()`, see `Pipeline`.
        options: of faces and the vote; `Options()` by default.
        models: may be shared by any number of sessions; by default the included ones, loaded for this one.
        policy: which frames are analysed, by how many workers, and what waits or is dropped.
        stages: made before with `policy.stages`, so that a live source loses no frames in the meantime;
            models and options are ignored then.
        observer: receives the events of the source and each stage.

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
            draw: makes the picture of a result; by default the frame's own.
            listen: called with each result after the sink.

        Raises:
            BaseException: an error of the source, a stage, the sink or one of the functions.
        """
        for result in self:
            sink.write(result, draw(result) if draw else result.frame.image)
            listen(result)

    def close(self) -> None:
        """Drop the frames in work, stop, and close the source. May be called again."""
        self._results.close()
