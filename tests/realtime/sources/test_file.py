import gc
import os
import pickle
import re
import struct
import threading
import time
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import psutil
import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.media import Colours
from emotion.realtime.sources import decoding
from emotion.realtime.sources.file import VideoFile
from tests.helpers import clips
from tests.helpers.clips import MIRRORED, QUARTER_RIGHT, clip, number, picture


def read(path, look=number):
    """Everything a file gives: timestamps, numbers, and the error it ends with."""
    stamps, numbers, error = [], [], None
    with VideoFile(path) as video:
        try:
            for frame in video:
                stamps.append(frame.pts)
                numbers.append(look(frame.image))
        except SourceError as caught:
            error = caught
    return stamps, numbers, error


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("h264.mp4", {}),
        ("sound.mp4", {"audio": "aac"}),
        ("ten_bit.mp4", {"pix_fmt": "yuv420p10le"}),
        ("full_range.mkv", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "time_base": Fraction(1, 1000)}),
        ("vp9.webm", {"codec": "libvpx-vp9", "audio": "libopus", "time_base": Fraction(1, 1000)}),
        ("odd.mkv", {"codec": "ffv1", "pix_fmt": "bgr0", "size": (63, 47), "time_base": Fraction(1, 1000)}),
        ("old.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "time_base": Fraction(1, 25)}),
    ],
)
def test_every_frame_comes_once_with_its_own_timestamp(tmp_path, name, options):
    stamps = clip(tmp_path / name, **options)
    assert read(tmp_path / name) == (stamps, list(range(len(stamps))), None)


def test_irregular_timestamps_stay(tmp_path):
    irregular = [3 * n * n + 500 * n for n in range(40)]
    clip(tmp_path / "vfr.mp4", stamps=irregular)
    assert read(tmp_path / "vfr.mp4") == (irregular, list(range(40)), None)


def test_a_late_start_stays(tmp_path):
    late = [7_000 + 40 * n for n in range(20)]
    clip(tmp_path / "late.mkv", stamps=late, time_base=Fraction(1, 1000))
    assert read(tmp_path / "late.mkv") == (late, list(range(20)), None)


def test_reordered_frames_without_timestamps_come_in_order(tmp_path):
    # An AVI knows only the order of decoding.
    clip(tmp_path / "b_frames.avi", time_base=Fraction(1, 25))
    stamps, numbers, error = read(tmp_path / "b_frames.avi")
    assert numbers == list(range(30))
    assert np.diff(stamps).tolist() == [1] * 29
    assert error is None


def test_frames_say_what_they_are(tmp_path):
    clip(tmp_path / "clip.mp4", 3)
    frames = list(VideoFile(tmp_path / "clip.mp4"))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.04, 0.08])
    assert all(not frame.image.flags.writeable and frame.image.flags.c_contiguous for frame in frames)
    assert frames[0].captured_at <= frames[1].captured_at
    assert np.abs(frames[2].image.astype(int) - picture(2)).mean() < 8


def test_info(tmp_path):
    clip(tmp_path / "clip.mp4", 25, audio="aac", size=(64, 48))
    with VideoFile(str(tmp_path / "clip.mp4")) as video:
        info = video.info
    assert (info.width, info.height, info.time_base) == (64, 48, Fraction(1, 12_800))
    assert (info.frame_count, info.average_rate, info.duration_seconds) == (25, 25, 1.0)
    assert info.has_audio
    assert info.path == video.path == tmp_path / "clip.mp4"


@pytest.mark.parametrize(
    ("matrix", "undo"),
    [
        (QUARTER_RIGHT, np.rot90),
        ((-1, 0, 0, 0, -1, 0), lambda image: np.rot90(image, 2)),
        ((0, -1, 0, 1, 0, 0), lambda image: np.rot90(image, 3)),
        (MIRRORED, lambda image: image[:, ::-1]),
        ((1, 0, 0, 0, -1, 0), lambda image: image[::-1]),
        ((0, 1, 0, 1, 0, 0), lambda image: image.transpose(1, 0, 2)),
    ],
)
def test_pictures_come_upright(tmp_path, matrix, undo):
    path = tmp_path / "phone.mp4"
    clip(path, 12)
    clips.turn(path, matrix)
    with VideoFile(path) as video:
        frames = list(video)
        size = (video.info.height, video.info.width)
    assert frames[0].image.shape[:2] == size == undo(picture(0).transpose(1, 0, 2)).shape[:2][::-1]
    assert [number(undo(frame.image)) for frame in frames] == list(range(12))


