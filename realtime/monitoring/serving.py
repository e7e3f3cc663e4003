"""Serves metrics for Prometheus during a run, if requested."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from emotion.realtime.monitoring.metrics import Metrics, Quantiles


@contextmanager
def serving_metrics(
    metrics: Metrics,
    port: int | None,
    latencies: Mapping[str, Quantiles] | None = None,
    *,
    say: Callable[[str], object] = lambda sentence: None,
) -> Iterator[None]:
    """Serve Prometheus within the block, if a port is given.

    Args:
        metrics, port, latencies: as of `monitoring.prometheus.MetricsServer`; without a port, nothing.
        say: called with a message with the address.

    Raises:
        SinkError: the port is taken.
    """
    if port is None:
        yield
        return
    from emotion.realtime.monitoring.prometheus import MetricsServer  # noqa: PLC0415  seldom needed

    with MetricsServer(metrics, port, latencies) as server:
        say(f"Metrics for Prometheus: {server.url}")
        yield
