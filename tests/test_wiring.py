"""Every option arrives where it is used, on every road: command line, HTTP, Python.

The cases are made of the options' own dataclasses. On each road each option is given a value that is not
its default; what stands at the road's end (`tests.fakes.instruments`) must have got that value, and nothing
else may have changed. What a road does not offer is said in `NOT_OFFERED` with the reason: an option that a
road neither offers nor is listed for fails the test, so a new one cannot be forgotten.
"""

import inspect
import json
from dataclasses import MISSING
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

import emotion
from emotion.benchmarks import tuning
from emotion.models.options import options_of, with_values
from emotion.realtime.options import Options
from emotion.realtime.session import default_classifiers
from tests.fakes.instruments import Instruments, frames
from tests.helpers import clips
from tests.helpers.option_values import another, in_words, invoke, parameters

SERVED = TemporaryDirectory()
OPTIONS = {one.name: one for one in options_of(Options)}
EXPERT = "for programs only: Python's keywords have it"
ONE_PICTURE = "there is one picture, in which nobody is followed, drawn or shared out"
ONE_AT_A_TIME = "live pictures go through one worker at a time, or the newest would wait"
NO_FILES = "a live stream's; this is a file"
ONE_PLACE = "annotate has a folder of its own for -o, and live its files; here nothing is written"
EXCERPT = ("start", "end", "every")
LOOK = ("style", "scale", "draw_timeline")
THRESHOLDS = ("certain", "doubtful", "dwell", "lead", "margin")
LIVE = "nothing is known of what follows a live picture"
SERVER = "decided for the whole server, which shares it among visitors"
NO_TIMES = "bare streams are annotated; here they have the rate that they say themselves"
STRANGERS = "strangers' files stay away from the drivers of devices"
CALLER = "the caller's own business: results are values in their program"

