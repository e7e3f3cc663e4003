"""Opening a video file, and choosing which of its tracks is the video."""

import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.codec.hwaccel import HWAccel
from av.container import Container, Flags, InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from emotion.models.data.image_io import SUFFIXES
from emotion.realtime.errors import SourceError, advice_on, unreadable
from emotion.realtime.sources import hardware
from emotion.realtime.sources.containers import Mend, MendedFile
from emotion.realtime.sources.options import DecoderChoice

_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
# Raw streams of a codec: without times, so libav assumes 25 pictures a second.
_BARE_FORMATS = {"h264", "hevc", "vvc", "m4v", "mpegvideo", "h263", "vc1", "cavsvideo", "dirac", "obu"}
# Number of packets by which moving tracks are detected.
_PEEK = 400
_SLOWEST, _FASTEST = Fraction(1, 3600), 1000


@dataclass(frozen=True, slots=True)
class Track:
    """The chosen video track.

    Attributes:
        stream: of the track.
        left_out: a message about the others, without a full stop; empty if there are none.
    """

    stream: VideoStream
    left_out: str = ""


def check_file(path: Path) -> None:
    """Check that a file can be a video.

    Raises:
        SourceError: it is missing, not a regular file, empty or unreadable.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError(f"{path} is a folder: choose a video file in it.")
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(
                f"{path} is a pipe or a device, not a regular file: save the video to a file first, or give "
                "'-' for standard input."
            )
        if found.st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes): copy or record it again.")
        path.open("rb").close()
    except SourceError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise SourceError(f"{path} does not exist: check the path.") from error
    except OSError as error:
        raise unreadable(path, error) from error


def open_container(
    path: Path, begin: int = 0, mended: Mend | None = None, decoder: DecoderChoice = "software"
) -> InputContainer:
    """Open a file, or the rest of it from a byte position on, or its repaired form.

    Raises:
        SourceError: it is not a video.
    """
    try:
        # A repaired file is read through Python, and with libav's own decoder, which reports damage.
        if decoder == "auto" and mended is None:
            opened = hardware.open_with_device(partial(_open, path, begin, mended))
        else:
            opened = _open(path, begin, mended, None)
    except (av.FFmpegError, OSError) as error:
        if advice_on(error):
            raise unreadable(path, error) from error
        if _looks_like_mp4(path):
            raise SourceError(
                f"{path} is an mp4 without its index: the recording or the copy broke off; copy it again, "
                "or repair it with the program that recorded it."
            ) from error
        raise SourceError(f"{path} is not a video that can be read: choose a video file.") from error
    # PyAV lets libav generate missing timestamps, which are out of order for reordered frames.
    container = cast(InputContainer, opened)
    container.flags &= ~cast(int, Flags.gen_pts.value)
    return container


def _open(path: Path, begin: int, mended: Mend | None, device: HWAccel | None) -> Container:
    # The whitelist keeps playlists from fetching what they name. Metadata need not be valid UTF-8.
    return av.open(
        _place(path, begin, mended),
        metadata_errors="replace",
        container_options={"protocol_whitelist": "file,subfile" if begin else "file"},
        hwaccel=device,
    )


def _place(path: Path, begin: int, mended: Mend | None) -> str | MendedFile:
    if mended:
        return MendedFile(path, mended.pieces)
    # An absolute path is never taken for a URL.
    where = str(path.absolute())
    return f"subfile,,start,{begin},end,0,,:{where}" if begin else where


def choose_track(container: InputContainer, path: Path) -> Track:
    """The longest moving track; among those of about the same length, the one marked as default.

    Raises:
        SourceError: there is none, or it cannot be decoded here.
    """
    format_name = container.format.name
    if format_name.endswith("_pipe") or format_name == "image2":
        if path.suffix.lower() in SUFFIXES:
            raise SourceError(f"{path} is a picture, not a video: choose a video file.")
        raise SourceError(f"{path} is a picture in a format that is not read: save it as JPEG, PNG or TIFF.")
    if format_name in _TEXT_FORMATS:
        raise SourceError(f"{path} is text, not a video: choose a video file.")
    streams = [
        stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        sound = "has sound but no pictures" if container.streams.audio else "is not a video"
        raise SourceError(f"{path} {sound}: choose a video file.")
    chosen = streams[0] if len(streams) == 1 else _best(streams, path)
    if not _can_be_decoded(chosen):
        raise SourceError(f"{path} is coded in a way that cannot be read here: convert it to H.264 first.")
    others = ", ".join(_named(stream) for stream in streams if stream is not chosen)
    return Track(chosen, f"beside {_named(chosen)}, which is read, it holds {others}" if others else "")


def seconds_of(stream: VideoStream) -> float | None:
    """The declared length of a track; None if it has none."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return tagged_seconds(stream)


