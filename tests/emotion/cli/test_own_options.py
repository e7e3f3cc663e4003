"""The options that a command alone has: each arrives in what the command calls.

The cases are made of the options' dataclasses, as in `tests.test_wiring`.
"""

import sys
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from emotion.benchmarks import tuning
from emotion.cli import app as cli
from emotion.models.options import options_of, with_values
from emotion.models.regions import REGIONS
from emotion.models.schema import SHIPPED
from emotion.realtime.options import Options
from tests.fakes.instruments import Instruments
from tests.helpers.option_values import another, in_words, invoke, parameters

OPTIONS = {one.name: one for one in options_of(Options)}


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tuning, "tuning_path", lambda: tmp_path / "tuning.json")


class NoFaces(list):
    """As long as there are none, and of no classes."""

    schema = None


class Taken(Exception):
    """What a command has called, and with what."""

    def __init__(self, *args, **more):
        super().__init__()
        self.args_, self.more = args, more


def take(*args, **more):
    raise Taken(*args, **more)


def taken(*arguments):
    """What a command calls, which then goes no further."""
    result = CliRunner().invoke(cli.app, [str(word) for word in arguments])
    assert isinstance(result.exception, Taken), (result.output, result.exception)
    return result.exception


def dataset(patch, words):
    from emotion.cli import dataset as command

    patch.setattr(command, "make_dataset", take)
    return taken("dataset", "faces", *words).args_[2]


def train(patch, words):
    from emotion.cli import train as command

    patch.setattr(command, "_training", lambda: SimpleNamespace(train=take))
    view = [] if words and words[0] in ("eyes", "lips", "face") else ["eyes"]
    return taken("train", *view, "--teacher", "models", *words).args_[2]


def export(patch, words):
    patch.setitem(sys.modules, "emotion.exporters.export", SimpleNamespace(export=take))
    storage, about = taken("export", "eyes", "-o", "mine", *words).args_[4:6]
    return SimpleNamespace(storage=storage, about_data=about)


def quantise(patch, words):
    patch.setitem(sys.modules, "emotion.exporters.quantise", SimpleNamespace(quantise=take))
    found = taken("quantise", "eyes", "--models", "mine", *words).args_
    return SimpleNamespace(crops=found[3])


def bench(patch, words):
    from emotion.benchmarks import suite
    from emotion.cli import bench as command

    patch.setattr(suite, "run_suite", take)
    for name in ("_tune", "_soak", "_loop"):
        patch.setattr(command, name, lambda *args, name=name: take(name, *args))
    ways = {"--tune": "_tune", "--soak": "_soak", "--loop": "_loop"}
    found = taken("bench", *words).args_
    way = ways.get(words[0]) if words else None
    if way:
        assert found[0] == way
        return SimpleNamespace(tune=way == "_tune", soak=found[-1], loop=found[-1])
    return found[0].options


def annotate(patch, words):
    patch.setattr("emotion.cli.many.annotate_many", take)
    return taken("annotate", "a.mp4", "b.mp4", "-o", "out", *words).args_[2]


def play_options(patch, words):
    from emotion.cli import play as command

    Instruments(patch)
    patch.setattr(command, "read_timeline", lambda path: path)
    patch.setattr(command, "play_video", take)
    _, _, _, _, known, _, speed, _ = taken("play", *words).args_
    return SimpleNamespace(timeline=known, speed=speed)


def _start_nothing(patch, server):
    """Let the server open no port."""
    patch.setattr(server, "_listen", lambda options: Listener())
    patch.setattr(server, "_address", lambda *_: "nowhere")
    patch.setattr(server, "Starting", lambda *_: nullcontext())


class Listener(nullcontext):
    """A socket that listens, as far as `serve` uses it."""

    def getsockname(self):
        return "127.0.0.1", 8000


def serve(patch, words):
    pytest.importorskip("uvicorn", reason="needs the extra 'web'")
    from emotion.web import server

    _start_nothing(patch, server)
    patch.setattr(server, "_certificate", lambda *_: None)
    patch.setattr(server, "load_models", lambda *_: None)
    patch.setattr(server, "make_app", take)
    return taken("serve", *words).args_[0]


def learn(patch, words):
    build = pytest.importorskip("emotion.own_model.build", reason="needs the extra 'learn'")
    patch.setattr(build, "learn", take)
    return taken("learn", "photos", *words).args_[2]


