"""Prometheus is answered while something runs, where a port is given."""

import re
import urllib.request

import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.monitoring.serving import serving_metrics
from emotion.realtime.sinks.mjpeg import MjpegSink


def read(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def url(said):
    return re.search(r"http://\S+", said[0])[0]


def test_no_port_is_opened_that_is_not_requested():
    said = []
    with serving_metrics(Metrics(), None, say=said.append):
        pass
    assert said == []


def test_metrics_are_those_of_the_observer():
    metrics, said = Metrics(), []
    with serving_metrics(metrics, 0, {"capture_to_screen": lambda: {0.5: 0.04}}, say=said.append):
        metrics.record("faces", taken=3, given=3)
        text = read(url(said)).decode()
    assert 'emotion_stage_items_total{stage="faces",way="in"} 3.0' in text
    assert 'emotion_capture_to_screen_seconds{quantile="0.5"} 0.04' in text


def test_a_taken_port_ends_in_a_sentence():
    with MjpegSink(0) as taken:
        port = int(taken.url.rsplit(":")[-1].rstrip("/"))
        with pytest.raises(SinkError, match="--metrics PORT"), serving_metrics(Metrics(), port):
            pass
