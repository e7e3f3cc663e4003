"""The benchmark: its clips, clocks and tables, and one small run of all of it."""

import itertools
import json
import subprocess
import sys
import time

import numpy as np
import pytest

from emotion.benchmarks import peers, report, runs, suite, tuning
from emotion.benchmarks.clips import ClipSpec, _places, make_clip
from emotion.benchmarks.options import BenchOptions
from emotion.benchmarks.suite import ANNOTATE, BEST_LOOP, LIVE, LOOP, MAIN, PIPELINE, Suite, run_suite
from emotion.benchmarks.timing import Usage, time_each
from emotion.benchmarks.tuning import Setting, Trial, choose, recall, remember, settings, tune, tuned
from emotion.cli import app as cli
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import ModelFileError
from emotion.models.options import from_mapping
from emotion.realtime.options import Options
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from tests.helpers.shipped_models import shipped_models

FRAMES = 8

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(DEMO, tmp_path_factory.mktemp("clip") / "clip.mp4", ClipSpec(640, 480, 1, FRAMES))


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.mark.parametrize("faces", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (480, 640)])
def test_faces_stand_apart_and_inside_the_picture(size, faces):
    spec = ClipSpec(*size, faces)
    covered = np.zeros((spec.height, spec.width), int)
    for left, top, side in _places(spec):
        assert left >= 0
        assert top >= 0
        covered[top : top + side, left : left + side] += 1
    assert covered.max() == 1
    assert covered.sum() == faces * next(_places(spec))[2] ** 2
    assert covered.mean() > 0.3


def test_a_clip_has_the_faces_and_frames_requested(tmp_path, models):
    path = make_clip(DEMO, tmp_path / "three.mp4", ClipSpec(640, 480, 3, 6))
    with VideoFile(path) as video:
        assert (video.info.width, video.info.height, video.info.average_rate) == (640, 480, 30)
    found = runs.flat_out("three", path, models, 4, 6)
    assert found.frames == 6
    times = suite.measure_stages("three", path, models, 4, 6)
    assert [stage.name for stage in times.stages][:3] == ["decode", "landmarks", "crops"]
    assert all(stage.frames == 6 for stage in times.stages)


def test_clocks_tell_waiting_from_working():
    _, waited = time_each("wait", time.sleep, [0.02] * 3)
    assert waited.mean >= 20
    assert waited.cpu < waited.mean
    assert waited.p50 <= waited.p95 <= waited.p99


def test_usage_sees_memory_that_is_taken_and_given_back():
    with Usage(interval=0.005) as usage:
        block = np.ones(2**25)
        time.sleep(0.1)
        del block
    with Usage() as after:
        pass
    assert usage.peak_mib > after.peak_mib + 128
    assert usage.seconds >= 0.1


def test_growth_is_from_the_middle_to_the_end():
    steady = [(float(second), 500.0 if second > 20 else 100.0) for second in range(100)]
    leaking = [(float(second), 100.0 + second) for second in range(100)]
    assert runs.growth(steady) == 0
    assert 30 < runs.growth(leaking) < 50


def test_frames_go_on_when_a_clip_is_over(clip, models):
    frames = list(runs._FirstFrames(clip, 2 * FRAMES + 3))
    assert [frame.index for frame in frames] == list(range(2 * FRAMES + 3))
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(frames))


def test_a_paced_run_takes_its_time_and_reports_latencies(clip, models):
    run = runs.paced("live", clip, models, 1, FRAMES, 20.0)
    assert run.seconds >= (FRAMES - 1) / 20
    assert run.frames + run.dropped == FRAMES
    assert 0 < run.latency_ms[0] <= run.latency_ms[2]


def test_paced_pictures_are_as_far_apart_at_the_beginning(clip, monkeypatch):
    frames = list(runs._FirstFrames(clip, 2))

    def slow(clip, count):
        time.sleep(0.1)
        yield from frames

    monkeypatch.setattr(runs, "_FirstFrames", slow)
    first, second = runs._Paced(clip, 2, 20.0)
    assert second.captured_at - first.captured_at >= 0.05


