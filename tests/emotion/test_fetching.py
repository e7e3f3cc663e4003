"""What does not lie in a file yet."""

import errno
import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from emotion import fetching
from emotion.fetching import Spool, is_fetched
from emotion.inputs import find_inputs
from emotion.models.errors import MissingDependencyError
from emotion.pictures import as_image
from emotion.realtime.errors import SourceError
from tests.helpers.pictures import smooth_jpeg

PICTURE = smooth_jpeg(64)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/none"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/x-unknown")
        if not self.path.startswith("/endless"):
            self.send_header("Content-Length", str(len(PICTURE) + 10 * self.path.startswith("/cut")))
        self.end_headers()
        self.wfile.write(PICTURE)

    def log_message(self, *_given):
        pass


@pytest.fixture(scope="module")
def host():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_link_of_finite_length_becomes_a_file_that_goes_with_the_spool(host):
    reported = []
    with Spool(reported.append) as spool:
        path = spool.fetch(f"{host}/a%20b.jpg?token=secret")
        assert path.name == "a b.jpg"
        assert path.read_bytes() == PICTURE
        assert spool.fetch(f"{host}/a%20b.jpg") != path
    assert not path.exists()
    assert "Fetching" in reported[0]
    assert "secret" not in reported[0]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("endless.mp4", "does not say where it ends: 'emotion live'"),
        ("none.mp4", "cannot be fetched .*404|Not Found"),
        ("cut.jpg", "breaks off"),
    ],
)
def test_a_link_that_is_no_file_is_said_in_a_sentence(host, path, said):
    with Spool() as spool, pytest.raises(SourceError, match=said):
        spool.fetch(f"{host}/{path}")


def test_standard_input_is_kept_in_a_file_and_that_is_said(monkeypatch):
    reported = []
    piped = SimpleNamespace(buffer=io.BytesIO(PICTURE), isatty=lambda: False)
    monkeypatch.setattr(fetching.sys, "stdin", piped)
    with Spool(reported.append) as spool:
        path = spool.fetch("-")
        assert (path.name, path.read_bytes()) == ("stdin.jpg", PICTURE)
    assert reported == ["Standard input is kept in a temporary file until it has been read."]


def test_a_full_folder_for_temporary_files_is_reported_with_what_to_do(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetching.shutil, "copyfileobj", full)
    with Spool() as spool, pytest.raises(SourceError, match=r"make room there, or name .* TMPDIR"):
        spool.keep(io.BytesIO(PICTURE), "stdin")


def test_a_terminal_is_no_pipe(monkeypatch):
    monkeypatch.setattr(fetching.sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with Spool() as spool, pytest.raises(SourceError, match="nothing is piped into it"):
        spool.fetch("-")


def test_a_store_needs_its_package(monkeypatch):
    monkeypatch.setitem(fetching.sys.modules, "fsspec", None)
    with Spool() as spool, pytest.raises(MissingDependencyError, match=r"\[cloud\]"):
        spool.fetch("s3://bucket/clip.mp4")


def test_a_store_of_fsspec_is_a_source_like_any_other():
    """Memory stands for the stores that need a network: address, library and copy are the same."""
    fsspec = pytest.importorskip("fsspec", reason="needs the extra 'cloud'")
    store = fsspec.filesystem("memory")
    store.pipe("/photos/a b.jpg", PICTURE)
    with Spool() as spool:
        (found,) = find_inputs(["memory://photos/a b.jpg"], fetch=spool.fetch)
        assert (found.kind, found.fetched, found.path.name) == ("photograph", True, "a b.jpg")
        assert found.path.read_bytes() == PICTURE
        with pytest.raises(SourceError, match=r"none\.jpg is not there: check the address"):
            spool.fetch("memory://photos/none.jpg")
        with pytest.raises(MissingDependencyError, match=r"\[cloud\].*gcsfs"):
            spool.fetch("gs://bucket/clip.mp4")
    assert as_image("memory://photos/a b.jpg").shape == as_image(PICTURE).shape
    store.rm("/photos", recursive=True)


@pytest.mark.parametrize(
    ("name", "fetched"),
    [
        *[("-", True), ("https://h/x", True), ("s3://b/x", True)],
        *[("rtsp://h/x", False), ("file:///x", False), ("clip.mp4", False), (r"C:\clip.mp4", False)],
    ],
)
def test_what_has_to_be_fetched(name, fetched):
    assert is_fetched(name) is fetched
