"""A live source shown on the screen, and written to files and other programs."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion.models.regions import Image
from emotion.realtime.drawing import hud
from emotion.realtime.drawing.window import Key, Window
from emotion.realtime.errors import SourceError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.monitoring.histogram import Latencies
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.options import Options
from emotion.realtime.pipeline.channel import NothingYetError, Policy
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.playback.live import Live, LiveFrame, prompt_threads
from emotion.realtime.playback.neutral_face import NeutralFace
from emotion.realtime.playback.recorder import QUEUE, Recorder
from emotion.realtime.playback.screen import Rows, Screen
from emotion.realtime.session import NewestFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.crowd import Crowd
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sinks.views import open_views
from emotion.realtime.sources.live import LiveSource
from emotion.realtime.sources.reader import Connect
from emotion.realtime.stages.people import People

# Interval at which keys are read while no picture arrives.
_POLL_SECONDS = 0.02
# Age from which the age of a result is shown.
_OLD_SECONDS = 0.3
# Length of a receiver's queue of results.
_RECEIVER_QUEUE = 64
_RECORDING = ".mp4"

KEYS: Rows = (
    ("q, Esc", "quit"),
    ("s", "save the picture"),
    ("m", "figures"),
    ("b", "take everybody's neutral face as their baseline"),
    ("r", "record, end the recording"),
    ("c", "the next camera"),
    ("p", "hide faces: not, blurred, landmarks"),
    ("h", "these keys"),
)


class LiveView:
    """A live source shown on the screen and written to files, until one of them ends it.

    Args:
        source: owned from here on.
        policy: sheds load to bound the latency.
        stages: of the policy; made before the source is opened, so that no picture waits for them.
        options: of drawing, outputs and the duration.
        window: None: no window.
        say: called with messages about live outputs.
        receivers: by name, functions that open sinks for other programs. These sinks drop results if they are
            too slow, and their failure does not end the run.
        other_camera: finds the next camera after that of a name; None if there is none.

    Attributes:
        metrics: of each stage and output.
        on_screen: latencies from capture to screen.
        files: by name, the path of each output; known when `run` has ended, in any way.
    """

    def __init__(
        self,
        source: LiveSource,
        policy: NewestFrame,
        stages: Sequence[Step],
        options: Options,
        window: Window | None = None,
        say: Callable[[str], object] = lambda sentence: None,
        receivers: Mapping[str, Callable[[], Sink]] | None = None,
        other_camera: Callable[[str], tuple[str, Connect] | None] = lambda name: None,
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
        self._receivers = receivers or {}
        self._other_camera = other_camera
        self._wanted_camera = ""
        people = next((stage for stage in stages if isinstance(stage, People)), None)
        self._neutral = NeutralFace(people) if people else None
        self._recorder: Recorder | None = None

    def run(self) -> None:
        """Run until the source, the user, a signal or the time limit ends it.

        Ctrl-C is a normal end.

        Raises:
            SourceError: the source is finally lost; files are finished.
            SinkError: a file cannot be written; the others are kept as partial files.
            SystemExit: a signal has ended it; files are finished.
        """
        pictures, results = Fanout(observer=self.metrics), Fanout(observer=self.metrics)
        with ExitStack() as stack:
            stack.enter_context(prompt_threads())
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
        """The metrics, ready for JSON; latencies in milliseconds."""
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
        """One after the other, so that the first is closed if the second cannot be opened."""
        options, info = self._options.outputs, self._source.info
        outputs = _named(options.output)
        recorded = recordings(options)
        if recorded and info.sound is None:
            self._say(f"{self._source.name} gives no sound, so the recording has none.")
        for name, path in outputs.items():
            sink = open_file(path, info, video=next(iter(recorded), None))
            if path in recorded:
                # The screen must not wait for the encoder, which drops pictures if it is too slow.
                pictures.add(name, sink, policy=Policy.DROP_OLDEST, capacity=QUEUE)
            else:
                results.add(name, sink)
        for name, opener in self._receivers.items():
            results.add(name, opener(), policy=Policy.DROP_OLDEST, capacity=_RECEIVER_QUEUE, vital=False)
        self._recorder = Recorder(pictures, info)
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
                keys = self._step(live, pictures)
                if Key.QUIT in keys:
                    break
                for key in keys:
                    self._obey(key)
        except (StopIteration, KeyboardInterrupt):
            pass
        # Results until the end are complete, however a session ends.
        except (SourceError, SystemExit) as stopped:
            return stopped
        return None

    def _step(self, live: Live, pictures: Fanout) -> list[Key]:
        """Show the next picture, or, if none arrives, the last one again; returns the keys pressed."""
        try:
            frame = live.take(_POLL_SECONDS)
        except NothingYetError:
            state = self._source.state
            lost = "" if state.connected else f"{self._source.name}: {state.reason}; attempt {state.attempt}"
            return self._screen.show([lost], dim=not state.connected, paint=self._dot())
        if frame.changed:
            self._screen.say(frame.changed)
        if self._recorder and (trouble := self._recorder.before(frame.result.frame.pts)):
            self._screen.say(trouble)
        pictures.write(frame.result, self._screen.draw(frame.result))
        keys = self._screen.show([self._line(), _age_line(frame)], paint=self._dot())
        self.on_screen.add(time.monotonic() - frame.result.frame.captured_at)
        return keys

    def _line(self) -> str:
        """The state of actions started by keys."""
        wanted, name = self._wanted_camera, self._source.name
        if wanted and name != wanted and self._source.state.connected:
            self._wanted_camera = ""
            self._screen.say(f"{wanted} gives no picture: back to {name}")
        return self._neutral.line() if self._neutral else ""

    def _dot(self) -> Callable[[Image], None] | None:
        """A red dot and the file's name, during a recording started by a key."""
        name = self._recorder.name if self._recorder else ""
        return (lambda canvas: hud.recording(canvas, name)) if name else None

    def _obey(self, key: Key) -> None:
        if key is Key.BASELINE:
            if self._neutral:
                self._neutral.begin()
        elif key is Key.RECORD and self._recorder:
            if said := self._recorder.toggle():
                self._screen.say(said)
        elif key is Key.NEXT_CAMERA:
            # Searching cameras takes seconds on some systems.
            threading.Thread(target=self._switch, name="next-camera", daemon=True).start()

    def _switch(self) -> None:
        other = self._other_camera(self._source.name)
        if other is None:
            self._screen.say("there is no other camera")
            return
        self._screen.say(f"opening {other[0]}")
        self._source.switch(*other)
        self._wanted_camera = other[0]

    def _figures(self) -> Rows:
        return figures(self.report())


def recordings(options: OutputOptions) -> list[Path]:
    """The outputs with pictures, and sound if there is any."""
    return [path for path in options.output if path.suffix.lower() == _RECORDING]


def _named(outputs: Sequence[Path]) -> dict[str, Path]:
    """Each file once, by its name in metrics."""
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
    rows.append(["shown, analysed per second", *rates, "", "", "", ""])
    return rows


def _age_line(frame: LiveFrame) -> str:
    old = frame.age is not None and frame.age > _OLD_SECONDS
    return f"this result is {frame.age:.1f} s old" if old else ""