@pytest.fixture(scope="module")
def values():
    """One run of the whole suite, with few frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Suite, "frames", FRAMES)
        patch.setattr(peers, "find_spec", lambda name: None)
        analysis = Options(engine=EngineOptions(provider="cpu", precision="fp32"))
        suite = Suite(DEMO, BenchOptions(quick=True), analysis)
        return json.loads(json.dumps(run_suite(suite)))


def test_the_report_has_every_run_stage_and_ratio(values):
    main = values["clips"][MAIN.name]
    assert {run["name"] for run in main["runs"]} >= {LOOP, BEST_LOOP, PIPELINE, ANNOTATE, LIVE}
    names = [stage["name"] for stage in main["stages"]]
    assert names == ["decode", "landmarks", "crops", "eyes", "lips", "vote", "draw", "encode"]
    assert all(run["fps"] > 0 for run in main["runs"])
    assert values["annotate_mib"] == {MAIN.name: values["first_result"]["peak_mib"]}
    assert values["first_result"]["first_s"] > values["first_result"]["import_s"] > 0
    assert [peer["note"] for peer in values["peers"]] == [
        "Keras is not installed",
        "OpenVINO is not installed",
    ]
    expected = main["runs"][0]["fps"]
    assert values["ratios"]["pipeline to the loop with one thread"] * expected == pytest.approx(
        next(run["fps"] for run in main["runs"] if run["name"] == PIPELINE)
    )


def test_the_tables_show_it(values, tmp_path):
    text = report.markdown(values)
    for wanted in (
        "processor",
        "pipeline to the bound",
        "landmarks",
        PIPELINE,
        "3 faces",
        "first result after",
        f"most memory over {FRAMES} frames of {MAIN.name}",
    ):
        assert wanted in text
    assert "peak" not in text  # the memory of this process, which holds what earlier runs needed
    for table in report.tables(values):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    report.save_plot(tmp_path / "plot.png", values)
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_a_comparison_gives_ratios(values):
    twice = json.loads(json.dumps(values))
    for run in twice["clips"][MAIN.name]["runs"]:
        run["fps"] *= 2
    table = report.compare(values, twice)
    assert {row[-1] for row in table.rows if row[0] == MAIN.name and not row[1].startswith("stage")} == {
        "2.00x"
    }
    assert table.note == ""
    with pytest.raises(ModelFileError, match="run it again"):
        report.compare({}, values)


def test_a_peer_that_fails_is_named_with_its_reason():
    found, problem = peers._json_of([sys.executable, "-c", "raise RuntimeError('no such luck')"])
    assert found == {}
    assert "no such luck" in problem
    assert peers._json_of([sys.executable, "-c", "print('{\"ms\": 2}')"]) == ({"ms": 2}, "")
    assert peers.fer(DEMO, 1.0, None, 1).ratio is None
    assert peers.Peer("x", "y", 10.0, 2.0).ratio == 5


@pytest.mark.parametrize("cores", [1, 2, 4, 16])
def test_settings_never_ask_for_many_more_threads_than_cores(cores):
    tried = list(settings(cores))
    assert len(set(tried)) == len(tried)
    assert Setting(1, 1, 1) in tried
    assert all(one.classifiers * one.threads <= max(2 * cores, 2) for one in tried)


def test_the_fastest_setting_wins_unless_a_smaller_one_is_as_fast():
    small, large = Setting(1, 1, 4), Setting(4, 2, 8)
    assert choose([Trial(large, 51.0), Trial(small, 50.0)]).setting == small
    assert choose([Trial(large, 60.0), Trial(small, 50.0)]).setting == large


def test_tuning_tries_and_remembers(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "settings", lambda cores: iter([Setting(1, 1, 1), Setting(2, 1, 4, 2)]))
    lines = []
    engine = EngineOptions(provider="cpu", precision="fp32")
    trials = tune(clip, engine, FRAMES, lines.append)
    assert len(lines) == 4
    assert {trial.setting for trial in trials} == {Setting(1, 1, 1), Setting(2, 1, 4, 2)}
    path = tmp_path / "config" / "tuning.json"
    remember(path, trials[0], engine)
    assert recall(path, engine) == trials[0].setting
    assert recall(path, EngineOptions(provider="cuda", precision="fp32")) is None
    monkeypatch.setattr(tuning.machine, "processor", lambda: "another")
    assert recall(path, engine) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}'])
def test_a_spoilt_memory_is_no_memory(tmp_path, text):
    path = tmp_path / "tuning.json"
    path.write_text(text)
    assert recall(path, EngineOptions()) is None


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


def asked(**options):
    return from_mapping(Options, options)


def test_what_was_found_is_used_unless_another_is_requested(monkeypatch, tmp_path):
    path = tmp_path / "tuning.json"
    monkeypatch.setattr(tuning, "tuning_path", lambda: path)
    assert tuned(Options()) == Options()
    remember(path, Trial(Setting(3, 2, 5, 2), 1.0), EngineOptions())
    found = tuned(asked(stride=2, max_faces=7))
    assert found == asked(workers=3, threads=2, batch=5, finders=2, stride=2, max_faces=7)
    for wish in ({"threads": 1}, {"workers": 7}, {"finders": 3}, {"provider": "cpu"}):
        assert tuned(asked(**wish)) == asked(**wish)


def test_wrong_use_ends_in_a_sentence(monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, "bench", "--peers", "abacus") == 2
    assert run(monkeypatch, "bench", "--compare", tmp_path / "missing.json") == 3
    (tmp_path / "text.json").write_text("no json")
    assert run(monkeypatch, "bench", "--compare", tmp_path / "text.json") == 3
    assert "emotion bench --json" in capsys.readouterr().err.replace("\n", " ")


def test_a_looped_run_reports_memory(monkeypatch, capsys):
    assert (
        run(monkeypatch, "bench", "--loop", "0.01", "--models", "lite", "--provider", "cpu", "--workers", "1")
        == 0
    )
    assert "MiB" in capsys.readouterr().out


def test_the_peers_own_script_needs_nothing_of_this_program():
    text = peers._FER_SCRIPT.read_text()
    assert "from benchmarks" not in text
    assert "from models" not in text
    done = subprocess.run(
        [sys.executable, str(peers._FER_SCRIPT)], capture_output=True, text=True, check=False
    )
    assert "fer" in done.stderr


def test_what_a_precision_costs_is_reported_on_the_test_part(monkeypatch, tmp_path):
    """A data set of which the models' own answers are the truth: fp32 is right on all of it."""
    from emotion.benchmarks import models as alone
    from emotion.models.data.stored import RegionData
    from emotion.models.engines.session import RegionModel
    from emotion.models.manifest import ZOO
    from emotion.models.regions import REGIONS
    from emotion.models.voting.vote import VoteWeights

    rng = np.random.default_rng(0)
    crops = {region.name: rng.integers(0, 256, (20, *region.size), dtype=np.uint8) for region in REGIONS}
    predictions = {name: RegionModel(ZOO, name, "cpu")(images) for name, images in crops.items()}
    truth = VoteWeights.equal().vote(np.stack([*predictions.values()])).argmax(axis=1)
    shapes = np.zeros((20, 52), np.float32)

    def load(folder, region, splits, classes):
        assert tuple(splits) == ("test",)
        return RegionData(
            crops[region], truth, shapes[:, :6], shapes[:, 0], shapes, ("test",) * 20, truth, margin=0
        )

    monkeypatch.setattr(alone, "load_region", load)
    monkeypatch.setattr(alone.VoteWeights, "read", lambda folder, regions: VoteWeights.equal())
    monkeypatch.setattr(alone, "precisions", lambda folder, regions: ("fp32",))
    (row,) = alone.accuracy({"": ZOO}, tmp_path)
    assert (row.faces, row.agreement, row.accuracy, row.balanced_accuracy) == (20, 1, 1, 1)


@pytest.mark.parametrize("option", ["--json", "--markdown", "--plot"])
def test_a_file_of_the_users_is_not_replaced(option, tmp_path, monkeypatch, capsys):
    path = tmp_path / "mine.svg"
    path.write_text("mine")
    monkeypatch.setattr(sys, "argv", ["emotion", "bench", "--quick", option, str(path)])
    assert cli.run() == 6
    assert "is there already: name another file, or say --overwrite" in capsys.readouterr().err.replace(
        "\n", " "
    )
    assert path.read_text() == "mine"


def test_a_plot_that_fails_leaves_the_old_one(values, tmp_path, monkeypatch):
    path = tmp_path / "plot.png"
    path.write_text("old")

    def fail(figure, place, **options):
        place.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="No space"):
        report.save_plot(path, values)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]
