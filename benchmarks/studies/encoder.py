"""What the encoder of annotated videos costs, and what its pictures are worth::

    python -m emotion.benchmarks.studies.encoder talk.mp4 --size 1920x1080
    python -m emotion.benchmarks.studies.encoder talk.mp4 --other preset=veryfast,crf=20

Pictures of a video are annotated first, and then encoded with the settings that ship and with others. For
each: milliseconds of processor and kB a picture, and the structural similarity (Wang et al. 2004; of the
brightness, in windows of 11 pixels) of what is decoded to what was drawn.
"""

import io
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeAlias

import av
import cv2
import numpy as np
import numpy.typing as npt
import typer
from av.video.stream import VideoStream

from emotion.models.regions import Image
from emotion.realtime.drawing.renderer import Renderer
from emotion.realtime.session import EveryFrame, Session
from emotion.realtime.sinks.mp4 import x264_for
from emotion.realtime.sources.file import VideoFile

Brightness: TypeAlias = npt.NDArray[np.float32]

_RATE = 25
_KEY_FRAMES = 50
# Decoded pictures that are compared: one of so many.
_COMPARED = 5
_WINDOW, _SIGMA = (11, 11), 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def similarity(one: Brightness, other: Brightness) -> float:
    """The mean structural similarity of two pictures' brightness, float32 (h, w) in 0 to 255; at most 1."""

    def mean(values: Brightness) -> Brightness:
        return np.asarray(cv2.GaussianBlur(values, _WINDOW, _SIGMA), np.float32)

    first, second = mean(one), mean(other)
    spread = mean(one * one) - first**2 + mean(other * other) - second**2
    common = mean(one * other) - first * second
    alike = (2 * first * second + _C1) * (2 * common + _C2)
    return float((alike / ((first**2 + second**2 + _C1) * (spread + _C2))).mean())


def encode(pictures: Sequence[av.VideoFrame], settings: Mapping[str, str]) -> tuple[bytes, float]:
    """An mp4 of pictures, yuv420p, and the processor's seconds that it took."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: VideoStream = container.add_stream("libx264", rate=_RATE, options=dict(settings))
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = _KEY_FRAMES
        stream.codec_context.thread_type = "FRAME"
        stream.codec_context.thread_count = 2
        begin = time.process_time()
        for number, picture in enumerate(pictures):
            picture.pts, picture.time_base = number, Fraction(1, _RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        seconds = time.process_time() - begin
    return file.getvalue(), seconds


def quality(video: bytes, pictures: Sequence[av.VideoFrame]) -> float:
    """The mean `similarity` of some of a video's pictures to what they were."""
    with av.open(io.BytesIO(video), "r") as container:
        pairs = islice(zip(container.decode(video=0), pictures, strict=True), 0, None, _COMPARED)
        return float(np.mean([similarity(brightness(one), brightness(other)) for one, other in pairs]))


def brightness(picture: av.VideoFrame) -> Brightness:
    """The first plane of a picture in yuv420p, float32 (h, w)."""
    return np.asarray(picture.to_ndarray()[: picture.height], np.float32)


def annotated(video: Path, count: int, size: tuple[int, int] | None) -> list[av.VideoFrame]:
    """The first pictures of a video with the overlay, yuv420p, enlarged to (width, height) before."""

    def resized(image: Image) -> Image:
        if size is None:
            return image
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)

    with VideoFile(video) as source:
        frames = [frame.with_image(resized(frame.image)) for frame in islice(source, count)]
    renderer = Renderer()
    with Session(frames, policy=EveryFrame()) as session:
        drawn = [av.VideoFrame.from_ndarray(renderer.draw(result), format="bgr24") for result in session]
    return [picture.reformat(format="yuv420p") for picture in drawn]


def main(
    videos: list[Path],
    size: Annotated[str, typer.Option(help="Size to enlarge frames to, as WIDTHxHEIGHT.")] = "",
    count: Annotated[int, typer.Option(help="Number of frames of each video.")] = 60,
    other: Annotated[
        list[str], typer.Option(help="Settings to compare: NAME=VALUE, separated by commas.")
    ] = ["preset=veryfast,crf=20"],  # noqa: B006
) -> None:
    """Print a row for each setting and video."""
    wanted = (int(size.split("x")[0]), int(size.split("x")[1])) if size else None
    others = {text: dict(pair.split("=", 1) for pair in text.split(",")) for text in other}
    typer.echo("| video | settings | ms a picture | kB a picture | similarity |\n|---|---|---|---|---|")
    for video in videos:
        pictures = annotated(video, count, wanted)
        shape = f"{pictures[0].width}x{pictures[0].height}"
        named = {"ships": x264_for(pictures[0].width, pictures[0].height), **others}
        for name, settings in named.items():
            data, seconds = encode(pictures, settings)
            each = 1000 * seconds / len(pictures), len(data) / 1000 / len(pictures)
            typer.echo(
                f"| {video.name} {shape} | {name} | {each[0]:.1f} | {each[1]:.1f} "
                f"| {quality(data, pictures):.5f} |"
            )


if __name__ == "__main__":
    typer.run(main)