def evaluate(patch, words):
    from emotion.cli import evaluate as command

    seen = {}

    class Evaluator:
        classes = ()
        regions = REGIONS
        unreadable = 0

        def __init__(self, engine):
            seen.update(models=engine.models, precision=engine.precision)

        def about(self):
            return {}

        def photographs(self, photographs, about, smaller):
            seen.update(smaller=smaller, title=about["faces"])
            return SimpleNamespace(missing={}, vote=SimpleNamespace(faces=1))

        def predictions(self, evaluation):
            return {}

        def faces(self, faces, about):
            seen.update(part=faces[0], from_set=faces[1])
            return SimpleNamespace(missing={})

        def compared(self, faces, data, part):
            return faces

        def record(self, name, evaluation):
            seen.update(record=True)

    def of_part(data, part, regions):
        return type("Faces", (tuple,), {"of_set": lambda self, name: (part, name)})((part, None))

    patch.setattr(command, "_Evaluator", Evaluator)
    patch.setattr(command, "faces_of_dataset", of_part)
    patch.setattr(command, "find_photographs", lambda folder, labels: seen.update(labels=labels.names) or [1])
    patch.setattr(command, "find_unread", lambda folder, labels: ())
    patch.setattr(command, "find_videos", lambda folder, labels: ())
    patch.setattr(command, "describe_others", lambda folder, labels: ())
    patch.setattr(command, "of_part", lambda found, part: list(found))
    patch.setattr(command, "scores_table", lambda evaluation: "")
    patch.setattr(command.report, "texts", lambda evaluation: {})
    patch.setattr(command.report, "about_overlap", lambda evaluation: ())
    patch.setattr(command.OwnFiles, "write", lambda files, contents, reported: [])
    own_files = command.OwnFiles.__init__

    def note(files, folder, names, title, overwrite, sources):
        seen.update(overwrite=overwrite)
        own_files(files, folder, names, title, overwrite, sources)

    patch.setattr(command.OwnFiles, "__init__", note)
    seen["record"] = False
    if {"--set"}.isdisjoint(words):  # which photographs do not have
        invoke("evaluate", "photographs", "-o", "out", "--models", "mine", *words)
    if {"--models"}.isdisjoint(words):
        models = seen.get("models")
        invoke("evaluate", "--models", "mine", *words)
        seen["models"] = models
    return SimpleNamespace(**seen)


def weights(patch, words):
    from emotion.cli import weights as command

    patch.setattr(
        command, "load_regions", lambda *_: (SimpleNamespace(manifest=SimpleNamespace(data="")),) * 2
    )
    patch.setattr(command, "schema_of", lambda manifests: SHIPPED)
    patch.setattr(command, "cut_out", lambda data, regions: regions)
    patch.setattr(command, "faces_of_dataset", lambda *_: NoFaces())
    patch.setattr(command, "check_regions", lambda loaded, schema: None)
    patch.setattr(command, "predict", lambda *_: None)
    patch.setattr(command, "_third", lambda data, faces: "a third prediction")
    patch.setattr(command.weights, "fit_vote", take)
    patch.setattr(command.weights, "read", lambda folder: take("explained"))
    patch.setattr(command.VoteWeights, "read", lambda folder: None)
    found = taken("weights", "--models", "mine", *words).args_
    if found == ("explained",):
        return SimpleNamespace(explain=True)
    third, rule, by_default = found[1], found[3], found[4]
    return SimpleNamespace(explain=False, blendshapes=third is not None, rule=rule, by_default=by_default)