NOT_OFFERED: dict[str, dict[str, str]] = {
    "annotate": {
        "output": "its own -o is the folder of all videos' results",
        **dict.fromkeys(("window", "show_metrics"), "nothing is shown on the screen"),
        **dict.fromkeys(("size", "fps", "mirror", "max_latency", "seconds"), NO_FILES),
        **dict.fromkeys(("virtual_camera", "feed", "lsl", "report"), NO_FILES),
    },
    "live": {
        **dict.fromkeys(("finders", "stride", "workers"), ONE_AT_A_TIME),
        **dict.fromkeys(EXCERPT, "it begins when it is started"),
        "causal": LIVE,
        "formats": "each -o says its format by its name",
        "file_fps": "--fps is a limit here",
        "decoder": "live sources are decoded as they come",
    },
    "play": {
        **dict.fromkeys(("finders", "stride", "workers"), "a screen needs no more than real time"),
        "causal": "whoever plays jumps about: it is always so",
        "window": "there is always one",
        **dict.fromkeys(EXCERPT, "keys go to any place, at any speed"),
        "show_metrics": "key m shows them",
        "file_fps": NO_TIMES,
        "decoder": "keys jump to any place and back: it is decoded in software",
        **dict.fromkeys(("size", "fps", "mirror", "max_latency", "seconds"), NO_FILES),
        **dict.fromkeys(
            (
                "output",
                "formats",
                "events",
                "mjpeg",
                "metrics",
                "virtual_camera",
                "feed",
                "lsl",
                "report",
                "overwrite",
            ),
            "nothing is written",
        ),
    },
    "serve": {
        **dict.fromkeys(
            ("baseline", "privacy", "stride", "causal", *THRESHOLDS, *LOOK), "chosen for each video or camera"
        ),
        **dict.fromkeys(("finders", "workers"), "found by bench --tune, else the defaults"),
        "landmarks": "pictures come from many visitors, a few at a time, on the CPU",
        **dict.fromkeys(("window", "show_metrics"), "nothing is shown on the server's screen"),
        **dict.fromkeys(
            ("size", "fps", "mirror", "max_latency", "seconds"), "the browser decides on its camera"
        ),
        **dict.fromkeys(
            ("output", "formats", "events", "mjpeg", "virtual_camera", "feed", "lsl", "report", "overwrite"),
            "the page offers all files, and shows the pictures itself",
        ),
        "metrics": "/metrics is always there",
        "file_fps": NO_TIMES,
        "decoder": STRANGERS,
        **dict.fromkeys(EXCERPT, "of a visitor's video the page shows all"),
        "columns": "the page shows what all faces have",
        "offline": "it listens to the network, and asks nothing of it",
    },
    "python": {
        **dict.fromkeys(("window", "show_metrics"), CALLER),
        "seconds": "leave the loop",
        **dict.fromkeys(
            (
                "output",
                "formats",
                "events",
                "mjpeg",
                "metrics",
                "virtual_camera",
                "feed",
                "lsl",
                "report",
                "overwrite",
            ),
            CALLER,
        ),
        "offline": "would forbid the network to the whole program",
    },
    "videos": {
        "file_fps": NO_TIMES,
        "decoder": STRANGERS,
        **dict.fromkeys(EXCERPT, "the page shows the whole video"),
        "columns": "the page shows what all faces have",
        **dict.fromkeys(("finders", "workers", "models", "provider", "precision"), SERVER),
        **dict.fromkeys(("landmarks", "threads", "regions"), SERVER),
        **dict.fromkeys(("window", "show_metrics"), "the page shows it"),
        **dict.fromkeys(("size", "fps", "mirror", "max_latency", "seconds"), NO_FILES),
        **dict.fromkeys(
            ("output", "formats", "events", "mjpeg", "virtual_camera", "feed", "lsl", "report", "overwrite"),
            "all formats are made, in the server's own folder",
        ),
        **dict.fromkeys(("metrics", "offline"), SERVER),
    },
    "photos": {
        **dict.fromkeys(("file_fps", "decoder", *EXCERPT), ONE_PICTURE),
        "columns": "the page shows what all faces have",
        **dict.fromkeys(("causal", "dwell", "lead", "margin", *LOOK), ONE_PICTURE),
        **dict.fromkeys(("finders", "stride", "workers", "smooth", "baseline", "privacy"), ONE_PICTURE),
        **dict.fromkeys(("models", "provider", "precision", "landmarks", "threads", "regions"), SERVER),
        **dict.fromkeys(("window", "show_metrics"), "the page shows it"),
        **dict.fromkeys(("size", "fps", "mirror", "max_latency", "seconds"), ONE_PICTURE),
        **dict.fromkeys(
            ("output", "formats", "events", "mjpeg", "virtual_camera", "feed", "lsl", "report", "overwrite"),
            "results are the answer",
        ),
        **dict.fromkeys(("metrics", "offline"), SERVER),
    },
    "cameras": {
        **dict.fromkeys(("file_fps", "decoder", *EXCERPT), "there is no file"),
        "columns": "the page shows what all faces have",
        **dict.fromkeys(LOOK, "the page draws what it gets, in its own way"),
        "causal": LIVE,
        **dict.fromkeys(("finders", "stride", "workers"), ONE_AT_A_TIME),
        **dict.fromkeys(("models", "provider", "precision", "landmarks", "threads", "regions"), SERVER),
        **dict.fromkeys(("window", "show_metrics"), "the page shows it"),
        **dict.fromkeys(
            ("size", "fps", "mirror", "max_latency", "seconds"), "the browser decides on its camera"
        ),
        **dict.fromkeys(
            ("output", "formats", "events", "mjpeg", "virtual_camera", "feed", "lsl", "report", "overwrite"),
            "results go to the page",
        ),
        **dict.fromkeys(("metrics", "offline"), SERVER),
    },
}
for _road in set(NOT_OFFERED) - {"python"}:
    NOT_OFFERED[_road] |= {name: EXPERT for name, one in OPTIONS.items() if one.option.expert}

# What arrives where nothing is chosen, though the option's own default is another.
RESOLVED = {"threads": 1, "workers": default_classifiers(), "finders": 1}
FALSE = {"window", "events", "virtual_camera", "lsl", "draw_timeline", "offline", "show_metrics"}


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tuning, "tuning_path", lambda: tmp_path / "tuning.json")


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("wiring") / "clip.mp4"
    clips.clip(path, 4)
    return path


def on_command_line(command, *fixed):
    def travel(instruments, clip, chosen):
        words = [word for name, value in chosen.items() for word in in_words(OPTIONS[name], value)]
        invoke(command, *(clip if word == "CLIP" else word for word in fixed), *words)
        if Path("report.json").exists():
            instruments.note(report=Path("report.json"))

    return travel


def in_python(instruments, clip, chosen):
    for source in ("0", clip):
        for result in emotion.stream(source, **chosen):
            result.draw()


