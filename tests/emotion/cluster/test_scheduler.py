"""Handing out tasks, and what dies on the way; Ray is a fake."""

from collections import Counter
from functools import partial

import pytest

from emotion.cluster import actor as actor_module
from emotion.cluster.errors import ClusterError
from emotion.cluster.scheduler import TaskScheduler
from emotion.cluster.slots import Slots
from emotion.models.errors import ModelFileError
from emotion.study.pool import WorkerFailedError
from tests.fakes.ray_library import DiesError, FakeRay


class Work:
    """Does what a task's name says; `seen` counts how often each was begun."""

    def __init__(self, seen, reported):
        self.seen, self.reported = seen, reported

    def ready(self):
        reported = self.reported.pop(0) if len(self.reported) > 1 else self.reported[0]
        if isinstance(reported, Exception):
            raise reported
        return reported

    def do(self, task, progress):
        self.seen[task] += 1
        progress(1, 2)
        if task == "dies" or (task == "once" and self.seen[task] == 1):
            raise DiesError
        if task.startswith("lost") and self.seen[task] <= int(task[4:] or 1):
            raise DiesError(lost=True)
        if task == "silent" and self.seen[task] <= 2:
            raise DiesError(silent=True)
        if task == "full" and self.seen[task] == 1:
            return {"end": "failed", "reason": "The disk is full.", "no_room": True}
        if task == "breaks":
            raise ValueError("a fault in the work")
        return {"end": "done", "task": task}


def run(tasks, machines="ab", count=2, reported=({"provider": "cpu"},), **chosen):
    ray, seen, said = FakeRay(machines), Counter(), []
    scheduler = TaskScheduler(
        ray, partial(Work, seen, list(reported)), Slots(count, 1), say=said.append, **chosen
    )
    events = list(scheduler.run(tasks))
    assert not ray.actors
    return events, seen, ray


def ends(events):
    found = [(one.task, one.kind) for one in events if one.kind in ("ended", "died")]
    assert len(dict(found)) == len(found), "a task ended twice"
    return dict(found)


def test_all_tasks_end_each_once_and_their_first_word_is_that_they_are_begun():
    events, seen, ray = run(["a", "b", "c"])
    assert ends(events) == {0: "ended", 1: "ended", 2: "ended"}
    assert set(seen.values()) == {1}
    assert ray.made == 2
    first = next(one for one in events if one.task == 2)
    assert first.kind == "begun"
    assert [one.values["task"] for one in events if one.kind == "ended" and one.task == 1] == ["b"]
    assert sum(one.kind == "ready" for one in events) == 2


def test_tasks_are_begun_in_the_order_that_is_requested():
    ray, seen = FakeRay(), Counter()
    scheduler = TaskScheduler(ray, partial(Work, seen, [{}]), Slots(1, 1))
    begun = [one.task for one in scheduler.run(["a", "b", "c"], order=[2, 0, 1]) if one.kind == "begun"]
    assert begun == [2, 0, 1]


@pytest.mark.parametrize("count", [1, 2])
def test_what_kills_its_process_twice_is_put_aside_and_costs_nothing_else(count):
    events, seen, _ = run(["a", "dies", "b", "once"], count=count)
    assert ends(events) == {0: "ended", 1: "died", 2: "ended", 3: "ended"}
    assert (seen["dies"], seen["once"], seen["a"]) == (2, 2, 1)
    reason = next(one.values["reason"] for one in events if one.kind == "died")
    assert "died, perhaps for lack of memory (The worker was killed.)" in reason
    assert sum("tried again" in one.values["note"] for one in events if one.kind == "note") == 2


def test_a_lost_machine_is_no_fault_of_the_task():
    events, seen, _ = run(["a", "lost3", "b"], machines="abcdef")
    assert ends(events) == {0: "ended", 1: "ended", 2: "ended"}
    assert seen["lost3"] == 4
    assert any("machine that worked on it was lost" in str(one.values) for one in events)


