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
    monkeypatch.setattr(connection, "_library", lambda _address: fake)
    return SimpleNamespace(errors=errors, given=given)


LATE = "The current node timed out during startup. It may be busy."


def test_a_start_that_took_too_long_on_a_busy_machine_is_tried_once_more(starts):
    starts.errors.append(Exception(LATE))
    Connection("local")
    assert [one["address"] for one in starts.given] == ["local", "local"]


@pytest.mark.parametrize(
    ("address", "errors", "said"),
    [
        ("local", [LATE, LATE], "Ray cannot start here .*timed out.*use --jobs"),
        ("local", ["No room."], r"Ray cannot start here \(No room\.\): use --jobs"),
        (
            "auto",
            ["Versions differ:\n  Ray: 2.60.0\n  Ray: 2.59.0"],
            r"auto \(Versions differ: Ray: 2\.60\.0 Ray: 2\.59",
        ),
        ("ray://head:10001", [LATE], "There is no cluster at ray://head:10001 .*ray start --head"),
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


@pytest.mark.parametrize(
    ("address", "there", "mode"),
    [("ray://head:10001", True, "token"), ("ray://head:10001", False, None), ("auto", True, None)],
)
def test_a_token_that_is_there_is_sent_to_clusters_elsewhere_too(monkeypatch, tmp_path, address, there, mode):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    (tmp_path / ".ray").mkdir()
    if there:
        (tmp_path / ".ray" / "auth_token").write_text("secret")
    connection._library(address)
    assert os.environ.get("RAY_AUTH_MODE") == mode
