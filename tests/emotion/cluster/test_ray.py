"""A real cluster of three nodes on this machine: a node is killed, a clip kills its process, the run is
stopped and goes on, and the results are those of one machine."""

import importlib.util
import json
import os
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from emotion.cluster.connection import findable
from emotion.cluster.pool import ClusterPool, Videos, travelling
from emotion.loading import load_models
from emotion.models.atomic_files import partial_path
from emotion.realtime.options import Options
from emotion.realtime.sources.demo import DEMO
from emotion.study.metadata import Metadata
from emotion.study.plan import longest_first, plan
from emotion.study.pool import Report
from emotion.study.run import run_jobs
from emotion.study.study_files import StudyFiles, write_study
from emotion.study.task import run_task, setup_of, task_of
from emotion.videos import Outputs
from tests.helpers.clips import beginning

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed ([cluster])"),
]

CLIPS = 24
POISON = "clip_07"
FORMATS = ("csv", "study")
# What is said of a video whose process died differs, and of when and where it was.
TABLES = ("people.csv", "course.csv")
_STORE = 80 << 20


class PoisonedVideos(Videos):
    """As `Videos`, but one clip ends the process that works on it, as a fault in a library does.

    Another, the first on a node that may be killed, goes on until that is done.

    Args:
        held: the file that tells which.
        head: the process of the node that stays.
    """

    def __init__(self, options, held, head):
        super().__init__(options)
        self.held, self.head = held, head

    def do(self, task, progress):
        if POISON in task["video"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.head not in {one.pid for one in psutil.Process().parents()} and self.holds(task["video"]):
            time.sleep(300)
        return super().do(task, progress)

    def holds(self, video):
        with suppress(FileExistsError), open(self.held, "x") as file:
            file.write(Path(video).stem)
            return True
        return False


class Alone:
    """All jobs in this process, one after the other: what a cluster's results are compared with."""

    count = 1

    def run(self, jobs, resume):
        options = Options()
        models = load_models(options.engine)
        yield Report("ready", None, setup_of(models, options))
        for job in jobs:
            if POISON in job.name:
                yield Report("died", job, {"reason": "it died", "code": 3})
            else:
                yield Report("ended", job, run_task(task_of(job, resume), models, options))


class Watcher:
    """Counts what has ended, knows what is under way where, and does something at each end."""

    def __init__(self, then=lambda watcher: None):
        self.passed, self.running, self.count, self.then = [], {}, 0, then
        self.notes = []

    def begun(self, job, where):
        self.running[job.name] = int(where.rpartition(":")[2])

    def progress(self, job, done, total):
        pass

    def note(self, job, sentence):
        self.notes.append((job.name, sentence))

    def ended(self, outcome, frames, passed):
        self.count += 1
        self.running.pop(outcome.name, None)
        self.passed += [outcome.name] if passed else []
        self.then(self)

    def stopping(self):
        pass


class StopError(Exception):
    """As Ctrl-C in the middle."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for number in range(CLIPS):
        beginning(DEMO, folder / f"clip_{number:02}.mp4", 3 + number % 5)
    return sorted(folder.iterdir())


def jobs_of(clips, home):
    return plan([(clip, Outputs.of(clip, home, FORMATS)) for clip in clips], home)


def process_of(node):
    """The number of the process that stands for a node."""
    return node.all_processes["raylet"][0].process.pid


def workers_of(node):
    """The processes that work for a node."""
    return {one.pid for one in psutil.Process(process_of(node)).children(recursive=True)}


def study(pool, clips, home, resume=False, watcher=None):
    files = StudyFiles(home, None, False)
    with suppress(StopError):
        run = run_jobs(
            pool, longest_first(jobs_of(clips, home)), home, resume, watcher or Watcher(), files.log.note
        )
        write_study(files, run.outcomes, run.provenance, Metadata(), None)
        return run
    files.keep()
    return None


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": _STORE, "include_dashboard": False}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    made = Cluster()
    with findable():
        for _ in range(3):
            made.add_node(**node)
    yield made
    made.shutdown()


def test_results_are_those_of_one_machine_whatever_dies_on_the_way(clips, cluster, tmp_path):
    held, head = tmp_path / "held", process_of(cluster.head_node)

    def pool():
        make = lambda options: partial(PoisonedVideos, travelling(options), held, head)  # noqa: E731
        return ClusterPool(cluster.address, Options(), make=make)

    killed = []

    def spoil(watcher):
        """Kill the node that works on the clip that waits for it; then, when Ray has noticed, stop."""
        pid = watcher.running.get(held.read_text()) if held.exists() else None
        if pid and not killed:
            (node,) = (one for one in cluster.worker_nodes if pid in workers_of(one))
            cluster.remove_node(node, allow_graceful=False)
            killed.append(node)
        noticed = killed and any(name == held.read_text() for name, _ in watcher.notes)
        if noticed and watcher.count >= 15:
            raise StopError

    alone, home = tmp_path / "alone", tmp_path / "study"
    reference = study(Alone(), clips, alone)
    assert study(pool(), clips, home, watcher=Watcher(spoil)) is None
    assert killed
    notes = [json.loads(line) for line in partial_path(home / "log.jsonl").read_text().splitlines()]
    again = [one for one in notes if "It is tried again" in one.get("note", "") and one["video"] != POISON]
    assert [one["video"] for one in again] == [held.read_text()]
    assert "The machine that worked on it was lost" in again[0]["note"]
    left = {path.name for path in home.glob("clip_*.summary.json")}
    assert len(left) >= 14
    watcher = Watcher()
    found = study(pool(), clips, home, resume=True, watcher=watcher)
    assert {f"{name}.summary.json" for name in watcher.passed} == left
    assert [one.state for one in found.outcomes] == [one.state for one in reference.outcomes]
    poisoned = next(one for one in found.outcomes if one.name == POISON)
    assert "died" in poisoned.reason
    for path in alone.glob("*.csv"):
        if path.name.startswith("clip_") or path.name in TABLES:
            assert (home / path.name).read_bytes() == path.read_bytes(), path.name
    assert not list(home.glob("clip_*.partial.*"))
    rows = [(folder / "videos.csv").read_text().splitlines() for folder in (alone, home)]
    assert [one for one in rows[0] if POISON not in one] == [one for one in rows[1] if POISON not in one]
