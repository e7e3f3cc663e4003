"""Annotated pictures as an mp4, with the source's own timestamps and sound."""

import json
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from io import BufferedWriter
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from emotion.models.cores import available_cores
from emotion.models.regions import Image
from emotion.realtime.errors import SinkError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import Drawn, EmotionFrame, Planes, VideoFrame
from emotion.realtime.sinks.audio import ALL_TRACKS, AudioTrack
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.deferred_signals import deferred_signals
from emotion.realtime.sinks.file_sink import FileSink
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.live_audio import LiveAudioTrack
from emotion.realtime.sinks.partial_file import PartialFile, Publish, writing
from emotion.realtime.sinks.yuv import YuvConverter

# While it is written the file is a row of fragments, each playable as soon as it is there; at the
# end libav turns it into an ordinary mp4. The index waits for the first packets, which tell it
# where each track begins.
_MOVFLAGS = "frag_keyframe+hybrid_fragmented+delay_moov"
# A fragment, and so what a power cut takes, is as long as the distance between key frames.
_KEY_FRAME_SECONDS = 2
X264 = {"preset": "superfast", "crf": "18.5", "mbtree": "1", "rc-lookahead": "8"}
"""How pictures are encoded: half of the processor that the preset "veryfast" takes at the same quality, for
files a quarter larger (`emotion.benchmarks.studies.encoder`). "mbtree" spends bits on what stays in the
picture; with eight pictures of look-ahead it costs little, and fewer frames wait in the encoder."""
_LARGE = {
    "crf": "22",
    "mbtree": "0",
    "rc-lookahead": "0",
    "x264-params": "bframes=0:weightp=0:aq-mode=0:scenecut=0:ipratio=2:qcomp=0.8:sync-lookahead=0",
}
"""What is different for large pictures, which cost most: nothing is known of later frames, so none waits in
the encoder and none is predicted from both sides, and all parts of a picture are equally fine. Key frames,
from which two seconds are predicted, are finer instead. Quality is that of "veryfast" again, in files 1.1 to
1.7 times as large as its."""
_HUGE = {"crf": "-1", "qp": "22", "x264-params": f"{_LARGE['x264-params']}:subme=0"}
"""What is different again for huge ones: all frames are equally fine, so x264 keeps no smaller copies to
compare them by, and motion is found in whole pixels, so it keeps none that are moved by less. That saves
90 MB and a quarter of the time; files are 0.8 to 1.2 times as large, with a structural similarity to what was
drawn that is the same to 0.0003."""
_LARGE_PIXELS, _HUGE_PIXELS = 700_000, 4_000_000
_MAX_ENCODING_THREADS = 8
_LIBAV_ERRORS = (av.FFmpegError, ValueError)


def x264_for(width: int, height: int) -> dict[str, str]:
    """x264's options for pictures of a size in pixels."""
    pixels = width * height
    return X264 | (_LARGE if pixels >= _LARGE_PIXELS else {}) | (_HUGE if pixels >= _HUGE_PIXELS else {})