def tagged_seconds(stream: VideoStream) -> float | None:
    """The length of a track in Matroska's tag."""
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except (KeyError, ValueError):
        return None


def is_bare(container: InputContainer) -> bool:
    """Whether the file is a stream of a codec without a container, and so without times."""
    return container.format.name in _BARE_FORMATS


def average_rate(
    container: InputContainer, stream: VideoStream, path: Path, wanted: Fraction | None
) -> Fraction:
    """The frame rate of the file, or the given one if it has no times.

    A raw stream has it in its parameter sets.
    """
    if is_bare(container):
        said = (wanted, stream.codec_context.framerate, stream.guessed_rate)
        return next((rate for rate in said if rate and _is_sane(rate)), Fraction(25))
    rate = stream.average_rate or stream.guessed_rate or Fraction(30)
    return rate if _is_sane(rate) else step_rate(container, stream, path)


def step_rate(container: InputContainer, stream: VideoStream, path: Path) -> Fraction:
    """The frame rate for pictures with unusable times, so that the total length is the declared one."""
    seconds = seconds_of(stream)
    counted = Fraction(stream.frames / seconds).limit_denominator(1001) if seconds and stream.frames else None
    said = (counted, stream.average_rate, stream.guessed_rate, stream.codec_context.framerate)
    rate = next((rate for rate in said if rate and _is_sane(rate)), None)
    return rate or _counted_rate(container, stream, path) or Fraction(25)


def _counted_rate(container: InputContainer, stream: VideoStream, path: Path) -> Fraction | None:
    """From the length of the whole file, for which all packets must be counted."""
    if not container.duration:
        return None
    try:
        with open_container(path) as again:
            count = sum(packet.size > 0 for packet in again.demux(again.streams[stream.index]))
    except (av.FFmpegError, OSError, IndexError):
        return None
    rate = Fraction(count * av.time_base, container.duration).limit_denominator(1001)
    return rate if _is_sane(rate) else None


def _is_sane(rate: Fraction) -> bool:
    return _SLOWEST <= rate <= _FASTEST


def _best(streams: Sequence[VideoStream], path: Path) -> VideoStream:
    usable = [stream for stream in streams if _can_be_decoded(stream)] or list(streams)
    still = _still(usable, path)
    moving = [stream for stream in usable if stream.index not in still] or usable
    longest = max(seconds_of(stream) or 0.0 for stream in moving)
    long = [stream for stream in moving if (seconds_of(stream) or 0.0) >= longest / 2]
    return next((stream for stream in long if stream.disposition & Disposition.default), long[0])


def _still(streams: Sequence[VideoStream], path: Path) -> set[int]:
    """The tracks with one picture, from the beginning of the file."""
    counts = {stream.index: 0 for stream in streams}
    with open_container(path) as container:
        tracks = [container.streams[index] for index in counts]
        try:
            for packet in islice(container.demux(tracks), _PEEK):
                counts[packet.stream_index] += packet.size > 0
        except (av.FFmpegError, OSError, IndexError):
            pass
    return {index for index, count in counts.items() if count < 2}


def _can_be_decoded(stream: VideoStream) -> bool:
    # Unlike in the stubs, a stream without a decoder in libav has no context.
    return getattr(stream, "codec_context", None) is not None


def _named(stream: VideoStream) -> str:
    context = getattr(stream, "codec_context", None)
    kind = f" ({context.name}, {context.width}x{context.height})" if context else ""
    return f"video track {stream.index}{kind}"


def _looks_like_mp4(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    return False
