import dataclasses
import struct
from fractions import Fraction
from io import BytesIO
from types import SimpleNamespace

import av
import numpy as np
import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.errors import SourceError
from emotion.realtime.media import VideoInfo
from emotion.realtime.sinks import mp4
from emotion.realtime.sinks.mp4 import X264, Mp4Sink, x264_for
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import clip, number, picture, timestamps
from tests.helpers.mp4_roundtrip import INFO, MILLISECONDS, SIZE, TIME_BASE, copy, frame, numbers


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("even.mp4", {}),
        ("variable.mp4", {"stamps": [3 * n * n + 500 * n for n in range(40)]}),
        ("long_pause.mkv", {"stamps": [0, 40, 80, 30_000, 30_040], "time_base": MILLISECONDS}),
        ("late.mkv", {"stamps": [5000 + 33 * n for n in range(20)], "time_base": MILLISECONDS}),
        ("ticks.mp4", {"stamps": list(range(20)), "time_base": Fraction(1, 25)}),
        ("single.mp4", {"frames": 1}),
        ("ten_bit.mp4", {"pix_fmt": "yuv420p10le"}),
        ("transport.ts", {"time_base": Fraction(1, 90_000)}),
        ("ntsc.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "time_base": Fraction(1001, 30_000)}),
    ],
)
def test_every_frame_keeps_its_timestamp(tmp_path, name, options):
    clip(tmp_path / name, **options)
    target = copy(tmp_path / name, tmp_path / "out.mp4")
    assert target == tmp_path / "out.mp4"
    assert timestamps(target) == timestamps(tmp_path / name)
    assert numbers(target) == numbers(tmp_path / name)
    assert not partial_path(target).exists()


def test_the_last_picture_of_a_time_lapse_is_as_long_as_the_others(tmp_path):
    sink = Mp4Sink(tmp_path / "a.mp4", dataclasses.replace(INFO, average_rate=Fraction(1, 3)))
    for index in range(4):
        shown = frame(index, round(3 * index / TIME_BASE))
        sink.write(shown, shown.frame.image)
    with av.open(str(sink.close())) as container:
        assert float(container.streams.video[0].duration * TIME_BASE) == 12
        assert container.duration == 12 * av.time_base


def test_the_time_base_stays(tmp_path):
    clip(tmp_path / "in.mkv", time_base=MILLISECONDS)
    copy(tmp_path / "in.mkv", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].time_base == MILLISECONDS


@pytest.mark.parametrize("first", [-3000, 3_000_000 * 12_800])
def test_a_clock_that_players_cannot_follow_is_moved_to_zero(tmp_path, first):
    info = VideoInfo(
        path=None,
        width=64,
        height=48,
        time_base=TIME_BASE,
        first_pts=first,
        start_seconds=float(first * TIME_BASE),
    )
    with Mp4Sink(tmp_path / "out.mp4", info) as sink:
        for index in range(10):
            sink.write(frame(index, first + 512 * index), picture(index, SIZE))
    assert timestamps(tmp_path / "out.mp4") == [512 * n * TIME_BASE for n in range(10)]


