"""Everything that options lead to, in the place of which stands something that writes down what it is given.

Sources, stages, sinks, windows and ports are played; what lies between them and a command, a request or a
call is the program's own. So a test sees where an option arrives, and nothing heavy is loaded.
"""

import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from emotion import api, recognizer, videos
from emotion.cli import live, network, play
from emotion.models.classes import SIX
from emotion.models.closeable import Closeable
from emotion.models.engines.session import CPU_ONLY
from emotion.models.options import options_of
from emotion.models.regions import REGIONS
from emotion.models.schema import SHIPPED
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.drawing import renderer
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.window import Key, Pointer
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame, FaceFrame, PredictionFrame, VideoFrame
from emotion.realtime.monitoring import prometheus
from emotion.realtime.playback import live_view, screen
from emotion.realtime.session import models, policies
from emotion.realtime.sinks import lsl, mjpeg, views, virtual_camera
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sources import live as live_sources
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.stages.options import VoteOptions

INFO = VideoInfo(path=None, width=64, height=48, time_base=Fraction(1, 1000))
_LOOK = ("style", "scale", "draw_timeline", "opacity", "note")
_SOURCE = (
    "size",
    "fps",
    "mirror",
    "open_seconds",
    "stall_seconds",
    "attempts",
    "first_delay",
    "longest_delay",
)


def frames(count=3):
    """Small black pictures, a moment apart."""
    for index in range(count):
        image = np.zeros((48, 64, 3), np.uint8)
        yield VideoFrame(index, 40 * index, Fraction(1, 1000), time.monotonic(), image)


class Instruments:
    """What was written down since the start, by the option's name; None where nothing arrived."""

    def __init__(self, patch):
        self._seen = {}
        self._classifiers = 0
        self._put_in(patch)

    def __getitem__(self, name):
        return self._classifiers if name == "workers" else self._seen.get(name)

    def note(self, **values):
        self._seen |= values

    def note_file(self, path):
        files = (*self._seen.get("output", ()), Path(path))
        self.note(output=files, formats=tuple(file.suffix[1:] for file in files))

    def classifier(self):
        self._classifiers += 1

    def _put_in(self, patch):
        # Models that other tests have loaded are none of these.
        patch.setattr(api, "_readers", {})
        patch.setattr(models, "RegionModel", lambda *args, **more: _region_model(self, *args, **more))
        patch.setattr(models, "LandmarkNets", SimpleNamespace(load=lambda options: _nets(self, options)))
        patch.setattr(models.VoteWeights, "read", lambda folder, names: _weights(self, names))
        patch.setattr(policies, "FaceFinder", lambda *args, **more: _Finder(self, *args, **more))
        patch.setattr(policies, "PhotographFinder", lambda *args, **more: _Photographs(self, *args, **more))
        patch.setattr(policies, "PhotographPeople", lambda weights, options: _People(self, options))
        patch.setattr(policies, "EmotionClassifier", lambda *args, **more: _Classifier(self, *args, **more))
        patch.setattr(policies, "People", lambda weights, options: _People(self, options))
        patch.setattr(policies, "Details", self._recording(policies.Details, _note_details))
        patch.setattr(policies, "LoadShedder", self._recording(policies.LoadShedder, _note_bound))
        patch.setattr(renderer, "Anonymiser", self._recording(renderer.Anonymiser, _note_privacy))
        patch.setattr(renderer, "Overlay", self._recording(renderer.Overlay, _note_look))
        patch.setattr(screen.hud, "table", lambda *_: self.note(show_metrics=True))
        patch.setattr(live_view, "LiveView", self._recording(live_view.LiveView, _note_view))
        patch.setattr(live, "LiveView", live_view.LiveView)
        patch.setattr(live_sources, "LiveSource", lambda *args: _LiveSource(self, *args))
        for where in (videos, live_view):
            patch.setattr(where, "open_file", lambda path, info, **more: _Sink(self, path))
        for where in (videos, recognizer):
            patch.setattr(where, "VideoFile", self._recording(VideoFile, _note_file))
        # Whoever replaces files does not look whether they are there.
        self.note(overwrite=True)
        patch.setattr(live, "check_free", lambda results: self.note(overwrite=False))
        patch.setattr(videos, "ResultLedger", self._recording(videos.ResultLedger, _note_ledger))
        patch.setattr(views, "EventSink", lambda clock: _Events(self))
        patch.setattr(mjpeg, "MjpegSink", lambda port: _Port(self, mjpeg=port))
        patch.setattr(lsl, "LslSink", lambda *_: _Port(self, lsl=True))
        patch.setattr(live, "_open_feed", lambda port, schema: _Port(self, feed=port))
        patch.setattr(virtual_camera, "VirtualCameraSink", lambda *_: _Port(self, virtual_camera=True))
        patch.setattr(prometheus, "MetricsServer", lambda metrics, port, latencies: _server(self, port))
        patch.setattr(network, "forbid_network", lambda: self.note(offline=True))
        for command in (live, play):
            patch.setattr(command, "DisplayProbe", _Probe)
            patch.setattr(command, "Window", lambda title: _Window(self))

    def _recording(self, kind, note):
        """The class itself, which first writes down what it is made of."""
        instruments = self

        class Recording(kind):
            def __init__(self, *args, **more):
                note(instruments, *args, **more)
                super().__init__(*args, **more)

        return Recording


