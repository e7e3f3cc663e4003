"""What a browser and a program receive while the server's models are loaded."""

import socket
import threading

import pytest

from emotion.web.starting import Starting


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def ask(listener, path):
    """Status line, headers and body of an answer."""
    with socket.create_connection(listener.getsockname(), timeout=10) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = b"".join(iter(lambda: peer.recv(4096), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return *head.split("\r\n", 1), body


def test_a_page_says_that_it_starts_and_asks_again_by_itself(listener):
    with Starting(listener):
        status, headers, body = ask(listener, "/")
    assert "503" in status
    assert {"Refresh: 1", "Retry-After: 1"} <= set(headers.split("\r\n"))
    assert "models are being loaded" in body
    assert f"Content-Length: {len(body.encode())}" in headers


def test_a_program_is_told_when_to_come_back(listener):
    with Starting(listener):
        _, headers, body = ask(listener, "/api/health")
    assert "application/json" in headers
    assert "Refresh" not in headers
    assert "try again" in body


def test_who_says_nothing_or_goes_holds_nobody_up(listener):
    with Starting(listener):
        with socket.create_connection(listener.getsockname()):
            assert "503" in ask(listener, "/")[0]
        socket.create_connection(listener.getsockname()).close()
        assert "503" in ask(listener, "/")[0]


def test_who_comes_at_the_end_is_left_to_the_application(listener):
    with Starting(listener):
        pass
    assert "starting" not in {thread.name for thread in threading.enumerate()}
    with socket.create_connection(listener.getsockname()) as late:
        late.sendall(b"GET / HTTP/1.1\r\n\r\n")
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(100) == b"GET / HTTP/1.1\r\n\r\n"