def page(analysis=None):
    from emotion.realtime.session import Models
    from emotion.web.http.app import make_app
    from emotion.web.options import ServeOptions

    return make_app(
        ServeOptions(folder=Path(mkdtemp(dir=SERVED.name)), jobs=1), Models.load(), analysis=analysis
    )


def in_query(one, value):
    return str(value).lower() if one.kind is bool else in_words(one, value)[-1]


def over_http(kind):
    """A request with these options; what the server hands on is taken up as a worker or a viewer would."""

    def travel(instruments, clip, chosen, analysis=None):
        testclient = pytest.importorskip("starlette.testclient")
        query = {name: in_query(OPTIONS[name], value) for name, value in chosen.items()}
        with pytest.MonkeyPatch.context() as patch:
            take_up = HANDED_ON[kind](patch)
            with testclient.TestClient(page(analysis), base_url="http://127.0.0.1:8000") as client:
                more = {"json": {"sdp": "an offer"}} if kind == "cameras" else {"content": b"a file"}
                answer = client.post(f"/api/{PATHS[kind]}", params=query, **more)
                assert answer.status_code in (200, 201), answer.text
                take_up(client, clip)

    return travel


def as_a_job(patch):
    from emotion.web.jobs.process import Outcome, WorkerProcess
    from emotion.web.jobs.store import State
    from emotion.web.jobs.worker import Worker

    orders = []

    async def run(self, order, report):
        orders.append(order)
        return Outcome(State.DONE, "done")

    patch.setattr(WorkerProcess, "run", run)

    def take_up(client, clip):
        while not orders:
            client.get("/api/health")
        order = json.loads(json.dumps(orders[0])) | {"video": str(clip)}
        limits = client.app.state.site.queue._worker_options
        from emotion.realtime.session import Models

        with open("reports", "w") as reports:
            end = Worker(limits, reports)._serve(order, Models.load(limits.engine))
        assert end["end"] == "done", end

    return take_up


def as_a_photo(patch):
    from emotion.web.http import site

    async def decode(data, pixels):
        return next(frames()).image

    patch.setattr(site, "decode", decode)
    return lambda client, clip: None


def as_a_camera(patch):
    import asyncio

    import av

    from emotion.web.camera import viewer

    handed = []

    class Browserless:
        def __init__(self, models, options, drawn, counts, listen, mirror):
            handed.append((models, options))
            self.closed = asyncio.Event()

        async def answer(self, sdp):
            return "an answer"

        async def close(self):
            self.closed.set()

    patch.setattr(viewer, "Viewer", Browserless)

    def take_up(client, clip):
        import threading

        done = threading.Event()
        ((models, options),) = handed
        analyst = viewer.Analyst(models, options, True, lambda *_: done.set(), lambda error: done.set())
        analyst.look_at(av.VideoFrame.from_ndarray(next(frames()).image, format="bgr24"))
        assert done.wait(30)
        analyst.close()

    return take_up


HANDED_ON = {"videos": as_a_job, "photos": as_a_photo, "cameras": as_a_camera}
PATHS = {"videos": "jobs", "photos": "photos", "cameras": "cameras"}
ROADS = {
    "annotate": on_command_line("annotate", "CLIP", "-o", "results"),
    "live": on_command_line("live", "0", "-o", "always.srt"),
    "play": on_command_line("play", "CLIP"),
    "python": in_python,
    **{kind: over_http(kind) for kind in PATHS},
}


def offered(road):
    """The options that a road offers, as the road itself says."""
    if road == "python":
        return set(inspect.signature(emotion.stream).parameters) & set(OPTIONS)
    if road in PATHS:
        pytest.importorskip("fastapi", reason="needs the extra 'web'")
        with pytest.MonkeyPatch.context() as patch:
            Instruments(patch)
            described = page().openapi()["paths"][f"/api/{PATHS[road]}"]["post"]["parameters"]
        return {one["name"] for one in described} & set(OPTIONS)
    names = parameters(road) & set(OPTIONS)
    return names - {"output"} if road == "annotate" else names  # its -o is another, with the same name


@pytest.mark.parametrize("road", sorted(NOT_OFFERED))
def test_a_road_offers_an_option_or_there_is_a_reason(road):
    assert all(NOT_OFFERED[road].values())
    assert offered(road).isdisjoint(NOT_OFFERED[road])
    assert offered(road) | set(NOT_OFFERED[road]) == set(OPTIONS)


