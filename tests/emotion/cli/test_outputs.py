"""What the options about results open, as commands use it."""

import re
import sys
import urllib.request

import cv2
import numpy as np
import pytest
import typer

from emotion.cli.outputs import open_views, serving_metrics, split_formats
from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.sinks.fanout import Fanout
from emotion.realtime.sinks.mjpeg import MjpegSink
from tests.helpers.clips import number, picture
from tests.helpers.mp4_roundtrip import INFO
from tests.helpers.results import face, result

pytestmark = pytest.mark.timeout(30)


def read(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def url(text):
    return re.search(r"http://\S+", text)[0]


def test_formats_are_taken_once_and_in_order():
    assert split_formats("html, MP4,csv,mp4,") == ("html", "mp4", "csv")
    for wrong in ("mp4,gif", "", ","):
        with pytest.raises(typer.BadParameter, match="none of mp4"):
            split_formats(wrong)


def test_pictures_can_be_watched_and_the_address_is_told(capsys):
    with Fanout() as sinks:
        open_views(sinks, mjpeg=0)
        sinks.write(result(7), picture(7))
        jpeg = read(url(capsys.readouterr().err) + "frame.jpg")
    assert number(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)) == 7


def test_events_have_standard_output(capfd):
    with Fanout() as sinks:
        open_views(sinks, events=0.0)
        one = result(0, face("fear"))
        sinks.write(one, one.frame.image)
    text = capfd.readouterr()
    assert [line.split(",")[0] for line in text.out.splitlines()] == [
        '{"event": "appeared"',
        '{"event": "left"',
    ]
    assert text.err == ""


def test_a_virtual_camera_has_the_streams_size(monkeypatch, capsys):
    from tests.realtime.sinks.test_virtual_camera import FakeCamera, SimpleNamespace

    fake = SimpleNamespace(Camera=FakeCamera, PixelFormat=SimpleNamespace(BGR="BGR"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    with Fanout() as sinks:
        open_views(sinks, virtual_camera=INFO)
        sinks.write(result(3), picture(3))
    assert FakeCamera.opened.options[:3] == (INFO.width, INFO.height, float(INFO.average_rate))
    assert [number(frame) for frame in FakeCamera.opened.sent] == [3]
    assert "/dev/video9" in capsys.readouterr().err


def test_nothing_is_opened_that_is_not_asked_for(capsys):
    with Fanout() as sinks:
        open_views(sinks)
        assert not sinks.listening
    with serving_metrics(Metrics(), None):
        pass
    assert capsys.readouterr().err == ""


def test_metrics_are_those_of_the_observer(capsys):
    metrics = Metrics()
    with serving_metrics(metrics, 0, {"capture_to_screen": lambda: {0.5: 0.04}}):
        metrics.record("faces", taken=3, given=3)
        text = read(url(capsys.readouterr().err)).decode()
    assert 'emotion_stage_items_total{stage="faces",way="in"} 3.0' in text
    assert 'emotion_capture_to_screen_seconds{quantile="0.5"} 0.04' in text


def test_a_taken_port_ends_in_a_sentence_and_closes_what_is_open():
    with MjpegSink(0) as taken:
        port = int(taken.url.rsplit(":")[-1].rstrip("/"))
        with pytest.raises(SinkError, match="--mjpeg PORT"), Fanout() as sinks:
            open_views(sinks, mjpeg=port)
        with pytest.raises(SinkError, match="--metrics PORT"), serving_metrics(Metrics(), port):
            pass
