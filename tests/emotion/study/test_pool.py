"""Videos side by side, each in a process that may die alone; what they do is said by a fake."""

import sys
import time
from queue import SimpleQueue

import psutil
import pytest

from emotion.realtime.options import Options
from emotion.study.options import Shard, read_shard
from emotion.study.outcome import Outcome
from emotion.study.plan import part_of, plan, shared_out, side_by_side
from emotion.study.pool import Pool, Report, WorkerFailedError
from emotion.study.run import Run, run_jobs
from emotion.videos import Outputs
from tests.helpers.paths import ROOT

# Nothing but the standard library is needed, so nothing else is looked for.
COMMAND = (sys.executable, "-S", "-E", str(ROOT / "tests/fakes/study_worker.py"))


class Watcher:
    """Writes down what is reported to it."""

    def __init__(self):
        self.ends = []
        self.seen = []

    def begun(self, job, where):
        self.seen.append(("begun", job.name))

    def progress(self, job, done, total):
        self.seen.append(("progress", job.name))

    def note(self, job, sentence):
        self.seen.append(("note", job.name))

    def ended(self, outcome, frames, passed):
        self.ends.append((outcome.name, outcome.state, frames, passed))

    def stopping(self):
        self.seen.append("stopping")


def jobs_of(folder, *names):
    videos = [folder / f"{name}.mp4" for name in names]
    return plan([(video, Outputs.of(video, folder / "out", ("csv",))) for video in videos], folder / "out")


def run(folder, *names, count=2, resume=False, mode="works"):
    watcher, reported = Watcher(), []
    pool = Pool(Options(), count, (*COMMAND, mode))
    found = run_jobs(
        pool,
        jobs_of(folder, *names),
        folder / "out",
        resume,
        watcher,
        lambda event, **values: reported.append((event, values.get("video"))),
    )
    return found, watcher, reported


def test_outcomes_come_in_the_order_of_the_videos_whatever_ends_first(tmp_path):
    found, watcher, reported = run(tmp_path, "a", "fails", "b", "damaged", "c")
    assert [one.name for one in found.outcomes] == ["a", "fails", "b", "damaged", "c"]
    assert [one.state for one in found.outcomes] == ["done", "failed", "done", "incomplete", "done"]
    assert (found.code, found.frames, found.provenance) == (3, 7, {"classes": ["happiness"]})
    assert len(watcher.ends) == 5
    assert ("begun", "a") in reported
    assert ("failed", "fails") in reported


@pytest.mark.parametrize("count", [1, 3])
def test_a_process_that_dies_costs_its_video_alone(tmp_path, count):
    found, watcher, _ = run(tmp_path, "a", "dies", "b", "c", count=count)
    states = {one.name: one.state for one in found.outcomes}
    assert states == {"a": "done", "dies": "failed", "b": "done", "c": "done"}
    reason = found.outcomes[1].reason
    assert "was ended by SIGKILL" in reason
    assert reason.startswith("dies.mp4: ")
    assert found.outcomes[1].results == {}
    assert [name for name, state, *_ in watcher.ends if state == "failed"] == ["dies"]
    assert found.code == 3


def test_a_video_whose_process_died_is_tried_once_more_by_itself(tmp_path):
    found, watcher, _ = run(tmp_path, "once", "a", "b")
    assert [one.state for one in found.outcomes] == ["done"] * 3
    assert len(watcher.ends) == 3
    assert found.code == 0


def test_what_was_done_before_is_passed_over(tmp_path):
    found, watcher, reported = run(tmp_path, "a", "damaged", resume=True)
    assert watcher.ends[0] == ("a", "done", 2, True) or watcher.ends[1] == ("a", "done", 2, True)
    assert ("passed over", "a") in reported
    assert found.outcomes[1].state == "incomplete"
    assert found.passed == {0}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_it_is_said_that_all_stops_before_the_processes_are_waited_for(tmp_path, monkeypatch, error):
    class Interrupted(SimpleQueue):
        def get(self):
            report = super().get()
            if report.kind == "ended":
                raise error
            return report

    watcher, ended = Watcher(), []
    pool = Pool(Options(), 1, (*COMMAND, "works"))
    stop, pool._reports = pool._stop, Interrupted()
    monkeypatch.setattr(pool, "_stop", lambda: (ended.append(list(watcher.seen)), stop()))
    with pytest.raises(error):
        run_jobs(pool, jobs_of(tmp_path, "a", "b"), tmp_path / "out", False, watcher)
    assert "stopping" in ended[0]