def test_a_machine_that_says_nothing_is_as_one_that_is_lost():
    events, seen, _ = run(["silent", "a"], machines="abc")
    assert ends(events) == {0: "ended", 1: "ended"}
    assert seen["silent"] == 3


def test_a_task_that_takes_machine_after_machine_with_it_is_put_aside():
    events, seen, ray = run(["lost99", "a"], machines="abcdefghij")
    assert ends(events) == {0: "died", 1: "ended"}
    assert seen["lost99"] == 5
    assert len(ray.machines) == 5


def test_a_full_disk_costs_the_machine_its_work_and_not_the_task():
    events, seen, ray = run(["full", "a", "b", "c"])
    assert set(ends(events).values()) == {"ended"}
    assert seen["full"] == 2
    assert ray.made == 2


def test_where_all_disks_are_full_the_task_fails_with_its_reason():
    events, _, _ = run(["full"], machines="a", count=1)
    assert [one.values["reason"] for one in events if one.kind == "ended"] == ["The disk is full."]


def test_a_fault_in_the_work_is_reported_as_it_is():
    events, _, _ = run(["breaks", "a"])
    assert ends(events) == {0: "died", 1: "ended"}
    assert any("(ValueError: a fault in the work)" in str(one.values) for one in events)


def test_machines_that_differ_are_refused_unless_they_may_be_mixed():
    reported = ({"provider": "cuda", "libraries": {"av": "1"}}, {"provider": "cpu", "libraries": {"av": "2"}})
    with pytest.raises(ClusterError, match=r"provider cpu and cuda; libraries: av 2 and 1.*--mixed"):
        run(["a", "b"], reported=reported)
    events, _, _ = run(["a", "b"], reported=reported, mixed=True)
    assert set(ends(events).values()) == {"ended"}


def test_another_version_of_the_program_is_refused_with_both(monkeypatch):
    monkeypatch.setattr(actor_module, "__version__", "0.0.9")
    with pytest.raises(WorkerFailedError, match=r"has emotion-live 0\.0\.9, and this is \d") as caught:
        run(["a"])
    assert caught.value.exit_code == 5


def test_models_that_cannot_be_loaded_end_the_run_with_their_code():
    with pytest.raises(WorkerFailedError, match="damaged") as caught:
        run(["a"], reported=(ModelFileError("The model file is damaged."),))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(("times", "ends_well"), [(2, True), (9, False)])
def test_processes_that_end_before_they_are_ready_are_started_again_a_few_times(times, ends_well):
    reported = (*[DiesError()] * times, {"provider": "cpu"})
    if ends_well:
        assert set(ends(run(["a"], count=1, reported=reported)[0]).values()) == {"ended"}
    else:
        with pytest.raises(WorkerFailedError, match="No process can start"):
            run(["a"], count=1, reported=reported)


def test_leaving_the_loop_tells_all_to_stop_and_ends_them():
    ray, seen = FakeRay("ab"), Counter()
    events = TaskScheduler(ray, partial(Work, seen, [{}]), Slots(2, 1)).run(["a", "b", "c"])
    assert next(one for one in events if one.kind == "begun")
    assert ray.actors
    events.close()
    assert not ray.actors
    assert seen["c"] == 0


def test_an_actor_that_is_told_to_stop_gives_nothing():
    seen = Counter()
    actor = actor_module.Actor(partial(Work, seen, [{}]), actor_module.__version__)
    assert actor.ready()["ready"] == {}
    assert actor.do("a") == {"end": "done", "task": "a"}
    assert actor.progress() == (1, 2)
    actor.stop()
    assert actor.do("b") is None


def test_a_cluster_that_is_gone_is_said():
    ray = FakeRay("a")
    scheduler = TaskScheduler(ray, partial(Work, Counter(), [{"provider": "cpu"}]), Slots(1, 1))

    def wait(*_given, **_chosen):
        raise ConnectionError("Client is shutting down.")

    ray.wait = wait
    with pytest.raises(ClusterError, match=r"The cluster is gone \(Client is .*same command resumes"):
        list(scheduler.run(["a"]))
    assert not ray.actors
