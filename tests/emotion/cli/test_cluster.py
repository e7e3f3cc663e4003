"""`emotion annotate --cluster`, whose cluster is a fake; and results that go into a store."""

import json
import sys
from contextlib import contextmanager

import fsspec
import pytest

from emotion import stores
from emotion.cli import annotate as command
from emotion.cli import app as cli
from emotion.realtime.session.policies import EveryFrame
from tests.fakes.cluster_work import FakeVideos
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.fakes.ray_library import FakeRay
from tests.helpers.clips import clip
from tests.helpers.studies import PROVENANCE


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "tuned", lambda options: options)
    for name in ("a", "dies", "b"):
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / "clips" / f"{name}.mp4").write_bytes(b"x" * len(name))

    @contextmanager
    def connection(*_):
        yield FakeRay("ab")

    monkeypatch.setattr("emotion.cluster.pool.Connection", connection)

    def start(*arguments):
        monkeypatch.setattr(sys, "argv", ["emotion", "annotate", *map(str, arguments)])
        return cli.run()

    return start


@pytest.fixture
def fake_work(monkeypatch):
    monkeypatch.setattr("emotion.cluster.pool.Videos", lambda _options: FakeVideos())


def test_a_study_is_made_on_a_cluster_and_what_died_is_reported(run, fake_work, tmp_path, capsys):
    assert run("clips", "-o", "study", "--cluster", "auto", "--formats", "csv", "--verbose") == 3
    provenance = json.loads((tmp_path / "study/provenance.json").read_text())
    states = {one["name"]: one["state"] for one in provenance["videos"]}
    assert states == {"a": "done", "dies": "failed", "b": "done"}
    lines = [json.loads(line) for line in (tmp_path / "study/log.jsonl").read_text().splitlines()]
    begun = [one["video"] for one in lines if one["event"] == "begun"]
    assert begun[0] == "dies"  # the largest file first
    assert all(":" in one["where"] for one in lines if one["event"] == "begun")
    said = capsys.readouterr()
    assert "the process that worked on it died".casefold() in said.err.casefold().replace("\n", " ")
    assert "a (" in said.err  # --verbose: where each is worked on
    assert "3 in parallel" in said.out
    assert (tmp_path / "study/study.html").exists()


def test_one_video_without_a_study_goes_to_a_cluster_too(run, fake_work, tmp_path, capsys):
    assert run("clips/a.mp4", "--cluster", "ray://head:10001") == 0
    assert "1 video: 1 done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cluster", "everywhere"), "is no cluster: write local, auto, ray://host:10001"),
        (("--cluster", "auto", "--offline"), "--offline forbids"),
        (("--cluster", "auto", "--events"), "--cluster goes with neither --events"),
    ],
)
def test_what_does_not_go_with_a_cluster(run, capsys, arguments, said):
    assert run("clips", "-o", "study", *arguments) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.fixture(params=["memory", "s3"])
def store(request, tmp_path):
    """A store with a bucket of clips."""
    made = request.getfixturevalue("s3") if request.param == "s3" else fsspec.filesystem("memory")
    for name in ("x/one", "two"):
        path = tmp_path / "made.mp4"
        clip(path, 4)
        made.pipe(f"bucket/clips/{name}.mp4", path.read_bytes())
    made.address = f"{request.param}://bucket"
    yield made
    made.rm("bucket", recursive=True)


@pytest.fixture
def nobody(monkeypatch):
    monkeypatch.setattr(EveryFrame, "stages", lambda self, models, options: [NoFaces()])
    monkeypatch.setattr("emotion.cluster.pool.load_models", lambda _options: NO_MODELS)
    monkeypatch.setattr("emotion.cluster.pool.setup_of", lambda _models, _options: PROVENANCE)


def test_a_study_in_a_store_is_the_one_of_a_folder_and_goes_on(run, nobody, store, tmp_path, capsys):
    arguments = (f"{store.address}/clips/", "-r", "--cluster", "auto", "--formats", "csv")
    assert run(*arguments, "-o", f"{store.address}/study") == 0
    assert f"{store.address}/study/study.html" in capsys.readouterr().out
    there = {name.rpartition("bucket/study/")[2] for name in store.find("bucket/study")}
    assert {"two.emotions.csv", "x/one.summary.json", "study.html", "videos.csv", "log.jsonl"} < there
    assert not [name for name in there if ".partial." in name]
    assert run(*arguments, "-o", f"{store.address}/study") == 0
    lines = [json.loads(line) for line in store.cat_file("bucket/study/log.jsonl").splitlines()]
    assert sum(one["event"] == "passed over" for one in lines) == 2
    assert sum(one["event"] == "start" for one in lines) == 2
    assert run(*arguments, "-o", "here") == 0
    for name in ("videos.csv", "people.csv", "two.emotions.csv"):
        assert store.cat_file(f"bucket/study/{name}") == (tmp_path / "here" / name).read_bytes()


def test_what_would_be_replaced_in_a_store_is_told_by_its_address(run, nobody, store, capsys):
    store.pipe("bucket/study/study.html", b"mine")
    place = f"{store.address}/study"
    assert run(f"{store.address}/clips/", "-r", "--cluster", "auto", "--formats", "csv", "-o", place) == 6
    said = " ".join(capsys.readouterr().err.split())
    assert f"{place}/study.html would be replaced" in said
    assert store.cat_file("bucket/study/study.html") == b"mine"


def test_a_clip_that_vanishes_from_a_store_is_said_and_the_others_are_done(
    run, nobody, store, monkeypatch, capsys
):
    fetch = stores.fetch

    def vanishes(address, path):
        if "two" in address and address.endswith(".mp4"):
            store.rm("bucket/clips/two.mp4")
        return fetch(address, path)

    monkeypatch.setattr(stores, "fetch", vanishes)
    arguments = (f"{store.address}/clips/", "-r", "--cluster", "auto", "--formats", "csv")
    assert run(*arguments, "-o", f"{store.address}/study") == 3
    said = capsys.readouterr()
    assert "bucket/clips/two.mp4 is not there: check the address." in said.err.replace("\n", " ")
    assert said.err.count("://") == 1
    assert "2 videos: 1 done, 1 failed" in said.out
    assert store.exists("bucket/study/x/one.summary.json")


@pytest.mark.parametrize("cluster", [(), ("--cluster", "auto")])
def test_a_bucket_that_takes_nothing_is_said_before_any_work(run, s3, capsys, cluster):
    assert run("clips", "-o", "s3://other/study", *cluster) == 6
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("cannot be written (The specified bucket does not exist): check the address.")
    assert said.count("bucket") == 1


def test_a_file_of_a_store_is_no_place_for_all_results(run, capsys):
    assert run("clips/a.mp4", "-o", "memory://bucket/out.csv") == 6
    assert "Results go into a folder of a store" in capsys.readouterr().err