def usual(instruments, name):
    """What arrived of an option; what leaves nothing behind has its default."""
    value = instruments[name]
    if value is None and name in FALSE:
        return False
    if value is None and name == "columns":
        return ()
    return "mediapipe" if value is None and name == "landmarks" else value


def travelled(road, clip, chosen, **more):
    """What arrived of every option on a road."""
    with pytest.MonkeyPatch.context() as patch:
        instruments = Instruments(patch)
        ROADS[road](instruments, clip, chosen, **more)
        return {name: usual(instruments, name) for name in OPTIONS}


@pytest.fixture(scope="session")
def before(clip, tmp_path_factory):
    """What arrives on each road where nothing is chosen."""
    found = {}

    def of(road):
        if road not in found:
            found[road] = travelled(road, clip, {})
        return found[road]

    return of


# Two options are one thing to what uses them.
TOGETHER = {"output": {"formats"}, "formats": {"output"}, "mjpeg": set()}


@pytest.mark.parametrize(
    ("road", "name"),
    [(road, name) for road in sorted(ROADS) for name in OPTIONS if name not in NOT_OFFERED[road]],
)
def test_an_option_arrives_and_changes_nothing_else(road, name, clip, before):
    one = OPTIONS[name]
    value = another(one, RESOLVED.get(name, MISSING))
    unchanged, arrived = before(road), travelled(road, clip, {name: value})
    if (road, name) == ("live", "output"):
        value = (Path("always.srt"), *value)
    assert arrived[name] == value
    assert unchanged[name] != value
    changed = {other for other in arrived if arrived[other] != unchanged[other]}
    if road == "videos":
        changed.discard("output")  # each has a folder of its own
    assert changed <= {name} | TOGETHER.get(name, set())


@pytest.mark.parametrize("road", sorted(ROADS))
def test_what_is_not_chosen_has_its_default(road, before):
    arrived = before(road)
    for name in set(OPTIONS) - set(NOT_OFFERED[road]) - {"formats", "output"}:
        assert arrived[name] == RESOLVED.get(name, OPTIONS[name].default), name


@pytest.mark.parametrize(
    ("road", "name"),
    [(road, name) for road in PATHS for name in OPTIONS if name not in NOT_OFFERED[road]],
)
def test_the_servers_own_options_hold_where_a_request_says_nothing(road, name, clip):
    value = another(OPTIONS[name])
    analysis = with_values(Options(), {name: value})
    assert travelled(road, clip, {}, analysis=analysis)[name] == value


def test_python_takes_all_options_in_one(clip):
    with pytest.MonkeyPatch.context() as patch:
        instruments = Instruments(patch)
        chosen = with_values(Options(), {"max_faces": 2, "smooth": 1.0, "provider": "cuda"})
        list(emotion.stream(clip, options=chosen, smooth=2.0))
    assert [instruments[name] for name in ("max_faces", "smooth", "provider")] == [2, 2.0, "cuda"]


@pytest.mark.parametrize("road", sorted(PATHS))
def test_the_description_says_help_unit_bounds_and_default(road):
    pytest.importorskip("fastapi", reason="needs the extra 'web'")
    with pytest.MonkeyPatch.context() as patch:
        Instruments(patch)
        described = page(with_values(Options(), {"max_faces": 7})).openapi()
    found = {one["name"]: one for one in described["paths"][f"/api/{PATHS[road]}"]["post"]["parameters"]}
    faces = found["max_faces"]["schema"]
    assert (faces["minimum"], faces["maximum"], faces["default"]) == (1, 20, 7)
    assert found["max_faces"]["description"] == OPTIONS["max_faces"].option.help
    if "smooth" in found:
        assert found["smooth"]["schema"]["unit"] == "seconds"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"max_faces": "21"}, "max_faces (Input should be less than or equal to 20)"),
        ({"max_face": "2"}, "max_face is no option; max_faces is one."),
        ({"baseline": "soon"}, "no length of time"),
        ({"privacy": "veil"}, "privacy"),
    ],
)
def test_a_request_with_a_wrong_option_is_refused_with_its_name(query, said):
    testclient = pytest.importorskip("starlette.testclient")
    with pytest.MonkeyPatch.context() as patch:
        Instruments(patch)
        with testclient.TestClient(page(), base_url="http://127.0.0.1:8000") as client:
            answer = client.post("/api/jobs", params=query, content=b"a video")
            assert answer.status_code == 422
            assert said in answer.json()["detail"]
