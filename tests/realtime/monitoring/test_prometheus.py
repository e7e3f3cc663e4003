"""The metrics as Prometheus gets them, over HTTP, read by its own parser."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emotion.realtime.errors import SinkError
from emotion.realtime.monitoring.metrics import Metrics
from emotion.realtime.monitoring.prometheus import MetricsServer
from emotion.realtime.pipeline.pipeline import Pipeline
from tests.fakes.pipeline_parts import Numbers, Through


def scrape(server):
    """{(name, *label values): value}"""
    with urllib.request.urlopen(server.url, timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_run_is_reported_stage_by_stage():
    metrics = Metrics()
    with MetricsServer(metrics, 0) as server:
        assert scrape(server)["emotion_run_seconds",] >= 0
        with Pipeline(Numbers(20), [Through("faces", batch=4)], observer=metrics) as pipeline:
            assert len(list(pipeline)) == 20
        found = scrape(server)
    assert found["emotion_stage_items_total", "source", "out"] == 20
    assert found["emotion_stage_items_total", "faces", "in"] == 20
    assert found["emotion_stage_items_total", "faces", "out"] == 20
    assert found["emotion_stage_seconds_total", "faces", "busy"] > 0
    assert found["emotion_stage_seconds_total", "faces", "waiting"] >= 0


def test_batches_are_a_histogram():
    metrics = Metrics()
    for size in (1, 1, 3, 100):
        metrics.record("classify", taken=size, given=size)
    with MetricsServer(metrics, 0) as server:
        found = scrape(server)
    bounds = ("1.0", "2.0", "4.0", "64.0", "+Inf")
    counts = [found["emotion_stage_batch_bucket", bound, "classify"] for bound in bounds]
    assert counts == [2, 2, 3, 3, 4]
    assert found["emotion_stage_batch_count", "classify"] == 4
    assert found["emotion_stage_batch_sum", "classify"] == 105


def test_drops_and_times_are_reported():
    metrics = Metrics()
    metrics.record("source", given=5, dropped=7, busy=0.5, blocked=0.25, waiting=0.125)
    with MetricsServer(metrics, 0) as server:
        found = scrape(server)
    assert found["emotion_stage_items_total", "source", "dropped"] == 7
    states = [
        found["emotion_stage_seconds_total", "source", state] for state in ("busy", "waiting", "blocked")
    ]
    assert states == [0.5, 0.125, 0.25]


def test_latencies_are_requested_at_each_scrape():
    seen = {}
    latencies = {"capture_to_screen": lambda: seen}
    with MetricsServer(Metrics(), 0, latencies) as server:
        assert ("emotion_capture_to_screen_seconds", "0.5") not in scrape(server)
        seen.update({0.5: 0.03, 0.95: 0.06, 0.99: 0.08})
        found = scrape(server)
    assert [found["emotion_capture_to_screen_seconds", q] for q in ("0.5", "0.95", "0.99")] == [
        0.03,
        0.06,
        0.08,
    ]


def test_it_listens_on_this_machine_only_and_until_it_is_closed():
    with MetricsServer(Metrics(), 0) as server:
        assert server.url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.URLError):
        scrape(server)


def test_a_taken_port_ends_in_a_sentence():
    with MetricsServer(Metrics(), 0) as server:
        port = int(server.url.split(":")[-1].removesuffix("/metrics"))
        with pytest.raises(SinkError, match=f"Port {port} is taken .* --metrics PORT"):
            MetricsServer(Metrics(), port)
