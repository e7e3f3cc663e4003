"""A cluster in the place of processes: the same reports, so that all that follows is the same."""

from contextlib import contextmanager

import pytest

from emotion.cluster.connection import Connection
from emotion.cluster.pool import ClusterPool, Videos, travelling
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import MissingDependencyError
from emotion.models.options import from_mapping
from emotion.realtime.options import Options
from emotion.study.run import run_jobs
from tests.emotion.study.test_pool import Watcher, jobs_of
from tests.fakes.cluster_work import FakeVideos
from tests.fakes.ray_library import FakeRay


@pytest.fixture
def ray(monkeypatch):
    """A cluster of two machines in the place of whatever is named."""
    library = FakeRay("ab")

    @contextmanager
    def connection(*_):
        yield library

    monkeypatch.setattr("emotion.cluster.pool.Connection", connection)
    return library


def run(folder, *names, resume=False):
    watcher, reported = Watcher(), []
    pool = ClusterPool("auto", Options(), make=lambda _options: FakeVideos)
    found = run_jobs(
        pool,
        jobs_of(folder, *names),
        folder / "out",
        resume,
        watcher,
        lambda event, **values: reported.append((event, values.get("video"))),
    )
    return found, watcher, reported, pool


def test_outcomes_are_those_of_one_machine(ray, tmp_path):
    found, watcher, reported, pool = run(tmp_path, "a", "fails", "dies", "damaged", "once")
    assert [one.state for one in found.outcomes] == ["done", "failed", "failed", "incomplete", "done"]
    assert found.outcomes[2].reason.startswith("dies.mp4: The process that worked on it died")
    assert found.provenance == {"classes": ["happiness"], "provider": "cpu"}
    assert (found.code, found.frames, pool.count) == (3, 8, 5)
    assert len(watcher.ends) == 5
    assert ("note", "damaged") in watcher.seen
    assert ("begun", "a") in reported
    assert not ray.actors


def test_what_was_done_before_is_passed_over(ray, tmp_path):
    _, watcher, reported, _ = run(tmp_path, "a", resume=True)
    assert watcher.ends == [("a", "done", 2, True)]
    assert ("passed over", "a") in reported


def test_nothing_to_do_starts_nothing(ray, tmp_path):
    assert run(tmp_path)[0].outcomes == []
    assert ray.made == 0


def test_many_videos_are_each_done_once(ray, tmp_path):
    jobs = jobs_of(tmp_path, "a")
    many = [jobs[0]] * 300
    reports = list(ClusterPool("auto", Options(), make=lambda _options: FakeVideos).run(many, False))
    assert sum(one.kind == "ended" for one in reports) == 300


def test_options_travel_by_the_names_of_what_ships(tmp_path):
    assert travelling(Options())["engine"]["models"] == "lite"
    assert from_mapping(Options, travelling(Options())) == Options()
    own = Options(engine=EngineOptions(models=tmp_path))
    assert travelling(own)["engine"]["models"] == str(tmp_path)
    assert Videos(travelling(own))._options == own


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"\[cluster\]"):
        Connection("local")