def _note_bound(instruments, bound):
    instruments.note(max_latency=None if bound is None else round(1000 * bound))


def _note_file(instruments, path, start=None, fps=None, end=None, every=None, decoder="software"):
    instruments.note(file_fps=fps, start=start, end=end, every=every, decoder=decoder)


def _note_ledger(instruments, claim, overwrite=False):
    instruments.note(overwrite=overwrite)


def _note_details(instruments, wanted, certain):
    instruments.note(columns=wanted)


def _note_privacy(instruments, mode):
    instruments.note(privacy=mode)


def _note_look(instruments, options=None, strip=None, partly=False):
    options = options or DrawingOptions()
    instruments.note(**{name: getattr(options, name) for name in _LOOK})


def _note_view(instruments, source, policy, stages, options, window=None, say=None, *more):
    instruments.note(seconds=options.live.seconds)


def _weights(instruments, names):
    instruments.note(regions=() if tuple(names) == REGIONS.names else tuple(names))
    return VoteWeights.equal(regions=tuple(names))


def _region_model(instruments, folder, region, provider, threads, precision, cache=None):
    instruments.note(models=folder, provider=provider, threads=threads, precision=precision)
    return SimpleNamespace(
        warm_up=lambda: None,
        choice=CPU_ONLY,
        provider="CPUExecutionProvider",
        manifest=SimpleNamespace(
            region=region,
            classes=SIX,
            where=REGIONS[region],
            architecture="none",
            precision="float32",
            sha256="0" * 64,
        ),
    )


def _nets(instruments, options):
    instruments.note(landmarks="auto")
    return SimpleNamespace(landmarks=SimpleNamespace(choice=CPU_ONLY))


class _Stage:
    batch = 1

    def process(self, items):
        return [self.one(item) for item in items]

    def close(self):
        """Nothing to free."""


class _Finder(_Stage):
    name = "faces"

    def __init__(
        self,
        instruments,
        max_faces=None,
        nets=None,
        turns=1,
        stride=1,
        regions=REGIONS,
        pose=False,
        deferred=False,
    ):
        instruments.note(max_faces=max_faces, finders=turns, stride=stride)

    def one(self, item):
        return FaceFrame(item, ())


class _Photographs(_Stage):
    name = "faces"

    def __init__(self, instruments, max_faces=None, nets=None, regions=REGIONS, pose=False):
        instruments.note(max_faces=max_faces)

    def one(self, item):
        return FaceFrame(item, ())


class _Classifier(_Stage):
    name = "classify"

    def __init__(self, instruments, regions, batch=8, full=False, schema=SHIPPED):
        if full:  # as many as there are workers; otherwise there is always one, for live pictures
            instruments.classifier()
            instruments.note(batch=batch)

    def one(self, item):
        return PredictionFrame(item.frame, (), np.zeros((2, 0, 6), np.float32))


class _People(_Stage):
    name = "people"

    def __init__(self, instruments, options):
        instruments.note(**{one.name: one.value(options) for one in options_of(VoteOptions)})

    def one(self, item):
        return EmotionFrame(item.frame, ())


class _LiveSource:
    """Three pictures of a camera."""

    name, info, skipped = "camera", INFO, 0
    state = SimpleNamespace(connected=True)

    def __init__(self, instruments, name, connect, options, advice):
        assert isinstance(options, LiveOptions)
        instruments.note(**{name: getattr(options, name) for name in _SOURCE})

    def __iter__(self):
        yield from frames()

    def close(self):
        """Nothing to free."""

    abort = close


class _Sink(Sink):
    def __init__(self, instruments, path):
        instruments.note_file(path)

    def write(self, result, image):
        """Nothing is kept."""

    def close(self):
        return None

    abort = close


class _Events(_Sink):
    def __init__(self, instruments):
        instruments.note(events=True)


class _Port(_Sink):
    url = name = "somewhere"

    def __init__(self, instruments, **values):
        instruments.note(**values)


@contextmanager
def _server(instruments, port):
    instruments.note(metrics=port)
    yield SimpleNamespace(url="somewhere")


class _Probe(Closeable):
    def __init__(self, advice=""):
        pass

    def check(self):
        """There is a screen."""

    def close(self):
        """Nothing runs."""


class _Window:
    def __init__(self, instruments):
        instruments.note(window=True)
        self._shown = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def show(self, image):
        self._shown += 1

    def pointer(self):
        return Pointer()

    def pressed(self):
        return [Key.QUIT] if self._shown >= 2 else []