def test_the_file_is_an_ordinary_mp4_that_players_seek_in(tmp_path):
    clip(tmp_path / "in.mp4", 200, audio="aac")
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert b"moof" not in data[:1000]
    with av.open(str(tmp_path / "out.mp4")) as container:
        video = container.streams.video[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.frames == 200
        container.seek(round(5 / video.time_base), stream=video)
        found = next(container.decode(video))
    assert 2.9 <= found.time <= 5


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_odd_sizes_are_padded_by_a_pixel(tmp_path, size):
    info = VideoInfo(path=None, width=size[0], height=size[1], time_base=TIME_BASE)
    with Mp4Sink(tmp_path / "out.mp4", info) as sink:
        for index in range(5):
            image = picture(index, size)
            sink.write(frame(index, 512 * index, image=image), image)
    images = [shown.image for shown in VideoFile(tmp_path / "out.mp4")]
    assert images[0].shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    if size[0] > 8:
        assert [number(image) for image in images] == list(range(5))
        # The picture itself is neither moved nor scaled: what is added repeats the edge.
        inside = images[2][: size[1], : size[0]].astype(int)
        assert np.abs(inside - picture(2, size)).mean() < 12


@pytest.mark.parametrize("height", [48, 720])
def test_colours_survive_and_are_tagged(tmp_path, height):
    path = tmp_path / "in.mp4"
    clip(path, 2, size=(64, height))
    copy(path, tmp_path / "out.mp4", encoder=X264 | {"crf": "1"})
    before, after = (next(iter(VideoFile(name))).image for name in (path, tmp_path / "out.mp4"))
    assert np.abs(before.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() < 5
    with av.open(str(tmp_path / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        matrix = 1 if height == 720 else 6
        assert (context.colorspace, context.color_primaries, context.color_trc) == (matrix,) * 3
        assert context.color_range == 1


def test_frames_of_another_size_or_order_are_a_mistake(tmp_path):
    with Mp4Sink(tmp_path / "out.mp4", INFO) as sink:
        with pytest.raises(ValueError, match=r"\(48, 64, 3\)"):
            sink.write(frame(0, 0), picture(0, (32, 32)))
        sink.write(frame(0, 0), picture(0, SIZE))
        with pytest.raises(ValueError, match="order of time"):
            sink.write(frame(1, 0), picture(1, SIZE))
        sink.write(frame(1, 1), picture(1, SIZE))
    assert numbers(tmp_path / "out.mp4") == [0, 1]


def test_an_aborted_video_can_be_played_under_its_partial_name(tmp_path):
    clip(tmp_path / "in.mp4", 60, audio="aac")
    (tmp_path / "out.mp4").write_text("an earlier result")
    kept = copy(tmp_path / "in.mp4", tmp_path / "out.mp4", frames=33, end="abort")
    assert kept == tmp_path / "out.partial.mp4"
    assert numbers(kept) == list(range(33))
    assert timestamps(kept) == timestamps(tmp_path / "in.mp4")[:33]
    assert (tmp_path / "out.mp4").read_text() == "an earlier result"


def test_nothing_is_left_where_nothing_was_written(tmp_path):
    assert Mp4Sink(tmp_path / "out.mp4", INFO).abort() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SourceError, RuntimeError])
def test_an_exception_aborts(tmp_path, error):
    with pytest.raises(error), Mp4Sink(tmp_path / "out.mp4", INFO) as sink:
        for index in range(20):
            sink.write(frame(index, 512 * index), picture(index, SIZE))
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.mp4"]
    assert numbers(tmp_path / "out.partial.mp4") == list(range(20))


def test_close_and_abort_may_come_again(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    sink.write(frame(0, 0), picture(0, SIZE))
    assert sink.close() == sink.close() == sink.abort() == tmp_path / "out.mp4"
    sink = Mp4Sink(tmp_path / "two.mp4", INFO)
    sink.write(frame(0, 0), picture(0, SIZE))
    assert sink.abort() == sink.abort() == tmp_path / "two.partial.mp4"


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize(
    ("boxes", "whole"),
    [
        ([box(b"ftyp", b"iso5"), box(b"moov", b"x" * 20)], 0),
        ([box(b"moov", b"x" * 20), box(b"moof", b"y"), box(b"mdat", b"z" * 9)], 28 + 9 + 17),
        ([box(b"moof", b"y"), box(b"mdat", b"z"), box(b"moof", b"y")], 9 + 9),
        ([box(b"moof", b"y"), box(b"mdat", b"z"), box(b"moof", b"y"), box(b"mdat", b"z" * 9)[:-1]], 9 + 9),
        ([box(b"moof", b"y"), box(b"mdat", b"")], 9 + 8),
        ([box(b"moof", b"y"), struct.pack(">I4sQ", 1, b"mdat", 20), b"long"], 9 + 20),
        ([box(b"mdat", b"z"), struct.pack(">I4s", 4, b"free"), box(b"mdat", b"z")], 9),
        ([], 0),
    ],
)
def test_a_broken_file_is_cut_after_its_last_whole_fragment(tmp_path, boxes, whole):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"".join(boxes))
    assert mp4._cut_to_fragments(path) == (whole > 0)
    assert path.stat().st_size == (whole or len(b"".join(boxes)))


@pytest.mark.parametrize(
    ("rate", "reported", "distance"),
    [
        (25, 25, 50),
        (1, 1, 2),
        (1000, 1000, 2000),
        (1001, 30, 60),
        (Fraction(1, 2), 30, 60),
        (Fraction(5, 4), Fraction(5, 4), 2),
    ],
)
def test_key_frames_are_two_seconds_apart_at_any_rate_that_can_be(rate, reported, distance):
    with av.open(BytesIO(), "w", format="mp4") as container:
        stream = mp4._video_stream(container, dataclasses.replace(INFO, average_rate=Fraction(rate)), X264)
        assert stream.codec_context.framerate == reported
        assert stream.codec_context.gop_size == distance


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (4, 4), (8, 8), (9, 8), (64, 8)])
def test_at_most_eight_threads_encode(monkeypatch, cores, threads):
    monkeypatch.setattr(mp4, "available_cores", lambda: cores)
    with av.open(BytesIO(), "w", format="mp4") as container:
        assert mp4._video_stream(container, INFO, X264).codec_context.thread_count == threads


