"""What the options about results open, as commands use it."""

import re
import urllib.request

import pytest
import typer

from emotion.cli.outputs import serving_metrics, split_formats
from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.sinks.mjpeg import MjpegSink

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


def test_no_port_is_opened_that_is_not_asked_for(capsys):
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


def test_a_taken_port_ends_in_a_sentence():
    with MjpegSink(0) as taken:
        port = int(taken.url.rsplit(":")[-1].rstrip("/"))
        with pytest.raises(SinkError, match="--metrics PORT"), serving_metrics(Metrics(), port):
            pass
