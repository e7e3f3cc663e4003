"""What is watched while a run goes on."""

import re
import sys
import urllib.request
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.mjpeg import MjpegSink
from emotion.realtime.sinks.views import open_views
from tests.fakes.pipeline_parts import FakeSink
from tests.helpers.clips import number, picture
from tests.helpers.mp4_roundtrip import INFO
from tests.helpers.results import face, result


def read(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def url(text):
    return re.search(r"http://\S+", text)[0]


def test_pictures_can_be_watched_and_the_address_is_reported():
    reported = []
    with Fanout() as sinks:
        open_views(sinks, say=reported.append, mjpeg=0)
        sinks.write(result(7), picture(7))
        jpeg = read(url(reported[0]) + "frame.jpg")
    assert number(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)) == 7


def test_events_have_standard_output(capfd):
    reported = []
    with Fanout() as sinks:
        open_views(sinks, say=reported.append, events=True)
        one = result(0, face("fear"))
        sinks.write(one, one.frame.image)
    text = capfd.readouterr()
    assert [line.split(",")[0] for line in text.out.splitlines()] == [
        '{"event": "appeared"',
        '{"event": "left"',
    ]
    assert (text.err, reported) == ("", [])


def test_a_virtual_camera_has_the_streams_size(monkeypatch):
    from tests.realtime.sinks.test_virtual_camera import FakeCamera

    fake = SimpleNamespace(Camera=FakeCamera, PixelFormat=SimpleNamespace(BGR="BGR"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    reported = []
    with Fanout() as sinks:
        open_views(sinks, say=reported.append, virtual_camera=INFO)
        sinks.write(result(3), picture(3))
    assert FakeCamera.opened.options[:3] == (INFO.width, INFO.height, float(INFO.average_rate))
    assert [number(frame) for frame in FakeCamera.opened.sent] == [3]
    assert "/dev/video9" in reported[0]


def test_nothing_is_opened_that_is_not_requested():
    with Fanout() as sinks:
        open_views(sinks, say=pytest.fail)
        assert not sinks.listening


def test_a_taken_port_ends_in_a_sentence_and_closes_what_is_open():
    with MjpegSink(0) as taken:
        port = int(taken.url.rsplit(":")[-1].rstrip("/"))
        with pytest.raises(SinkError, match="--mjpeg PORT"), Fanout() as sinks:
            open_views(sinks, say=pytest.fail, mjpeg=port)


@pytest.mark.parametrize("view", ["events", "mjpeg"])
def test_a_view_that_fails_does_not_end_the_run(monkeypatch, view, caplog):
    broken = FakeSink(error=SinkError("on purpose"))
    broken.url = "http://127.0.0.1:1/"
    monkeypatch.setattr("emotion.realtime.sinks.views.EventSink", lambda **options: broken)
    monkeypatch.setattr("emotion.realtime.sinks.mjpeg.MjpegSink", lambda port: broken)
    file = FakeSink()
    with Fanout() as sinks:
        sinks.add("file", file)
        open_views(sinks, say=str, **({"events": True} if view == "events" else {"mjpeg": 0}))
        for _ in range(5):  # a view may miss the first
            sinks.write(result(0), picture(0))
    assert file.seen == [0] * 5
    assert "on purpose" in caplog.text
