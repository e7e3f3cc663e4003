"""Checks that a cluster responds, and whether it requires a token: Ray itself tries for a minute silently.

It sends the head the health check of Ray's own programs, by gRPC. A head with a token refuses the
request without it; no token is sent to others.
"""

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from emotion.cluster.errors import ClusterError

# A starting head needs some seconds.
_PATIENCE = 10.0
_PAUSE = 0.5
_ONE_TRY = 5.0
# Requests that a head, and a server of `ray://`, answer at once, each with an empty message. For the latter
# it is `ClusterInfo`, only to see whether it responds.
_ALIVE = ("/ray.rpc.NodeInfoGcsService/CheckAlive", b"")
_PING = ("/ray.rpc.RayletDriver/ClusterInfo", b"\x08\x06")


def wants_token(address: str) -> bool:
    """Check a cluster at ``host:6379`` or ``ray://host:10001``.

    Raises:
        ClusterError: no response within some seconds, or this machine's token is missing or wrong.
        ImportError: gRPC is not installed.
    """
    code = _answer(address)
    if code != "UNAUTHENTICATED":
        return False
    token = kept_token()
    if not token:
        raise ClusterError(
            f"The cluster at {address} asks for a token, and this machine has none: copy {token_file()} from "
            "the machine where it was started."
        )
    if _answer(address, [("authorization", f"Bearer {token}")]) == "UNAUTHENTICATED":
        raise ClusterError(
            f"The cluster at {address} does not accept this machine's token: copy {token_file()} from the "
            "machine where it was started (RAY_AUTH_TOKEN and RAY_AUTH_TOKEN_PATH come before it)."
        )
    return True


def token_file() -> Path:
    """The path of Ray's token."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    # Unlike Path.home, it also works without a home.
    return Path(named) if named else Path(os.path.expanduser("~"), ".ray", "auth_token")


def kept_token() -> str:
    """This machine's token; empty if there is none."""
    try:
        return os.environ.get("RAY_AUTH_TOKEN") or token_file().read_text().strip()
    except (OSError, ValueError):
        return ""


def _answer(address: str, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """The name of gRPC's status code of a response."""
    import grpc  # noqa: PLC0415  comes with the extra, and takes a while

    place = address.removeprefix("ray://")
    _look_up(address, place)
    method, message = _PING if place != address else _ALIVE
    # The first as Ray does.
    options = [("grpc.enable_http_proxy", 0), ("grpc.initial_reconnect_backoff_ms", 200)]
    with grpc.insecure_channel(place, options=options) as channel:
        ask = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                ask(message, timeout=_ONE_TRY, metadata=tuple(metadata))
            except grpc.RpcError as error:
                if error.code().name not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                    return str(error.code().name)
                if time.monotonic() >= end:
                    refused = "refused" in str(error.details()).lower()
                    why = "nothing runs at this port" if refused else f"no answer within {_PATIENCE:g} s"
                    raise _nobody(address, why) from None
            else:
                return "OK"
            time.sleep(_PAUSE)


def _look_up(address: str, place: str) -> None:
    host, _, port = place.rpartition(":")
    try:
        socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _nobody(address, "its name is not known here") from None


def _nobody(address: str, why: str) -> ClusterError:
    port = 10001 if address.startswith("ray://") else 6379
    return ClusterError(
        f"There is no cluster at {address} ({why}): start one with 'ray start --head', whose port here is "
        f"{port} where none is chosen, and let firewalls pass it."
    )
