"""Counters and gauges of the server for Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from emotion.web.http.site import Site
from emotion.web.jobs.store import State


def metrics_text(site: Site) -> bytes:
    """The state of the server, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Server(site))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Server(Collector):
    """Converts a site's counts to Prometheus' types on each request."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        queue, cameras = self._site.queue, self._site.cameras
        yield _jobs(self._site)
        ended = CounterMetricFamily("emotion_jobs_ended", "Videos done, by how they ended.", labels=["state"])
        for state, count in queue.ended.items():
            ended.add_metric([state], count)
        yield ended
        yield CounterMetricFamily("emotion_video_frames", "Frames of videos annotated.", queue.frames)
        yield CounterMetricFamily("emotion_photos", "Photographs analysed.", self._site.photos)
        yield GaugeMetricFamily("emotion_cameras", "Cameras connected.", len(cameras))
        yield CounterMetricFamily("emotion_camera_frames", "Frames received.", cameras.counts.frames)
        feed = self._site.feed
        yield GaugeMetricFamily("emotion_receivers", "Programs that listen to live results.", len(feed))
        yield CounterMetricFamily("emotion_live_results", "Live results.", feed.results)
        yield CounterMetricFamily(
            "emotion_live_results_missed", "Live results that receivers were too slow for.", feed.missed
        )
        yield SummaryMetricFamily(
            "emotion_camera_result_seconds",
            "From a camera's frame to its result.",
            count_value=cameras.counts.results,
            sum_value=cameras.counts.seconds,
        )


def _jobs(site: Site) -> Metric:
    family = GaugeMetricFamily("emotion_jobs", "Videos kept, by state.", labels=["state"])
    states = dict.fromkeys(State, 0)
    for job in site.queue.store:
        states[job.state] += 1
    for state, count in states.items():
        family.add_metric([state], count)
    return family
