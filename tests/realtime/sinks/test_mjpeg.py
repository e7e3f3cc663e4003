"""The stream as browsers on this machine get it, over a real socket."""

import http.client
import socket
import threading
from io import BytesIO

import cv2
import numpy as np
import PIL.Image
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.mjpeg import MjpegSink, _Jpegs
from tests.helpers.clips import number, picture
from tests.helpers.results import result


@pytest.fixture
def sink():
    with MjpegSink(0) as made:
        yield made


def put(sink, index):
    sink.write(result(index), picture(index))


def get(sink, path, **headers):
    connection = http.client.HTTPConnection(sink.url.removeprefix("http://").rstrip("/"), timeout=20)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def shown(jpeg):
    return number(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


def part(response):
    """The next picture of a stream."""
    assert response.readline() == b"--frame\r\n"
    assert response.readline() == b"Content-Type: image/jpeg\r\n"
    length = int(response.readline().removeprefix(b"Content-Length: "))
    assert response.readline() == b"\r\n"
    jpeg = response.read(length)
    assert response.readline() == b"\r\n"
    return shown(jpeg)


def test_the_page_shows_the_stream(sink):
    response = get(sink, "/")
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert b'src="stream.mjpg"' in response.read()


def test_each_viewer_gets_every_picture_it_is_quick_enough_for(sink):
    put(sink, 1)
    viewers = [get(sink, "/stream.mjpg") for _ in range(3)]
    assert [part(viewer) for viewer in viewers] == [1, 1, 1]
    put(sink, 2)
    assert [part(viewer) for viewer in viewers] == [2, 2, 2]
    assert viewers[0].getheader("Content-Type") == "multipart/x-mixed-replace; boundary=frame"


def test_a_viewer_gets_the_newest_only(sink):
    for index in range(1, 60):
        put(sink, index)
    assert part(get(sink, "/stream.mjpg")) == 59
    assert shown(get(sink, "/frame.jpg").read()) == 59


def test_nothing_is_compressed_while_nobody_watches_and_once_for_all(sink, monkeypatch):
    calls = []
    compress = cv2.imencode
    monkeypatch.setattr(cv2, "imencode", lambda *what: calls.append(1) or compress(*what))
    for index in range(20):
        put(sink, index)
    assert not calls
    for _ in range(5):
        get(sink, "/frame.jpg").read()
    assert len(calls) == 1


def test_a_viewer_who_stops_reading_delays_nobody(sink):
    put(sink, 1)
    stuck = get(sink, "/stream.mjpg")
    assert part(stuck) == 1
    noise = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    for index in range(50):  # far more than the socket holds
        sink.write(result(index), noise)
    put(sink, 3)
    assert part(get(sink, "/stream.mjpg")) == 3


def test_a_viewer_who_leaves_is_no_error(sink, capfd):
    put(sink, 1)
    gone = get(sink, "/stream.mjpg")
    part(gone)
    gone.close()
    for index in range(2, 8):
        put(sink, index)
    assert part(get(sink, "/stream.mjpg")) == 7
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("end", ["close", "abort"])
def test_the_end_ends_the_stream_and_frees_the_port(end):
    sink = MjpegSink(0)
    port = int(sink.url.rsplit(":")[-1].rstrip("/"))
    put(sink, 1)
    viewer = get(sink, "/stream.mjpg")
    part(viewer)
    getattr(sink, end)()
    sink.close()
    assert viewer.read() in (b"--frame--\r\n", b"")
    MjpegSink(port).close()


def test_a_viewer_before_the_first_picture_waits_for_it(sink):
    found = []
    waiting = threading.Thread(target=lambda: found.append(shown(get(sink, "/frame.jpg").read())))
    waiting.start()
    waiting.join(0.3)
    assert (found, waiting.is_alive()) == ([], True)
    put(sink, 5)
    waiting.join()
    assert found == [5]


def test_too_many_viewers_are_told_so(sink):
    put(sink, 1)
    viewers = [get(sink, "/stream.mjpg") for _ in range(16)]
    assert [part(viewer) for viewer in viewers] == [1] * 16
    assert get(sink, "/stream.mjpg").status == 503


def test_a_taken_port_ends_in_a_sentence(sink):
    port = int(sink.url.rsplit(":")[-1].rstrip("/"))
    with pytest.raises(SinkError, match=f"Port {port} is taken .* --mjpeg PORT"):
        MjpegSink(port)


def test_only_this_machine_is_listened_to(sink):
    assert sink.url.startswith("http://127.0.0.1:")
    port = int(sink.url.rsplit(":")[-1].rstrip("/"))
    assert get(sink, "/", Host=f"localhost:{port}").status == 200
    assert get(sink, "/frame.jpg", Host="evil.example").status == 403
    response = get(sink, "/nothing")
    assert response.status == 404
    response = get(sink, "/")
    assert response.getheader("Cross-Origin-Resource-Policy") == "same-origin"


def test_nonsense_is_survived(sink, capfd):
    port = int(sink.url.rsplit(":")[-1].rstrip("/"))
    for nonsense in (b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: [::\r\n\r\n", b"GET /" + b"x" * 70_000):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(nonsense)
    put(sink, 1)
    assert shown(get(sink, "/frame.jpg").read()) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_pictures_are_compressed_at_quality_eighty_unless_another_is_requested(sink):
    put(sink, 1)
    found = get(sink, "/frame.jpg").read()
    plain = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    with PIL.Image.open(BytesIO(found)) as one, PIL.Image.open(BytesIO(plain.tobytes())) as wanted:
        assert one.quantization == wanted.quantization


def test_the_length_of_a_page_is_reported_and_no_cache_keeps_it(sink):
    response = get(sink, "/")
    assert int(response.getheader("Content-Length")) == len(response.read())
    assert response.getheader("Cache-Control") == "no-store"


def test_a_stream_that_has_ended_has_no_picture_left():
    jpegs = _Jpegs(80)
    jpegs.put(picture(1))
    number_, jpeg = jpegs.after(0)
    assert shown(jpeg) == 1
    assert jpegs.after(0) == (number_, jpeg)
    jpegs.end()
    assert jpegs.after(number_) is None
