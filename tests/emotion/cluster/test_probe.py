"""Whether a cluster answers and asks for a token, with a gRPC server in its place."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Timer

import pytest

from emotion.cluster import probe
from emotion.cluster.errors import ClusterError
from emotion.cluster.probe import wants_token

grpc = pytest.importorskip("grpc")
CHECK = "/ray.rpc.NodeInfoGcsService/CheckAlive"
PING = "/ray.rpc.RayletDriver/ClusterInfo"


@contextmanager
def head(token=""):
    """What answers as Ray's head does; gives its port and what it was asked."""
    asked = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, call):
            sent = dict(call.invocation_metadata).get("authorization")
            asked.append((call.method, sent))

            def answer(_request, context):
                if token and sent != f"Bearer {token}":
                    context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid or missing authentication token")
                return b""

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port, asked
    finally:
        server.stop(None).wait()


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setattr(probe, "_PATIENCE", 0.0)
    monkeypatch.setattr(probe, "_ONE_TRY", 60.0)
    (tmp_path / ".ray").mkdir()
    return tmp_path


def keep(home, token):
    (home / ".ray" / "auth_token").write_text(f"{token}\n")


@pytest.mark.parametrize(("scheme", "method"), [("", CHECK), ("ray://", PING)])
def test_a_cluster_without_a_token_is_sent_none(home, scheme, method):
    keep(home, "secret")
    with head() as (port, asked):
        assert not wants_token(f"{scheme}127.0.0.1:{port}")
    assert asked == [(method, None)]


@pytest.mark.parametrize("scheme", ["", "ray://"])
@pytest.mark.parametrize("where", ["home", "variable", "named file"])
def test_a_cluster_with_a_token_is_sent_it_from_wherever_it_is_kept(monkeypatch, home, scheme, where):
    if where == "home":
        keep(home, "secret")
    elif where == "variable":
        keep(home, "another")
        monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    else:
        (home / "named").write_text("secret")
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "named"))
    with head("secret") as (port, _):
        assert wants_token(f"{scheme}127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("kept", "said"), [("wrong", "does not accept this machine's token: copy"), ("", "has none: copy")]
)
def test_a_token_that_is_missing_or_wrong_is_said(home, kept, said):
    if kept:
        keep(home, kept)
    with head("secret") as (port, _), pytest.raises(ClusterError, match=said) as caught:
        wants_token(f"127.0.0.1:{port}")
    assert "secret" not in str(caught.value)
    assert str(home / ".ray" / "auth_token") in str(caught.value)


def test_where_nobody_is_it_is_said_why():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ClusterError, match=rf"127\.0\.0\.1:{port} \(nothing runs .*6379.*"):
        wants_token(f"127.0.0.1:{port}")
    with pytest.raises(
        ClusterError, match=r"no-such-host\.invalid:10001 \(its name is not known .*10001 where"
    ):
        wants_token("ray://no-such-host.invalid:10001")


def test_what_answers_nothing_is_no_cluster(monkeypatch):
    monkeypatch.setattr(probe, "_ONE_TRY", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ClusterError, match="no answer within"),
    ):
        wants_token(f"127.0.0.1:{silent.getsockname()[1]}")


def test_a_head_that_is_being_started_is_waited_for(monkeypatch):
    monkeypatch.setattr(probe, "_PATIENCE", 20.0)
    monkeypatch.setattr(probe, "_PAUSE", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    later = grpc.server(ThreadPoolExecutor(1))

    def start():
        later.add_insecure_port(f"127.0.0.1:{port}")
        later.start()

    starting = Timer(0.1, start)
    starting.start()
    assert not wants_token(f"127.0.0.1:{port}")
    starting.join()
    later.stop(None).wait()