def groups():
    """For each command with options of its own: how it is run, their group, and values to choose."""
    from emotion.benchmarks.options import BenchOptions
    from emotion.exporters.options import ExportOptions, QuantiseOptions
    from emotion.models.data.options import DatasetOptions
    from emotion.models.evaluation.options import EvaluationOptions, WeightsOptions
    from emotion.models.manifest import ZOO
    from emotion.models.training.options import TrainingOptions
    from emotion.own_model.options import LearnOptions
    from emotion.realtime.playback.options import PlayOptions
    from emotion.study.options import Shard, StudyOptions
    from emotion.web.options import ServeOptions

    here = Path("here")
    return {
        "dataset": (
            dataset,
            DatasetOptions,
            {"labels": {"joyful": "happiness"}, "classes": ("a", "b"), "regions": ("face",)},
        ),
        "train": (
            train,
            TrainingOptions,
            {"view": "lips", "sizes": ((3, 0.5), (1, 1.0)), "caps": (("faces", 5),), "fold": (1, 4)},
        ),
        "learn": (
            learn,
            LearnOptions,
            {"start_from": ZOO, "neutral": "calm", "group_by": here, "person": "(a)", "about_data": "ours"},
        ),
        "export": (export, ExportOptions, {"storage": "fp32", "about_data": "ours"}),
        "quantise": (quantise, QuantiseOptions, {}),
        "evaluate": (
            evaluate,
            EvaluationOptions,
            {"from_set": "one", "part": "train", "title": "Ours", "labels": {"joyful": "happiness"}},
        ),
        "weights": (weights, WeightsOptions, {"rule": "product"}),
        "bench": (
            bench,
            BenchOptions,
            {
                **dict.fromkeys(("json", "markdown", "plot", "data"), here),
                "peers": ("fer",),
                "keras_python": "python",
                "faces": (3,),
            },
        ),
        "annotate": (
            annotate,
            StudyOptions,
            {"shard": Shard(2, 3), "metadata": here, "by": "age", "cluster": "auto"},
        ),
        "play": (play_options, PlayOptions, {"timeline": here, "speed": 2.0}),
        "serve": (
            serve,
            ServeOptions,
            {
                "host": "0.0.0.0",
                "names": ("one", "two"),
                **dict.fromkeys(("certificate", "key", "folder"), here),
            },
        ),
    }


GROUPS = groups()
NOT_MADE = {"bench": {"compare": "an older report is read, and shown: test_bench"}}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (command, one.name)
        for command, (_, group, _) in GROUPS.items()
        for one in options_of(group)
        if not one.option.expert and one.name not in NOT_MADE.get(command, {})
    ],
)
def test_a_commands_own_options_arrive(command, name, monkeypatch):
    run, group, values = GROUPS[command]
    one = next(field for field in options_of(group) if field.name == name)
    value = values[name] if name in values else another(one)
    found = run(monkeypatch, in_words(one, value))
    assert getattr(found, name) == value
    with pytest.MonkeyPatch.context() as patch:
        if name != "view":
            assert getattr(run(patch, []), name, None) != value


@pytest.mark.parametrize("command", sorted(GROUPS))
def test_a_command_offers_all_of_its_own_options(command):
    _, group, _ = GROUPS[command]
    assert {one.name for one in options_of(group) if not one.option.expert} <= parameters(command)


def test_every_command_takes_its_options_from_dataclasses():
    """What a command says by itself are places: what it reads, and where its results go."""
    places = {
        "annotate": {"sources", "recursive", "resume", "output", "study"},
        "cameras": set(),
        "dataset": {"roots", "output", "workers", "parts"},
        "doctor": set(),
        "evaluate": {"folder", "output"},
        "info": {"files", "recursive"},
        "export": {"region", "trained", "data", "output"},
        "live": {"source"},
        "play": {"video"},
        "quantise": {"regions", "data"},
        "learn": {"roots", "output", "workers"},
        "train": {"data", "run", "teacher", "start_from"},
        "weights": {"data"},
    }
    known = {command: {field.name for field in fields(group)} for command, (_, group, _) in GROUPS.items()}
    for command in set(typer.main.get_command(cli.app).commands) - {"models", "study"}:
        own = parameters(command) - known.get(command, set()) - set(OPTIONS)
        assert own - {"help"} <= places.get(command, set()), command


@pytest.mark.parametrize(
    "name", ["max_faces", "smooth", "provider", "threads", "precision", "models", "regions"]
)
def test_serve_hands_the_analysis_on(name, monkeypatch):
    pytest.importorskip("uvicorn", reason="needs the extra 'web'")
    from emotion.web import server

    value = another(OPTIONS[name])
    _start_nothing(monkeypatch, server)
    monkeypatch.setattr(server, "load_models", lambda *_: None)
    monkeypatch.setattr(server, "make_app", take)
    analysis = taken("serve", *in_words(OPTIONS[name], value)).more["analysis"]
    assert analysis == with_values(Options(), {name: value})
    monkeypatch.setattr(server, "load_models", take)
    assert taken("serve", *in_words(OPTIONS[name], value)).args_[0] == analysis.engine
