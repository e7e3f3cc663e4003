"""Opens the live outputs of a run."""

from collections.abc import Callable

from emotion.realtime.media import VideoInfo, WallClock
from emotion.realtime.pipeline.channel import Policy
from emotion.realtime.sinks.events import EventSink
from emotion.realtime.sinks.fanout import Fanout


def open_views(
    sinks: Fanout,
    *,
    say: Callable[[str], object],
    events: bool = False,
    clock: WallClock | None = None,
    mjpeg: int | None = None,
    virtual_camera: VideoInfo | None = None,
) -> None:
    """Add the live outputs of a run; None leaves one out.

    Args:
        sinks: to which they are added. Their failures do not end the run.
        say: called with a message with the address.
        events: on standard output.
        clock: of a live stream, for events.
        mjpeg: the port.
        virtual_camera: of the stream, for size and rate.

    Raises:
        SinkError: a port is taken, or there is no virtual camera.
        MissingDependencyError: pyvirtualcam is not installed.
    """
    if events:
        sinks.add("events", EventSink(clock=clock), vital=False)
    if mjpeg is not None:
        from emotion.realtime.sinks.mjpeg import MjpegSink  # noqa: PLC0415  a web server is seldom needed

        stream = MjpegSink(mjpeg)
        sinks.add("mjpeg", stream, policy=Policy.DROP_OLDEST, capacity=1, vital=False)
        say(f"To watch, open {stream.url}")
    if virtual_camera is not None:
        from emotion.realtime.sinks.virtual_camera import VirtualCameraSink  # noqa: PLC0415  an optional extra

        info = virtual_camera
        camera = VirtualCameraSink(info.width, info.height, float(info.average_rate))
        sinks.add("virtual camera", camera, policy=Policy.DROP_OLDEST, capacity=1, vital=False)
        say(f"Other programs find the pictures at the camera {camera.name}")