def test_it_is_said_that_all_stops_where_whoever_watches_is_interrupted(tmp_path):
    watcher = Watcher()

    def interrupt(event, **values):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool = Pool(Options(), 1, (*COMMAND, "works"))
        run_jobs(pool, jobs_of(tmp_path, "a"), tmp_path / "out", False, watcher, interrupt)
    assert watcher.seen == ["stopping"]


def test_models_that_cannot_be_loaded_end_the_run_with_their_code(tmp_path):
    with pytest.raises(WorkerFailedError, match="The model file is damaged") as caught:
        run(tmp_path, "a", "b", mode="broken")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(("times", "ends_well"), [(2, True), (9, False)])
def test_processes_that_end_before_they_are_ready_are_started_again_a_few_times(tmp_path, times, ends_well):
    mode = f"stumbles{times}:{tmp_path / 'tries'}"
    if ends_well:
        found, *_ = run(tmp_path, "a", "b", count=1, mode=mode)
        assert [one.state for one in found.outcomes] == ["done", "done"]
    else:
        with pytest.raises(WorkerFailedError, match="ended with code 1"):
            run(tmp_path, "a", "b", count=1, mode=mode)


def test_leaving_the_loop_ends_all_processes(tmp_path):
    before = psutil.Process().children()
    pool = Pool(Options(), 2, (*COMMAND, "works"))
    reports = pool.run(jobs_of(tmp_path, "waits", "waits2"), False)
    for _ in range(4):
        next(reports)
    until = time.monotonic() + 20
    while len(list(tmp_path.glob("*.waits"))) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    processes = set(psutil.Process().children()) - set(before)
    reports.close()
    assert len(processes) == 2
    assert not [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_all_videos_each_once(tmp_path, count):
    jobs = jobs_of(tmp_path, *"abcde")
    parts = [part_of(jobs, Shard(number, count)) for number in range(1, count + 1)]
    assert sorted(job.number for part in parts for job in part) == [0, 1, 2, 3, 4]
    assert part_of(jobs, None) == jobs
    # What a video is called does not depend on its shard.
    assert {job.name for part in parts for job in part} == {job.name for job in jobs}


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "-1/3", "1/0", ""])
def test_what_is_no_shard(text):
    with pytest.raises(ValueError, match="write 2/10"):
        read_shard(text)


def test_a_shard_in_words():
    assert read_shard(" 2 / 10") == Shard(2, 10)
    assert (str(Shard(2, 10)), Shard(2, 10).name) == ("2/10", "2-of-10")


def test_videos_are_called_by_their_results_and_lie_in_their_own_folders(tmp_path):
    videos = [tmp_path / "x/a/one.mp4", tmp_path / "x/b/one.mp4", tmp_path / "x/b/two.mp4"]
    named = Outputs.of_all(videos, tmp_path / "out", ("csv",))
    jobs = plan(list(zip(videos, named, strict=True)), tmp_path / "out")
    assert [(job.name, job.folder) for job in jobs] == [("a/one.mp4", "a"), ("b/one.mp4", "b"), ("two", "b")]
    assert [job.folder for job in plan([(videos[0], named[0])], tmp_path / "out")] == [""]


def test_processes_share_the_cores_and_nothing_that_changes_results(monkeypatch):
    monkeypatch.setattr("emotion.study.plan.available_cores", lambda: 8)
    options = Options()
    assert shared_out(options, 1) == options
    assert shared_out(options, 8).engine.workers == 1
    assert shared_out(options, 2).engine.workers == 4
    assert shared_out(options, 8).faces == options.faces
    chosen = Options(engine=type(options.engine)(workers=3))
    assert shared_out(chosen, 8) == chosen
    assert side_by_side(3) <= 3
    assert side_by_side(100) <= 8


@pytest.mark.parametrize(("codes", "code"), [((0, 0), 0), ((0, 3, 6), 3), ((6, 0, 3), 6)])
def test_the_exit_code_is_that_of_the_first_video_that_failed(codes, code):
    outcomes = [
        Outcome(number, str(number), f"{number}.mp4", "", "failed" if one else "done", one, "")
        for number, one in enumerate(codes)
    ]
    assert Run(outcomes).code == code


def test_a_damaged_video_that_was_done_before_is_incomplete_again(tmp_path):
    jobs = jobs_of(tmp_path, "a", "damaged")

    class Earlier:
        def run(self, jobs, resume):
            for job, code, reason in zip(jobs, (0, 3), ("", "it breaks off"), strict=True):
                yield Report("ended", job, {"end": "passed", "code": code, "reason": reason, "frames": 0})

    found = run_jobs(Earlier(), jobs, tmp_path / "out", True, Watcher())
    assert [(one.state, one.code) for one in found.outcomes] == [("done", 0), ("incomplete", 3)]
    assert (found.passed, found.code) == ({0, 1}, 3)
