"""How many cores a process may use, by its affinity and by the limits of control groups."""

import os

import pytest

from emotion.models import cores

NEW = "0::/kubepods/pod1/main\n"
OLD = "5:cpuset:/x\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of eight cores with the control groups that are given."""

    def make(own, **files):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
        monkeypatch.setattr(cores, "_OWN", tmp_path / "own")
        monkeypatch.setattr(cores, "_GROUPS", tmp_path / "groups")
        if own is not None:
            (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "groups" / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return make


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("3200000 100000", 8),
        ("", 8),
        ("200000 0", 8),
        ("some text", 8),
    ],
)
def test_a_group_of_version_2_limits(machine, text, count):
    machine(NEW, kubepods__pod1__main__cpu_dot_max=text)
    assert cores.available_cores() == count


def test_the_least_of_all_groups_around_counts(machine):
    machine(NEW, kubepods__pod1__main__cpu_dot_max="600000 100000", kubepods__cpu_dot_max="300000 100000")
    assert cores.available_cores() == 3


def test_a_container_sees_its_own_limit_at_the_root(machine):
    machine("0::/../other\n", cpu_dot_max="200000 100000")
    assert cores.available_cores() == 2


@pytest.mark.parametrize(("quota", "count"), [("-1", 8), ("250000", 3), ("x", 8)])
@pytest.mark.parametrize("place", ["cpu__docker__1__", "cpu__"])
def test_a_group_of_version_1_limits(machine, place, quota, count):
    files = {f"{place}cpu_dot_cfs_quota_us": quota, f"{place}cpu_dot_cfs_period_us": "100000"}
    machine(OLD, **files)
    assert cores.available_cores() == count


@pytest.mark.parametrize("own", [None, "", "no control groups here\n"])
def test_without_groups_affinity_counts(machine, monkeypatch, own):
    machine(own)
    assert cores.available_cores() == 8
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cores.available_cores() == 1


@pytest.mark.parametrize(("known", "count"), [(6, 6), (None, 1)])
def test_a_system_without_affinity_has_all_its_cores(machine, monkeypatch, known, count):
    machine(None)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert cores.available_cores() == count
