"""A live source on its way to the screen, to files and to other programs."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion.realtime.drawing.window import Key, Window
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.options import Options
from emotion.realtime.pipeline.channel import NothingYetError, Policy
from emotion.realtime.pipeline.pipeline import Step
from emotion.realtime.playback.live import Live, LiveFrame, quick_switching
from emotion.realtime.playback.screen import Rows, Screen
from emotion.realtime.session import NewestFrame
from emotion.realtime.sinks.crowd import Crowd
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sinks.views import open_views
from emotion.realtime.sources.live import LiveSource

# So often keys are looked at while no picture comes.
_POLL_SECONDS = 0.02
# The age of a result is shown when it is older than this.
_OLD_SECONDS = 0.3
# Pictures that wait for the recording before the oldest is left out of it.
_RECORDING_QUEUE = 15
_RECORDING = ".mp4"

KEYS: Rows = (
    ("q, Esc", "quit"),
    ("s", "save the picture"),
    ("m", "figures"),
    ("p", "hide faces: not, blurred, landmarks"),
    ("h", "these keys"),
)


class LiveView:
    """A live source on its way to the screen and to files, until one of them ends it.

    Args:
        source: owned from here on.
        policy: leaves out work so that results come in time.
        stages: of the policy; made before the source is opened, so that no picture waits for them.
        options: what pictures look like, where results go, and how long it takes.
        window: None for none.
        say: is told, in a sentence, where pictures can be watched.

    Attributes:
        metrics: what each stage and each output does.
        on_screen: times from capture to screen.
        files: by name, where each output lies; known when `run` has ended, however it ended.
    """

    def __init__(
        self,
        source: LiveSource,
        policy: NewestFrame,
        stages: Sequence[Step],
        options: Options,
        window: Window | None = None,
        say: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self._source = source
        self._say = say
        self._stages = stages
        self._policy = policy
        self._options = options
        self._screen = Screen(window, keys=KEYS, figures=self._figures, options=options.drawing)
        self.metrics = Metrics()
        self.on_screen = Latencies()
        self.files: dict[str, Path] = {}
        self._results = 0
        self._crowd = Crowd()
        self._live: Live | None = None

    def run(self) -> None:
        """Go on until the source, the user, a signal or the time ends it.

        Ctrl-C is a way to end it like any other.

        Raises:
            SourceError: the source is lost for good; files are finished.
            SinkError: a file cannot be written; the others keep what they have, as parts.
            SystemExit: a signal has ended it; files are finished.
        """
        pictures, results = Fanout(observer=self.metrics), Fanout(observer=self.metrics)
        with ExitStack() as stack:
            stack.enter_context(quick_switching())
            stack.callback(self._source.close)
            stack.callback(lambda: self.files.update(pictures.paths | results.paths))
            stack.enter_context(pictures)
            stack.enter_context(results)
            self._open_sinks(pictures, results)
            self._live = stack.enter_context(self._start(results))
            stopped = self._until_stopped(self._live, pictures)
        if sentence := self._crowd.sentence():
            self._say(sentence)
        if stopped is not None:
            raise stopped

    def report(self) -> dict[str, Any]:
        """What was done, ready for JSON; latencies in milliseconds."""
        on_screen = self.on_screen.distribution()
        live = self._live.report() if self._live else {"seconds": 0.0}
        seconds = max(live["seconds"], 1e-9)
        return {
            "source": self._source.name,
            "shown": on_screen.count,
            "shown_per_second": round(on_screen.count / seconds, 2),
            "results": self._results,
            "results_per_second": round(self._results / seconds, 2),
            "skipped_by_source": self._source.skipped,
            "faces_left_out": self._crowd.faces,
            "capture_to_screen_ms": asdict(on_screen),
            **live,
        }

    def _open_sinks(self, pictures: Fanout, results: Fanout) -> None:
        """One after the other, so that the first is closed where the second cannot be opened."""
        options, info = self._options.outputs, self._source.info
        outputs = _named(options.output)
        recorded = recordings(options)
        if recorded and info.sound is None:
            self._say(f"{self._source.name} gives no sound, so the recording has none.")
        for name, path in outputs.items():
            sink = open_file(path, info, video=next(iter(recorded), None))
            if path in recorded:
                # Whoever watches must not wait for the encoder: what it is too slow for is left out.
                pictures.add(name, sink, policy=Policy.DROP_OLDEST, capacity=_RECORDING_QUEUE)
            else:
                results.add(name, sink)
        camera = info if options.virtual_camera else None
        open_views(pictures, say=self._say, mjpeg=options.mjpeg, virtual_camera=camera)
        open_views(results, say=self._say, events=options.events, clock=info.clock)

    def _start(self, results: Fanout) -> Live:
        def on_result(result: EmotionFrame) -> None:
            self._results += 1
            self._crowd.add(result)
            results.write(result, result.frame.image)

        return Live(
            self._source,
            self._stages,
            policy=self._policy,
            hold=self._options.drawing.privacy != "none",
            on_result=on_result,
            metrics=self.metrics,
        )

    def _until_stopped(self, live: Live, pictures: Fanout) -> BaseException | None:
        end = time.monotonic() + (self._options.live.seconds or float("inf"))
        try:
            while time.monotonic() < end:
                live.hold = self._screen.privacy != "none"
                if Key.QUIT in self._step(live, pictures):
                    break
        except (StopIteration, KeyboardInterrupt):
            pass
        # However a session ends, what it has shown until then is whole.
        except (SourceError, SystemExit) as stopped:
            return stopped
        return None

    def _step(self, live: Live, pictures: Fanout) -> list[Key]:
        """Show the next picture, or, where none comes, the last one again; the keys pressed."""
        try:
            frame = live.take(_POLL_SECONDS)
        except NothingYetError:
            state = self._source.state
            lost = "" if state.connected else f"{self._source.name}: {state.reason}; attempt {state.attempt}"
            return self._screen.show([lost], dim=not state.connected)
        if frame.changed:
            self._screen.say(frame.changed)
        pictures.write(frame.result, self._screen.draw(frame.result))
        keys = self._screen.show([_age_line(frame)])
        self.on_screen.add(time.monotonic() - frame.result.frame.captured_at)
        return keys

    def _figures(self) -> Rows:
        return figures(self.report())


def recordings(options: OutputOptions) -> list[Path]:
    """The files among the outputs that hold pictures, and sound where there is any."""
    return [path for path in options.output if path.suffix.lower() == _RECORDING]


def _named(outputs: Sequence[Path]) -> dict[str, Path]:
    """Each file once, under the bare name by which figures and Prometheus know it."""
    named: dict[str, Path] = {}
    for path in {path.resolve(): path for path in outputs}.values():
        same = sum(path.name == other.name for other in named.values())
        named[f"{path.name} ({same + 1})" if same else path.name] = path
    return named


def figures(report: dict[str, Any]) -> Rows:
    """A report as a table for the screen."""
    seconds = max(report["seconds"], 1e-9)
    rows: list[list[str]] = [["", "in", "out", "dropped", "busy", "waiting", "batch"]]
    for stage in report.get("stages", ()):
        counts = [str(stage[name] or "") for name in ("taken", "given", "dropped")]
        shares = [f"{stage[name] / seconds:.0%}" for name in ("busy", "waiting")]
        rows.append([stage["name"], *counts, *shares, f"{stage['mean_batch']:.1f}" if stage["taken"] else ""])
    rows.append(["milliseconds", "p50", "p95", "p99", "", "", ""])
    for key in ("capture_to_result_ms", "capture_to_screen_ms"):
        if key in report:
            values = [f"{report[key][name]:.0f}" for name in ("p50", "p95", "p99")]
            rows.append([key.removesuffix("_ms").replace("_", " "), *values, "", "", ""])
    rates = [f"{report[name]:.1f}" for name in ("shown_per_second", "results_per_second")]
    rows.append(["shown, looked at a second", *rates, "", "", "", ""])
    return rows


def _age_line(frame: LiveFrame) -> str:
    old = frame.age is not None and frame.age > _OLD_SECONDS
    return f"what is said is {frame.age:.1f} s old" if old else ""