@pytest.mark.parametrize("matrix", [None, QUARTER_RIGHT])
def test_images_are_made_anew_to_the_last_bit_when_the_video_is_over(tmp_path, matrix):
    clip(tmp_path / "clip.mp4", 4)
    if matrix:
        clips.turn(tmp_path / "clip.mp4", matrix)
    for frame in list(VideoFile(tmp_path / "clip.mp4")):
        assert frame.nbytes == frame.image.nbytes // 2
        assert frame.shape == frame.image.shape
        np.testing.assert_array_equal(frame.image, frame.canvas())
        np.testing.assert_array_equal(frame.image[..., ::-1], frame.rgb())
        assert frame.canvas().flags.writeable
        assert not frame.image.flags.writeable
        assert (frame.planes is None) == bool(matrix)


PARTS = [(0, 0, 40, 31), (33, 7, 34, 8), (301, 110, 500, 281), (960, 500, 998, 562), (700, 11, 998, 12)]


@pytest.mark.parametrize("parts", [PARTS[:1], PARTS[1:3], PARTS[3:]])
@pytest.mark.parametrize("matrix", [None, QUARTER_RIGHT])
def test_parts_of_an_image_are_those_of_the_whole_to_the_last_bit(tmp_path, parts, matrix):
    path = tmp_path / "clip.mp4"
    clip(path, 2, size=(998, 562))
    if matrix:
        clips.turn(path, matrix)
    frame = list(VideoFile(path))[1]
    for some, whole in ((frame.canvas(parts), frame.canvas()), (frame.rgb(parts), frame.rgb())):
        assert some.shape == whole.shape
        for left, top, right, bottom in parts:
            np.testing.assert_array_equal(some[top:bottom, left:right], whole[top:bottom, left:right])


def test_of_a_few_parts_the_rest_is_not_converted(tmp_path, monkeypatch):
    clip(tmp_path / "clip.mp4", 1, size=(998, 562))
    frame = next(iter(VideoFile(tmp_path / "clip.mp4")))
    empty = np.full((562, 998, 3), (255, 0, 255), np.uint8)
    monkeypatch.setattr("emotion.realtime.sources.picture.np.empty", lambda *size: empty)
    assert (frame.canvas(PARTS[2:3])[:100] == (255, 0, 255)).all()
    # Of many, or large ones, all of it.
    assert (frame.canvas(PARTS) == frame.image).all()
    assert (frame.canvas([(0, 0, 998, 400)]) == frame.image).all()


def test_planes_are_those_of_the_decoder(tmp_path):
    clip(tmp_path / "clip.mp4", 1)
    (frame,) = VideoFile(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        picture = next(container.decode(video=0))
    height, width = frame.shape[:2]
    packed = np.concatenate([plane.reshape(-1) for plane in frame.planes])
    np.testing.assert_array_equal(packed.reshape(height * 3 // 2, width), picture.to_ndarray())


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "nv12"])
def test_planes_of_another_layout_or_range_are_not_given(tmp_path, pix_fmt):
    codec = "mjpeg" if pix_fmt == "yuvj420p" else "rawvideo"
    clip(tmp_path / "clip.mkv", 1, codec=codec, pix_fmt=pix_fmt, time_base=Fraction(1, 1000))
    (frame,) = VideoFile(tmp_path / "clip.mkv")
    assert frame.planes is None
    assert frame.nbytes == frame.image.nbytes // 2


def test_what_would_not_be_smaller_waits_as_an_image(tmp_path):
    clip(tmp_path / "odd.mkv", 1, codec="ffv1", pix_fmt="bgr0", time_base=Fraction(1, 1000))
    (frame,) = VideoFile(tmp_path / "odd.mkv")
    assert frame.picture is frame.image
    assert frame.nbytes == frame.image.nbytes
    assert frame.planes is None


def test_a_frame_can_be_sent_to_another_process(tmp_path):
    clip(tmp_path / "clip.mp4", 1)
    (frame,) = VideoFile(tmp_path / "clip.mp4")
    sent = pickle.loads(pickle.dumps(frame))
    np.testing.assert_array_equal(sent.image, frame.image)
    assert (sent.index, sent.pts, sent.time_base) == (0, frame.pts, frame.time_base)
    assert sent.captured_at == frame.captured_at
    assert sent.picture is sent.image
    assert not sent.image.flags.writeable


def test_orientation_agrees_with_libav(tmp_path):
    path = tmp_path / "phone.mp4"
    clip(path, 2)
    clips.turn(path, QUARTER_RIGHT)
    with av.open(str(path)) as container:
        rotation = next(container.decode(video=0)).rotation
    upright = next(iter(VideoFile(path))).image
    assert number(np.rot90(upright, -rotation // 90)) == 0


def test_wide_pixels_become_square(tmp_path):
    with av.open(str(tmp_path / "dv.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        frame = av.VideoFrame.from_ndarray(picture(5), format="bgr24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frame = next(iter(VideoFile(tmp_path / "dv.mp4")))
    assert frame.image.shape == (48, 85, 3)
    assert number(frame.image) == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"this is no video, it is a text\n" * 200, "text, not a video"),
        (bytes(range(256)) * 40, "is not a video"),
        (b"\0\0\0\x18ftypmp42" + bytes(100), "mp4 without its index"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nsubtitle\n", "is not a video"),
    ],
)
def test_what_is_no_video_is_refused_in_a_sentence(tmp_path, content, sentence):
    # The same bytes under a name that fits and one that does not.
    for name in ("clip.mp4", "clip.txt"):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SourceError, match=rf"{name}.*(is not a video|{sentence})") as caught:
            VideoFile(path)
        assert ": " in str(caught.value)
        assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [("face.psd", " in a format that is not read: save it as"), ("face.jpg", ", not a video")],
)
def test_a_picture_is_told_whether_its_format_is_read_at_all(tmp_path, name, said):
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 8, 8, 8, 3)
    (tmp_path / name).write_bytes(head + bytes(1000))
    with pytest.raises(SourceError, match=f"{name} is a picture{said}"):
        VideoFile(tmp_path / name)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(SourceError, match="is a folder"):
        VideoFile(tmp_path)


