"""A pipeline's metrics for Prometheus, at http://127.0.0.1:PORT/metrics while the program runs."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from emotion.models.closeable import Closeable
from emotion.realtime.monitoring.metrics import Metrics, Quantiles, StageReport
from emotion.realtime.monitoring.ports import LOOPBACK, refusal

_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)


class MetricsServer(Closeable):
    """Serves Prometheus until it is closed; use it in a `with` block.

    Args:
        metrics: the observer.
        port: on this machine; 0: any free one.
        latencies: by name, such as "capture_to_screen".

    Attributes:
        url: for Prometheus.

    Raises:
        SinkError: the port is taken or reserved.
    """

    def __init__(self, metrics: Metrics, port: int, latencies: Mapping[str, Quantiles] | None = None) -> None:
        registry = CollectorRegistry()
        registry.register(_Pipeline(metrics, latencies or {}))
        try:
            self._server, self._thread = start_http_server(port, LOOPBACK, registry)
        except OSError as error:
            raise refusal(error, port, "--metrics") from error
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Pipeline(Collector):
    """Converts a snapshot to Prometheus' types on each request."""

    def __init__(self, metrics: Metrics, latencies: Mapping[str, Quantiles]) -> None:
        self._metrics = metrics
        self._latencies = latencies

    def collect(self) -> Iterator[Metric]:
        snapshot = self._metrics.snapshot()
        yield GaugeMetricFamily("emotion_run_seconds", "Since the pipeline started.", snapshot.seconds)
        yield _items(snapshot.stages)
        yield _seconds(snapshot.stages)
        yield _batches(snapshot.stages)
        for name, quantiles in self._latencies.items():
            yield _latency(name, quantiles())


def _items(stages: tuple[StageReport, ...]) -> Metric:
    family = CounterMetricFamily(
        "emotion_stage_items",
        "What came in, went out, and was dropped for newer ones.",
        labels=["stage", "way"],
    )
    for stage in stages:
        for way, count in (("in", stage.taken), ("out", stage.given), ("dropped", stage.dropped)):
            family.add_metric([stage.name, way], count)
    return family


def _seconds(stages: tuple[StageReport, ...]) -> Metric:
    family = CounterMetricFamily(
        "emotion_stage_seconds",
        "Worked, waited for items, and waited for room behind; summed over a stage's workers.",
        labels=["stage", "state"],
    )
    for stage in stages:
        states = (("busy", stage.busy), ("waiting", stage.waiting), ("blocked", stage.blocked))
        for state, seconds in states:
            family.add_metric([stage.name, state], seconds)
    return family


def _batches(stages: tuple[StageReport, ...]) -> Metric:
    family = HistogramMetricFamily("emotion_stage_batch", "Items taken at once.", labels=["stage"])
    for stage in stages:
        if stage.batches:
            total = float(sum(count for _, count in stage.batches))
            buckets = [
                (str(float(bound)), float(sum(count for size, count in stage.batches if size <= bound)))
                for bound in _BATCH_BUCKETS
            ]
            family.add_metric([stage.name], [*buckets, ("+Inf", total)], stage.taken)
    return family


def _latency(name: str, quantiles: Mapping[float, float]) -> Metric:
    family = GaugeMetricFamily(f"emotion_{name}_seconds", "By quantile.", labels=["quantile"])
    for quantile, seconds in quantiles.items():
        family.add_metric([str(quantile)], seconds)
    return family
