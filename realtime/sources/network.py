"""Network streams, through PyAV: rtsp, http (Motion JPEG, HLS), udp and other protocols of libav."""

import errno
import threading
import time
from collections.abc import Callable, Generator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.stream import Stream
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from emotion.models.regions import Image
from emotion.realtime.live_sound import LiveSound
from emotion.realtime.media import Colours
from emotion.realtime.sources.reader import ConnectionLostError, Pace, Picture, Reader
from emotion.realtime.sources.sound_feed import SoundFeed

# Without "file": a playlist from the network must not read this machine's files.
_PROTOCOLS = "http,https,tcp,tls,udp,udplite,rtp,srtp,rtsp,rtsps,rtmp,rtmps,httpproxy,crypto,data,hls"
# These deliver whole segments at once, and must be paced by their timestamps.
_SEGMENTED = {"hls", "dash"}
# Messages in place of unclear ones of libav, by the kind of error.
_WHILE_OPENING: dict[type[Exception], str] = {
    av.InvalidDataError: "what arrives is no video",
    av.ProtocolNotFoundError: "this kind of address is not known here",
    ConnectionRefusedError: "nothing answers there",
}
_WHILE_READING: dict[type[Exception], str] = {
    av.InvalidDataError: "what arrives is no video any more",
}
_TEXT = {"tty", "bin", "xbin", "adf", "idf"}


class StreamReader:
    """A stream's pictures as they arrive, or paced by their timestamps if it is a recording.

    Args:
        url: of the stream.
        open_seconds, stall_seconds: timeouts for opening, and for a picture.
        over: set to cancel.
        sound: receives its sound; None if it is not needed.

    Raises:
        ConnectionLostError: it cannot be opened, or has no video.
    """

    def __init__(
        self,
        url: str,
        open_seconds: float,
        stall_seconds: float,
        over: threading.Event,
        sound: LiveSound | None = None,
    ) -> None:
        self._stall = stall_seconds
        self._over = over
        self._container = _open(url, open_seconds, stall_seconds)
        try:
            stream = _video_stream(self._container)
        except BaseException:
            self._container.close()
            raise
        self.rate = _rate(stream)
        self._offset: float | None = None
        self._sound = SoundFeed(self._container, sound)
        self._is_recording = self._container.duration is not None
        self.paced = self._is_recording or self._container.format.name in _SEGMENTED
        self._pace = Pace(over) if self.paced else None
        self._reformatter = VideoReformatter()
        self._pictures = self._decoded(stream)

    def read(self) -> Picture | None:
        """Wait for the next picture; None at the end of a recording; live streams have no end."""
        try:
            picture = next(self._pictures, None)
        except av.FFmpegError as error:
            raise ConnectionLostError(_while_reading(error, self._stall)) from None
        if picture is None and not self._is_recording:
            raise ConnectionLostError("the stream has ended")
        return picture

    def close(self) -> None:
        """Close the stream."""
        # Its frame refers to this reader and the decoder: if it is not closed, both would stay, with threads
        # and pictures, until the garbage collector runs, which is rare.
        self._pictures.close()
        self._container.close()

    def _decoded(self, stream: VideoStream) -> Generator[Picture, None, None]:
        # Frame threads would delay by one picture each.
        stream.thread_type = "SLICE"
        last = time.monotonic()
        # Packets of all streams: if only sound arrives, libav would wait for pictures without an end.
        for packet in self._container.demux():
            arrived = time.monotonic()
            if self._over.is_set():
                return
            self._sound.take(packet, self._offset)
            for picture in _decode(packet, stream):
                yield Picture(self._moment(picture, arrived), self._image(picture))
                last = time.monotonic()  # the consumer may have paused
            if arrived - last > self._stall:
                raise ConnectionLostError(f"no picture for {self._stall:g} s, though data arrive")

    def _moment(self, picture: av.VideoFrame, arrived: float) -> float:
        if picture.pts is None or picture.time_base is None:
            return arrived
        seconds = float(picture.pts * picture.time_base)
        moment = arrived if self._pace is None else self._pace.wait(seconds)
        self._offset = moment - seconds
        return moment

    def _image(self, picture: av.VideoFrame) -> Image:
        colours = Colours.resolve(
            picture.colorspace, picture.color_primaries, picture.color_trc, picture.height
        )
        converted = self._reformatter.reformat(
            picture, format="bgr24", src_colorspace=colours.conversion, threads=1
        )
        return np.ascontiguousarray(converted.to_ndarray(), dtype=np.uint8)


def stream_reader(
    url: str, open_seconds: float, stall_seconds: float, sound: LiveSound | None = None
) -> Callable[[threading.Event], Reader]:
    """The function with which a link opens this stream."""

    def connect(over: threading.Event) -> Reader:
        return StreamReader(url, open_seconds, stall_seconds, over, sound)

    return connect


def _open(url: str, open_seconds: float, stall_seconds: float) -> InputContainer:
    options = {
        "protocol_whitelist": _PROTOCOLS,
        "rtsp_flags": "prefer_tcp",
        "overrun_nonfatal": "1",  # of udp: lose packets rather than the stream
        "reconnect": "1",  # of http: an interrupted recording is requested again from there
    }
    try:
        return av.open(
            url,
            timeout=(open_seconds, stall_seconds),
            metadata_errors="replace",
            container_options=options,
        )
    # From None: libav's messages contain the address, and with it a password.
    except (av.FFmpegError, OSError) as error:
        raise ConnectionLostError(_while_opening(error, open_seconds)) from None


def _video_stream(container: InputContainer) -> VideoStream:
    if container.format.name in _TEXT:
        raise ConnectionLostError("it is text, not video")
    if container.format.name.endswith("_pipe"):
        raise ConnectionLostError("it is a single picture, not video")
    for stream in container.streams.video:
        if getattr(stream, "codec_context", None) is not None:
            return stream
    raise ConnectionLostError("it holds no video that can be read here")


def _decode(packet: "av.Packet[Stream]", stream: VideoStream) -> list[av.VideoFrame]:
    if packet.stream is not stream:
        return []
    try:
        return stream.decode(cast("av.Packet[VideoStream]", packet))
    except av.FFmpegError:  # damaged, or a second end
        return []


def _rate(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and 1 <= rate <= 240 else Fraction(30)


def _while_opening(error: av.FFmpegError | OSError, seconds: float) -> str:
    if error.errno == errno.EIO:
        return "the host is not known, or cannot be reached"
    return _reason(error, _WHILE_OPENING, f"no answer within {seconds:g} s")


def _while_reading(error: av.FFmpegError, seconds: float) -> str:
    if error.errno == errno.EIO:
        return "the connection broke off"
    return _reason(error, _WHILE_READING, f"no data for {seconds:g} s")


def _reason(error: av.FFmpegError | OSError, known: dict[type[Exception], str], when_late: str) -> str:
    if isinstance(error, (av.ExitError, av.TimeoutError)):
        return when_late
    fitting = (text for kind, text in known.items() if isinstance(error, kind))
    return next(fitting, (error.strerror or "it cannot be read").lower())