def test_a_device_is_refused():
    if not os.path.exists(os.devnull) or os.name == "nt":
        pytest.skip("no devices among the files")
    with pytest.raises(SourceError, match="not a regular file"):
        VideoFile(os.devnull)


def test_a_picture_is_refused(tmp_path):
    with av.open(str(tmp_path / "picture.png"), "w", format="image2") as container:
        stream = container.add_stream("png", width=64, height=48, pix_fmt="rgb24")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(1), format="bgr24")))
    with pytest.raises(SourceError, match="is a picture"):
        VideoFile(tmp_path / "picture.png")


def test_sound_alone_is_refused(tmp_path):
    clips.tone_only(tmp_path / "song.m4a")
    with pytest.raises(SourceError, match="sound but no pictures"):
        VideoFile(tmp_path / "song.m4a")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read all")
def test_a_forbidden_file_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    clip(path, 2)
    path.chmod(0)
    with pytest.raises(SourceError, match="permissions"):
        VideoFile(path)


def test_a_video_without_a_whole_picture_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    clip(path, 5)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov")] = bytes(data.index(b"moov") - start)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="no picture of it can be decoded"):
        VideoFile(path)


def fast_start(path):
    """The same clip with its index in front, so that it can be cut."""
    front = path.with_stem("front")
    with av.open(str(path)) as source:
        options = {"movflags": "faststart"}
        with av.open(str(front), "w", container_options=options) as container:
            stream = container.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
    return front