class Mp4Sink(FileSink):
    """Writes H.264 with the source's sound; every picture keeps its own timestamp exactly.

    The time base is the source's too. Only a clock that starts before zero or later than ten
    seconds is moved to begin at zero, for pictures and sound alike. An odd width or height, which
    the format cannot hold, is padded by repeating the last column or row.

    Whatever ends the run, what was written can be played: `close` and `abort` leave an ordinary
    mp4 (when aborted, under its partial name and with the sound cut at the last picture); a kill
    or a full disk leaves all but the last two seconds, and the frames that the encoder still held,
    as a fragmented one.

    Args:
        path: where it goes.
        info: of the video that the frames come from.
        encoder: x264's options; by default `x264_for` the video's size.
        publish: how the whole file gets its name.
        remark: a line for the file's comment, below what the source has there.

    Raises:
        SinkError: the file cannot be written, would overwrite the video being read, or the
            encoder refuses.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        *,
        encoder: Mapping[str, str] | None = None,
        publish: Publish = os.replace,
        remark: str = "",
    ) -> None:
        super().__init__(PartialFile(path, info.path, publish))
        self._info = info
        self._remark = remark
        self._origin = info.origin
        self._last_pts: int | None = None
        self._yuv = YuvConverter(info.colours)
        self._sound: AudioTrack | LiveAudioTrack | None = None
        try:
            with writing(path, *_LIBAV_ERRORS):
                self._open(encoder or x264_for(info.width, info.height))
        except BaseException:
            self._give_up()
            self._draft.discard()
            raise

    @deferred_signals()
    def write(self, result: EmotionFrame, image: Image) -> None:
        """Encode one picture; see `Sink.write`.

        Raises:
            SinkError: the picture cannot be encoded or written.
            ValueError: it is not of the source's size, or not later than the one before.
        """
        if image.shape != (self._info.height, self._info.width, 3) or image.dtype != np.uint8:
            expected = (self._info.height, self._info.width, 3)
            raise ValueError(f"the picture is uint8 {expected}, not {image.dtype} {image.shape}")
        pts = result.frame.pts
        if self._last_pts is not None and pts <= self._last_pts:
            raise ValueError(f"frames come in order of time: {pts} follows {self._last_pts}")
        try:
            with writing(self._draft.path, *_LIBAV_ERRORS):
                picture = self._yuv.convert(image, _planes_below(image, result.frame))
                picture.pts, picture.time_base = pts - self._origin, self._info.time_base
                self._mux(self._stream.encode(picture))
                self._file.flush()
        except SinkError:
            # Whatever came after the gap could not be played.
            self._give_up()
            raise
        self._last_pts = pts

    @deferred_signals()
    def close(self) -> Path:
        """Finish with all of the sound, and move the file to its place; see `Sink.close`."""
        return super().close()

    @deferred_signals()
    def abort(self) -> Path | None:
        """Finish with the sound up to the last picture; see `Sink.abort`."""
        return super().abort()

    def _open(self, encoder: Mapping[str, str]) -> None:
        sounds = self._info.path is not None and self._info.has_audio
        # What an mp4 cannot hold costs one track, or all, but never the pictures.
        for tracks in (ALL_TRACKS, 1) if sounds else ():
            with suppress(*_LIBAV_ERRORS):
                self._begin(encoder, tracks)
                return
            self._release()
            self._file.detach()  # which would close the file
            self._draft.file.seek(0)
            self._draft.file.truncate()
        self._begin(encoder, 0)
        if sounds:
            self._info.notes.add("Its sound does not fit into an mp4, and is left out.")

    def _begin(self, encoder: Mapping[str, str], tracks: int) -> None:
        # A raw file may take a part of what it is given; a buffered one takes all or fails. It is
        # written in C: no signal handler can run, and raise, halfway through libav.
        self._file = BufferedWriter(self._draft.file)
        self._container = _container(self._file, self._info, self._remark)
        self._stream = _video_stream(self._container, self._info, encoder)
        if self._info.sound is not None:
            self._sound = LiveAudioTrack(self._info.sound, self._container, self._info.origin_seconds)
        elif tracks:
            self._sound = AudioTrack(self._info, self._container, tracks)
        self._container.start_encoding()
        self._file.flush()

    def _mux(self, packets: "list[av.Packet[VideoStream]]") -> None:
        for packet in packets:
            if self._info.average_rate < 1:  # the encoder is told another one
                packet.duration = round(1 / self._info.average_rate / packet.time_base)
            begin = Fraction(packet.dts or 0) * packet.time_base
            if self._sound:
                self._sound.mux_until(begin)
            self._container.mux(packet)

    def _finish(self) -> None:
        with writing(self._draft.path, *_LIBAV_ERRORS):
            self._end(self._excerpt_end())

    def _finish_part(self) -> bool:
        if self._last_pts is None:
            self._give_up()
            return False
        try:
            with writing(self._draft.path, *_LIBAV_ERRORS):
                self._end(self._picture_end())
        except SinkError:
            self._give_up()
            return _cut_to_fragments(self._draft.working)
        return True

    def _end(self, sound_end: Fraction | None) -> None:
        if self._file.closed:
            raise SinkError(f"{self._draft.path} cannot be finished: writing it failed before.")
        self._mux(self._stream.encode(None))
        if self._sound:
            self._sound.mux_until(sound_end)
            self._sound.finish()
        self._container.close()
        self._file.close()
        self._release()

    def _excerpt_end(self) -> Fraction | None:
        """Where the sound of an excerpt ends; None for all of it."""
        if self._info.end_seconds is None:
            return None
        return Fraction(self._info.end_seconds) - self._origin * self._info.time_base

    def _picture_end(self) -> Fraction:
        shown = Fraction((self._last_pts or 0) - self._origin) * self._info.time_base
        return shown + 1 / self._info.average_rate

    def _give_up(self) -> None:
        """Close everything without another byte: libav writes no index to a file that is closed."""
        with suppress(OSError):
            self._draft.file.close()
        self._release()

    def _release(self) -> None:
        if self._sound:
            self._sound.close()
            self._sound = None


def _container(file: BinaryIO, info: VideoInfo, remark: str) -> OutputContainer:
    scale = info.time_base.denominator
    options = {
        "movflags": _MOVFLAGS,
        "video_track_timescale": str(scale),
        # Where a track begins is counted in this unit: a multiple keeps it exact.
        "movie_timescale": str(scale * max(1, 48_000 // scale)),
    }
    container = av.open(file, "w", format="mp4", container_options=options, buffer_size=1 << 18)
    container.metadata.update(info.metadata)
    if remark:
        container.metadata["comment"] = "\n".join(filter(None, (info.metadata.get("comment"), remark)))
    return container


def _video_stream(container: OutputContainer, info: VideoInfo, encoder: Mapping[str, str]) -> VideoStream:
    rate = info.average_rate if 1 <= info.average_rate <= 1000 else Fraction(30)
    stream: VideoStream = container.add_stream(
        "libx264",
        rate=rate,
        options=dict(encoder),
        width=info.width + info.width % 2,
        height=info.height + info.height % 2,
        pix_fmt="yuv420p",
        time_base=info.time_base,
    )
    context = stream.codec_context
    context.gop_size = max(1, round(_KEY_FRAME_SECONDS * rate))
    # PyAV's default cuts each picture into slices, which costs quality.
    context.thread_type = "FRAME"
    context.thread_count = min(_MAX_ENCODING_THREADS, available_cores())
    context.colorspace = info.colours.matrix
    context.color_primaries = info.colours.primaries
    context.color_trc = info.colours.transfer
    context.color_range = ColorRange.MPEG
    return stream


def _planes_below(image: Image, frame: VideoFrame) -> Planes | None:
    """The frame's own pixels, where the image is this frame drawn on, with nothing hidden."""
    return frame.planes if isinstance(image, Drawn) and image.picture is frame.picture else None


def _cut_to_fragments(path: Path) -> bool:
    """Cut a half-written mp4 after its last whole fragment; False where there is none."""
    whole = 0
    with suppress(OSError), path.open("r+b") as file:
        whole = _end_of_fragments(file)
        if whole:
            file.truncate(whole)
    return whole > 0


def _end_of_fragments(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    position = whole = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8 or position + length > size:
            break
        position += length
        if kind == b"mdat":
            whole = position
    return whole


def _open(target: Target) -> Sink:
    remark = json.dumps(target.provenance, separators=(",", ":")) if target.provenance else ""
    return Mp4Sink(target.path, target.info, publish=target.publish, remark=remark)


MP4 = Format("mp4", "annotated video", _open, ending="annotated.mp4")