@pytest.mark.parametrize(
    ("scale", "movie"),
    [(1000, 48_000), (12_800, 38_400), (48_000, 48_000), (48_001, 48_001), (90_000, 90_000), (25, 48_000)],
)
def test_where_a_track_begins_is_counted_in_a_multiple_of_the_pictures_units(monkeypatch, scale, movie):
    asked = {}
    monkeypatch.setattr(mp4.av, "open", lambda *_, **more: asked.update(more) or SimpleNamespace(metadata={}))
    mp4._container(None, dataclasses.replace(INFO, time_base=Fraction(1, scale)), "")
    options = asked["container_options"]
    assert (options["video_track_timescale"], options["movie_timescale"]) == (str(scale), str(movie))


@pytest.mark.parametrize(
    ("said", "remark", "comment"),
    [
        ({}, "", None),
        ({"comment": "mine"}, "", "mine"),
        ({}, "made", "made"),
        ({"comment": "mine"}, "made", "mine\nmade"),
    ],
)
def test_a_remark_stands_below_the_comment_of_the_source(said, remark, comment):
    info = dataclasses.replace(INFO, metadata=said)
    assert mp4._container(BytesIO(), info, remark).metadata.get("comment") == comment


@pytest.mark.parametrize(
    ("last", "first", "rate", "end"),
    [(12_800, 0, 25, Fraction(26, 25)), (-512, -1024, 50, Fraction(3, 50)), (None, 0, 25, Fraction(1, 25))],
)
def test_what_is_aborted_ends_with_its_last_picture(tmp_path, last, first, rate, end):
    sink = Mp4Sink(
        tmp_path / "a.mp4", dataclasses.replace(INFO, first_pts=first, average_rate=Fraction(rate))
    )
    sink._last_pts = last
    assert sink._picture_end() == end
    sink._last_pts = None
    sink.abort()


@pytest.mark.parametrize(
    ("begin", "end", "sound"), [(None, None, None), (12_800, 3.5, 2.5), (None, 3.5, 3.5)]
)
def test_the_sound_of_an_excerpt_ends_where_that_does(tmp_path, begin, end, sound):
    sink = Mp4Sink(tmp_path / "a.mp4", dataclasses.replace(INFO, begin_pts=begin, end_seconds=end))
    assert sink._excerpt_end() == sound
    sink.abort()


@pytest.mark.parametrize(
    ("size", "waits"),
    [((640, 480), True), ((1280, 720), False), ((1080, 1920), False), ((3840, 2160), False)],
)
def test_no_large_picture_waits_for_a_later_one(size, waits):
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = *size, "yuv420p", Fraction(1, 25)
    codec.options = x264_for(*size)
    codec.open()
    assert (codec.max_b_frames > 0 or codec.has_b_frames) == waits


@pytest.mark.parametrize(
    ("size", "constant"), [((1920, 1080), False), ((3840, 2160), True), ((2160, 3840), True)]
)
def test_huge_pictures_are_all_equally_fine(size, constant):
    """As x264 itself says in its first packet."""
    data = BytesIO()
    with av.open(data, "w", format="mp4") as container:
        info = dataclasses.replace(INFO, width=size[0], height=size[1])
        stream = mp4._video_stream(container, info, x264_for(*size))
        for packet in (*stream.encode(av.VideoFrame(*size, "yuv420p")), *stream.encode(None)):
            container.mux(packet)
    assert (b"rc=cqp" in data.getvalue()) == constant
    assert (b"subme=0" in data.getvalue()) == constant
