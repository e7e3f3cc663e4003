"""Finding a cluster or starting one, with a fake for Ray."""

import os
import sys
from types import SimpleNamespace

import pytest

from emotion.cluster import connection
from emotion.cluster.connection import Connection
from emotion.cluster.errors import ClusterError


@pytest.fixture
def starts(monkeypatch):
    """Each start takes the next of these errors, and works when none is left."""
    errors, given = [], []

    def init(**chosen):
        given.append(chosen)
        if errors:
            raise errors.pop(0)

    fake = SimpleNamespace(init=init, is_initialized=lambda: False)
    monkeypatch.setattr(connection, "_library", lambda: fake)
    monkeypatch.setattr(connection, "wants_token", lambda _address: False)
    return SimpleNamespace(errors=errors, given=given)


LATE = "The current node timed out during startup. It may be busy."


def test_a_start_that_took_too_long_on_a_busy_machine_is_tried_once_more(starts):
    starts.errors.append(Exception(LATE))
    Connection("local")
    assert [one["address"] for one in starts.given] == ["local", "local"]


@pytest.mark.parametrize(
    ("address", "errors", "said"),
    [
        ("local", [LATE, LATE], "Ray cannot start here .*timed out.*leave --cluster out"),
        ("local", ["No room."], r"Ray cannot start here \(No room\.\): leave --cluster out"),
        (
            "auto",
            ["Versions differ:\n  Ray: 2.60.0\n  Ray: 2.59.0"],
            r"no cluster that answers \(Versions differ: Ray: 2\.60\.0 Ray: 2\.59",
        ),
        ("ray://head:10001", [LATE], r"The cluster at ray://head:10001 cannot be used \(The current"),
    ],
)
def test_a_cluster_that_is_not_there_is_said(starts, address, errors, said):
    starts.errors += map(ConnectionError, errors)
    with pytest.raises(ClusterError, match=said):
        Connection(address)
    assert not starts.errors


@pytest.mark.parametrize("home", ["writable", "none"])
def test_a_home_that_cannot_be_written_needs_no_token_there(starts, monkeypatch, tmp_path, home):
    (tmp_path / "writable").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / home))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "")
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    Connection("local")
    assert ("RAY_AUTH_TOKEN" in os.environ) == (home == "none")


@pytest.fixture
def modes(monkeypatch):
    """The modes in which Ray was told to be, one after the other."""
    reported = []
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.delenv("RAY_AUTH_MODE")
    config = SimpleNamespace(initialize=lambda _text: reported.append(os.environ.get("RAY_AUTH_MODE")))
    monkeypatch.setitem(sys.modules, "ray._raylet", SimpleNamespace(Config=config))
    return reported


@pytest.fixture
def ray(monkeypatch):
    """Knows whether it is connected, and in which mode it was when it connected."""
    fake = SimpleNamespace(there=False, mode="")

    def init(**_chosen):
        fake.there, fake.mode = True, os.environ.get("RAY_AUTH_MODE")

    fake.init, fake.is_initialized = init, lambda: fake.there
    fake.shutdown = lambda: setattr(fake, "there", False)
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


@pytest.mark.parametrize(
    ("address", "named", "wants", "mode"),
    [
        ("ray://head:10001", "", True, "token"),
        ("ray://head:10001", "", False, None),
        ("head:6379", "", True, "token"),
        ("head:6379", "", False, None),
        ("auto", "head:6379", True, "token"),
        ("auto", "", True, None),
    ],
)
def test_a_token_is_sent_to_clusters_that_ask_for_one(monkeypatch, modes, ray, address, named, wants, mode):
    monkeypatch.setenv("RAY_ADDRESS", named)
    monkeypatch.setattr(
        connection, "wants_token", lambda asked: asked.endswith("9") == ("6379" in asked) and wants
    )
    with Connection(address):
        assert ray.mode == mode
    assert "RAY_AUTH_MODE" not in os.environ
    assert modes == ([mode, None] if mode else [])


def test_what_somebody_has_set_themselves_stays(monkeypatch, modes, ray):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setattr(connection, "wants_token", lambda _address: True)
    with Connection("head:6379"):
        assert ray.mode == "disabled"
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    assert modes == []


def test_the_mode_that_a_cluster_of_this_machine_leaves_set_is_taken_back(modes, ray):
    def init(**_chosen):
        os.environ["RAY_AUTH_MODE"] = ray.mode = "token"
        ray.there = True

    ray.init = init
    with Connection("local"):
        assert ray.mode == "token"
    assert "RAY_AUTH_MODE" not in os.environ


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("local", "Starting Ray on this machine ..."),
        ("auto", "Connecting to the cluster of this machine ..."),
        ("ray://head:10001", "Connecting to the cluster at ray://head:10001 ..."),
    ],
)
def test_it_is_said_at_once_what_is_waited_for(monkeypatch, modes, ray, address, said):
    reported = []
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def asked(_address):
        assert reported == [said]
        raise ClusterError("nobody")

    monkeypatch.setattr(connection, "wants_token", asked)
    if "//" in address:
        with pytest.raises(ClusterError, match="nobody"):
            Connection(address, reported.append)
    else:
        Connection(address, reported.append)
    assert reported == [said]
