"""One video of a study, whose files lie here or in a store; nobody looks for faces."""

import errno
import json
import os
import tempfile

import fsspec
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.options import Options
from emotion.realtime.session.policies import EveryFrame
from emotion.realtime.sources.demo import DEMO
from emotion.study import task as module
from emotion.study.options import Shard
from emotion.study.plan import plan
from emotion.study.pool import Report
from emotion.study.run import run_jobs
from emotion.study.stand_ins import StandIns
from emotion.study.study_files import names_of
from emotion.study.task import run_task, task_of
from emotion.videos import Outputs
from tests.emotion.study.test_pool import Watcher
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers.clips import clip
from tests.helpers.studies import PROVENANCE

FORMATS = ("csv", "study")


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    monkeypatch.setattr(EveryFrame, "stages", lambda self, models, options: [NoFaces()])


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    """The address of a folder of a store with two clips, ``a`` and ``b``."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    home = "memory://bucket" if request.param == "memory" else f"local://{tmp_path}/bucket"
    for name in "ab":
        clip(tmp_path / f"{name}.mp4", 6)
        with (
            fsspec.open(f"{home}/clips/{name}.mp4", "wb", auto_mkdir=True) as file,
            open(tmp_path / f"{name}.mp4", "rb") as made,
        ):
            file.write(made.read())
    yield home
    memory.store.clear()


def task(home, name="a", resume=False):
    with StandIns() as stand_ins:
        video = stand_ins.of(f"{home}/clips/{name}.mp4")
        out = stand_ins.of(f"{home}/out")
        (job,) = plan([(video, Outputs.of(video, out, FORMATS))], out)
        return task_of(job, resume, stand_ins.address)


def names(home):
    system, path = fsspec.core.url_to_fs(f"{home}/out")
    return sorted(os.path.basename(one) for one in system.find(path))


def test_results_in_a_store_are_those_of_this_machine(store, tmp_path):
    reported = run_task(task(store), NO_MODELS, Options())
    assert (reported["end"], reported["frames"]) == ("done", 6)
    assert names(store) == ["a.emotions.csv", "a.study.json", "a.summary.json"]
    here = Outputs.of(tmp_path / "a.mp4", tmp_path / "here", FORMATS)
    (job,) = plan([(tmp_path / "a.mp4", here)], tmp_path / "here")
    assert run_task(task_of(job, False), NO_MODELS, Options())["end"] == "done"
    with fsspec.open(f"{store}/out/a.emotions.csv", "rb") as file:
        assert file.read() == here.files["csv"].read_bytes()
    # What the study's end reads is in the report, so that it need not be fetched.
    assert json.loads(reported["small"]["summary"])["complete"]
    assert reported["small"]["study"] == here.files["study"].read_text()


def test_copies_lie_in_a_temporary_folder_also_where_an_address_has_no_host(store, tmp_path, monkeypatch):
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(away))
    paths = []
    fetch, put = module.stores.fetch, module.stores.put
    monkeypatch.setattr(
        module.stores, "fetch", lambda address, path: paths.append(path) or fetch(address, path)
    )
    monkeypatch.setattr(module.stores, "put", lambda path, address: paths.append(path) or put(path, address))
    scheme, _, rest = store.partition("://")
    assert run_task(task(f"{scheme}:///{rest.lstrip('/')}"), NO_MODELS, Options())["end"] == "done"
    assert len(paths) == 4
    assert all(one.is_relative_to(away) for one in paths)
    assert not list(away.iterdir())


def test_what_is_done_is_passed_over_without_fetching_the_video(store, monkeypatch):
    first = run_task(task(store), NO_MODELS, Options())
    fetched = []
    fetch = module.stores.fetch
    monkeypatch.setattr(
        module.stores, "fetch", lambda address, path: fetched.append(address) or fetch(address, path)
    )
    reported = run_task(task(store, resume=True), NO_MODELS, Options())
    assert reported["end"] == "passed"
    assert reported["small"] == first["small"]
    assert not [one for one in fetched if one.endswith(".mp4")]


def test_a_damaged_video_that_is_passed_over_keeps_its_exit_code(tmp_path):
    whole = DEMO.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 6])
    (job,) = plan([(cut, Outputs.of(cut, None, FORMATS))], tmp_path)
    first = run_task(task_of(job, False), NO_MODELS, Options())
    again = run_task(task_of(job, True), NO_MODELS, Options())
    assert (first["end"], first["code"], again["end"], again["code"]) == ("incomplete", 3, "passed", 3)
    assert again["reason"] == first["reason"]


def test_a_changed_video_or_a_missing_result_is_done_again(store):
    run_task(task(store), NO_MODELS, Options())
    system, path = fsspec.core.url_to_fs(f"{store}/out/a.emotions.csv")
    system.rm(path)
    assert run_task(task(store, resume=True), NO_MODELS, Options())["end"] == "done"
    with fsspec.open(f"{store}/clips/b.mp4", "rb") as other:
        data = other.read() + b"more"
    with fsspec.open(f"{store}/clips/a.mp4", "wb") as file:
        file.write(data)
    assert run_task(task(store, resume=True), NO_MODELS, Options())["end"] == "done"


@pytest.mark.parametrize("name", ["a.emotions.csv", "a.summary.json"])
def test_nothing_of_the_users_is_replaced_in_a_store(store, name):
    with fsspec.open(f"{store}/out/{name}", "wb", auto_mkdir=True) as file:
        file.write(b"mine")
    reported = run_task(task(store), NO_MODELS, Options())
    assert (reported["end"], reported["code"]) == ("failed", SinkError.exit_code)
    assert f"out/{name} would be replaced" in reported["reason"]
    assert names(store) == [name]


def test_a_video_that_is_damaged_or_not_there_is_named_as_people_know_it(store):
    with fsspec.open(f"{store}/clips/a.mp4", "wb") as file:
        file.write(b"no video")
    for name in ("a", "none"):
        reported = run_task(task(store, name), NO_MODELS, Options())
        assert reported["end"] == "failed"
        assert f"{store.partition('://')[0]}://" in reported["reason"]
        assert f"clips/{name}.mp4" in reported["reason"]


def test_what_is_told_of_a_store_lies_where_the_studys_end_reads_it(store):
    class Pool:
        def run(self, jobs, resume):
            yield Report("ready", None, PROVENANCE)
            for job in jobs:
                reported = run_task(task_of(job, resume, stand_ins.address), NO_MODELS, Options())
                yield Report("ended", job, reported)

    with StandIns() as stand_ins:
        video, out = stand_ins.of(f"{store}/clips/a.mp4"), stand_ins.of(f"{store}/out")
        jobs = plan([(video, Outputs.of(video, out, FORMATS))], out)
        run = run_jobs(Pool(), jobs, out, False, Watcher())
        assert run.outcomes[0].results["csv"] == "a.emotions.csv"
        assert jobs[0].outputs.summary.is_file()
        assert jobs[0].outputs.files["study"].is_file()


def test_a_full_disk_is_distinguished(monkeypatch, tmp_path):
    clip(tmp_path / "a.mp4", 3)
    outputs = Outputs.of(tmp_path / "a.mp4", tmp_path / "out", FORMATS)
    (job,) = plan([(tmp_path / "a.mp4", outputs)], tmp_path / "out")

    def full(*_given, **_chosen):
        raise SinkError("There is no room.") from OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(module, "annotate", full)
    reported = run_task(task_of(job, False), NO_MODELS, Options())
    assert (reported["end"], reported["no_room"]) == ("failed", True)


def test_the_names_of_a_studys_files():
    assert names_of(Shard(2, 3)) == ("log.2-of-3.jsonl", "provenance.2-of-3.json")
    assert {"study.html", "videos.csv", "provenance.json"} < set(names_of(None))