def test_a_truncated_mp4_gives_what_is_there_and_then_says_so(tmp_path):
    stamps = clip(tmp_path / "clip.mp4", 100)
    path = fast_start(tmp_path / "clip.mp4")
    os.truncate(path, path.stat().st_size * 3 // 4)
    read_stamps, numbers, error = read(path)
    assert 30 < len(numbers) < 100
    assert read_stamps[:30] == stamps[:30]
    assert numbers[:30] == list(range(30))
    assert "incomplete" in str(error)
    assert str(path) in str(error)
    minutes, seconds = re.search(r"off at (\d+):(\d+\.\d)", str(error)).groups()
    assert minutes == "0"
    assert float(seconds) == pytest.approx(len(numbers) / 25, abs=0.2)


def show_only(path, seconds, begin):
    """Let the edit list of an mp4 show so many seconds, as a cut without encoding anew does."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12
    length, first = struct.unpack_from(">II", data, entry)
    assert length == 2000  # in milliseconds: those of the whole clip
    struct.pack_into(">II", data, entry, round(seconds * 1000), first + round(begin * 12_800))
    path.write_bytes(data)


@pytest.mark.parametrize(("begin", "seconds"), [(0.52, 1.48), (0.0, 0.8), (0.52, 0.8)])
def test_a_clip_that_was_cut_without_encoding_anew_is_complete(tmp_path, begin, seconds):
    clip(tmp_path / "clip.mp4", 50)
    show_only(tmp_path / "clip.mp4", seconds, begin)
    _, numbers, error = read(tmp_path / "clip.mp4")
    first = round(begin * 25)
    assert numbers == list(range(first, first + round(seconds * 25)))
    assert error is None
    with VideoFile(tmp_path / "clip.mp4") as video:
        assert video.info.frame_count == len(numbers)


def test_a_clip_that_was_cut_so_and_is_truncated_says_so(tmp_path):
    clip(tmp_path / "clip.mp4", 50)
    show_only(tmp_path / "clip.mp4", 1.48, 0.52)
    path = fast_start(tmp_path / "clip.mp4")
    os.truncate(path, path.stat().st_size * 3 // 4)
    assert "incomplete" in str(read(path)[2])


def test_a_truncated_matroska_says_so_too(tmp_path):
    path = tmp_path / "clip.mkv"
    clip(path, 100, time_base=Fraction(1, 1000))
    os.truncate(path, path.stat().st_size // 2)
    _, numbers, error = read(path)
    assert 10 < len(numbers) < 75
    assert numbers[:10] == list(range(10))
    assert "incomplete" in str(error)


def test_damage_in_the_middle_costs_little_and_is_reported_at_the_end(tmp_path):
    path = tmp_path / "clip.mp4"
    clip(path, 60)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][25]
    data = bytearray(path.read_bytes())
    data[packet.pos : packet.pos + 4] = b"\xff" * 4
    path.write_bytes(data)
    stamps, _, error = read(path, look=lambda image: None)
    assert len(stamps) >= 55
    assert stamps[-1] == 59 * 512
    assert re.search(r"damaged at 0:(00\.9|01\.0|01\.1).*download the file again", str(error))


def test_playlists_reach_nothing_else(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError, match="is not a video"):
        VideoFile(path)


def test_names_with_a_colon_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip(tmp_path / "clip.mp4", 3)
    (tmp_path / "clip.mp4").rename(tmp_path / "12:30.mp4")
    assert len(list(VideoFile("12:30.mp4"))) == 3


def test_metadata_need_not_be_text(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "AAAA"
        stream = container.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), format="bgr24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"\xff\xfe\xff\xfe"))
    assert len(list(VideoFile(path))) == 1


def test_a_file_is_read_once(tmp_path):
    clip(tmp_path / "clip.mp4", 3)
    video = VideoFile(tmp_path / "clip.mp4")
    assert len(list(video)) == 3
    with pytest.raises(ValueError, match="open it again"):
        iter(video)


def test_close_is_idempotent_and_ends_the_iteration(tmp_path):
    clip(tmp_path / "clip.mp4", 30)
    video = VideoFile(tmp_path / "clip.mp4")
    frames = iter(video)
    next(frames)
    video.close()
    video.close()
    assert list(frames) == []


def test_close_from_another_thread_at_any_moment(tmp_path):
    clip(tmp_path / "clip.mp4", 60)
    for delay in np.linspace(0, 0.03, 30):
        video = VideoFile(tmp_path / "clip.mp4")
        timer = threading.Timer(delay, video.close)
        timer.start()
        assert len(list(video)) <= 60
        timer.join()


def test_colours_are_guessed_by_size():
    assert Colours.resolve(2, 2, 2, 480) == Colours(6, 6, 6)
    assert Colours.resolve(2, 2, 2, 1080) == Colours(1, 1, 1)
    assert Colours.resolve(9, 9, 18, 1080) == Colours(9, 9, 18)


def test_a_closed_file_leaves_no_threads_behind(tmp_path):
    clip(tmp_path / "clip.mp4", 30)
    process = psutil.Process()
    gc.collect()
    before = process.num_threads()
    gc.disable()  # threads that only its next visit ends pile up until then
    try:
        for _ in range(20):
            with VideoFile(tmp_path / "clip.mp4") as video:
                next(iter(video))
        del video
        # The system may count one that has ended for a moment more.
        deadline = time.monotonic() + 30
        while process.num_threads() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.num_threads() <= before
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("size", "cores", "threads"),
    [
        ((96, 96), 8, 1),
        ((640, 480), 2, 2),
        ((1920, 1080), 16, 4),
        ((3840, 2160), 1, 1),
        ((3840, 2160), 2, 1),
        ((3840, 2160), 4, 2),
        ((3840, 2160), 16, 4),
    ],
)
def test_few_threads_decode_huge_pictures(monkeypatch, size, cores, threads):
    monkeypatch.setattr(decoding, "available_cores", lambda: cores)
    assert decoding._threads_for(SimpleNamespace(width=size[0], height=size[1])) == threads
