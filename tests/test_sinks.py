import _thread
import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from models.emotions import EMOTIONS, Emotion
from realtime.drafts import partial_path
from realtime.errors import SinkError, SourceError
from realtime.frames import Box, EmotionFrame, FaceEmotion, VideoFrame
from realtime.media import VideoInfo
from realtime.signals import held
from realtime.sources import VideoFile
from realtime.summary import SummaryBuilder
from realtime.timeline import COLUMNS, CsvTimeline, JsonLinesTimeline
from realtime.video_sink import Mp4Sink
from tests import clips
from tests.clips import clip, loudness, number, picture, sound, timestamps

SIZE = (64, 48)
TIME_BASE = Fraction(1, 12_800)
INFO = VideoInfo(path=None, width=64, height=48, time_base=TIME_BASE, average_rate=Fraction(25))
MILLISECONDS = Fraction(1, 1000)


def one_hot(emotion, share=1.0):
    values = np.full(6, (1 - share) / 5, dtype=np.float32)
    values[emotion] = share
    return values


def face(emotion=Emotion.HAPPINESS, track=1, share=1.0, **opinions):
    seen = {"eyes": None, "lips": None, "vote": None} | opinions
    return FaceEmotion(track, Box(1.25, 2, 30, 40.06), smoothed=one_hot(emotion, share), **seen)


def result(index, pts, faces=(), image=None, time_base=TIME_BASE):
    image = picture(index, SIZE) if image is None else image
    return EmotionFrame(VideoFrame(index, pts, time_base, 0.0, image), tuple(faces))


def copy(source, target, frames=None, end="close", **options):
    """Send a clip through an mp4 sink: all of it or so many frames, then an end."""
    with VideoFile(source) as video:
        sink = Mp4Sink(target, video.info, **options)
        for frame, _ in zip(video, range(10_000 if frames is None else frames), strict=False):
            sink.write(EmotionFrame(frame, ()), frame.image)
        return getattr(sink, end)()


def numbers(path):
    with VideoFile(path) as video:
        return [number(frame.image) for frame in video]


def noise(index):
    return np.random.default_rng(index).integers(0, 255, (48, 64, 3), dtype=np.uint8)


# --- the mp4 ---


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
            sink.write(result(index, first + 512 * index), picture(index, SIZE))
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
        frame = next(container.decode(video))
    assert 2.9 <= frame.time <= 5


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_odd_sizes_are_padded_by_a_pixel(tmp_path, size):
    info = VideoInfo(path=None, width=size[0], height=size[1], time_base=TIME_BASE)
    with Mp4Sink(tmp_path / "out.mp4", info) as sink:
        for index in range(5):
            image = picture(index, size)
            sink.write(result(index, 512 * index, image=image), image)
    frames = list(VideoFile(tmp_path / "out.mp4"))
    assert frames[0].image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    if size[0] > 8:
        assert [number(frame.image) for frame in frames] == list(range(5))


@pytest.mark.parametrize("height", [48, 720])
def test_colours_survive_and_are_tagged(tmp_path, height):
    path = tmp_path / "in.mp4"
    clip(path, 2, size=(64, height))
    copy(path, tmp_path / "out.mp4", crf=1)
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
            sink.write(result(0, 0), picture(0, (32, 32)))
        sink.write(result(0, 0), picture(0, SIZE))
        with pytest.raises(ValueError, match="order of time"):
            sink.write(result(1, 0), picture(1, SIZE))
        sink.write(result(1, 1), picture(1, SIZE))
    assert numbers(tmp_path / "out.mp4") == [0, 1]


# --- its sound ---


def audio_packets(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("in.mp4", "aac"), ("in.mkv", "aac"), ("in.mp4", "alac"), ("in.mkv", "flac"), ("in.webm", "libopus")],
)
def test_sound_is_copied_bit_by_bit(tmp_path, name, codec):
    options = {"codec": "libvpx-vp9"} if name.endswith("webm") else {}
    path = tmp_path / name
    clip(path, 60, audio=codec, time_base=MILLISECONDS, **options)
    copy(path, tmp_path / "out.mp4")
    assert audio_packets(tmp_path / "out.mp4") == audio_packets(path)
    assert timestamps(tmp_path / "out.mp4") == timestamps(path)
    for before, after in zip(sound(path)[1:], sound(tmp_path / "out.mp4")[1:], strict=True):
        # Matroska rounds to milliseconds, and Opus begins with a few that are not heard.
        assert after == pytest.approx(before, abs=0.08)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("in.mov", "pcm_s16le"), ("in.avi", "pcm_s16le"), ("in.mkv", "pcm_f32le"), ("in.mkv", "mp2")],
)
def test_sound_that_players_would_not_play_becomes_aac(tmp_path, name, codec):
    path = tmp_path / name
    options = {"codec": "mjpeg", "pix_fmt": "yuvj420p"} if name.endswith("avi") else {}
    clip(path, 60, audio=codec, time_base=Fraction(1, 25), **options)
    copy(path, tmp_path / "out.mp4")
    codec, begin, end = sound(tmp_path / "out.mp4")
    assert codec == "aac"
    assert (begin, end) == pytest.approx(sound(path)[1:], abs=0.1)
    assert loudness(tmp_path / "out.mp4", 0.5, 1.5) == pytest.approx(0.21, abs=0.02)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_keeps_its_distance_from_the_pictures(tmp_path, codec):
    path = tmp_path / "in.mov"
    clip(path, 75, audio=codec, audio_start=1.0, audio_seconds=1.0)
    copy(path, tmp_path / "out.mp4")
    assert timestamps(tmp_path / "out.mp4") == timestamps(path)
    # Silence up to the beginning; a coder's own run-up may be heard a little before.
    with av.open(str(tmp_path / "out.mp4")) as container:
        loud = [f.time for f in container.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.1]
    assert loud[0] == pytest.approx(1.0, abs=0.07)
    assert loud[-1] == pytest.approx(2.0, abs=0.15)


def test_sound_of_a_transport_stream_gets_its_header(tmp_path):
    clip(tmp_path / "in.ts", 60, audio="aac", time_base=Fraction(1, 90_000))
    copy(tmp_path / "in.ts", tmp_path / "out.mp4")
    assert sound(tmp_path / "out.mp4")[1:] == pytest.approx(sound(tmp_path / "in.ts")[1:], abs=0.01)


def test_sound_that_nothing_can_read_is_left_out_and_counted(tmp_path):
    path = tmp_path / "in.mp4"
    clip(path, 30, audio="aac")
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"apac").replace(b"esds", b"none"))
    with VideoFile(path) as video, Mp4Sink(tmp_path / "out.mp4", video.info) as sink:
        for frame in video:
            sink.write(EmotionFrame(frame, ()), frame.image)
    assert sink.lost_sound == 1
    assert numbers(tmp_path / "out.mp4") == list(range(30))


def test_every_track_of_sound_comes_along(tmp_path):
    path = tmp_path / "in.mkv"
    clip(path, 60, audio="aac", time_base=MILLISECONDS)
    two = tmp_path / "two.mkv"
    with av.open(str(path)) as source, av.open(str(two), "w") as container:
        video, audio = (container.add_stream_from_template(stream) for stream in source.streams)
        second = container.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.dts is None:
                continue
            data, stamp = bytes(packet), packet.pts
            packet.stream = video if packet.stream.type == "video" else audio
            container.mux(packet)
            if packet.stream is audio:
                again = av.Packet(data)
                again.pts = again.dts = stamp
                again.time_base, again.stream = MILLISECONDS, second
                container.mux(again)
    copy(two, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "audio"]
        assert [stream.frames for stream in container.streams.audio] == [len(audio_packets(path))] * 2


def test_sound_longer_than_the_pictures_is_kept(tmp_path):
    clip(tmp_path / "in.mp4", 25, audio="aac", audio_seconds=3.0)
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert sound(tmp_path / "out.mp4")[2] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_ends_where_an_aborted_video_ends(tmp_path, codec):
    clip(tmp_path / "in.mov", 200, audio=codec)
    kept = copy(tmp_path / "in.mov", tmp_path / "out.mp4", frames=50, end="abort")
    assert len(timestamps(kept)) == 50
    assert sound(kept)[2] == pytest.approx(2.0, abs=0.13)


def test_sound_lies_beside_its_pictures_in_the_file(tmp_path):
    clip(tmp_path / "in.mp4", 250, audio="aac")
    copy(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [packet for packet in container.demux() if packet.size]
    places = sorted((packet.pos, float(packet.dts * packet.time_base)) for packet in packets)
    assert max(earlier[1] - later[1] for earlier, later in pairwise(places)) < 3


# --- its end ---


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
    timeline = CsvTimeline(tmp_path / "out.csv")
    assert timeline.abort() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SourceError, RuntimeError])
def test_an_exception_aborts(tmp_path, error):
    with pytest.raises(error), Mp4Sink(tmp_path / "out.mp4", INFO) as sink:
        for index in range(20):
            sink.write(result(index, 512 * index), picture(index, SIZE))
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.mp4"]
    assert numbers(tmp_path / "out.partial.mp4") == list(range(20))


def test_close_and_abort_may_come_again(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    sink.write(result(0, 0), picture(0, SIZE))
    assert sink.close() == sink.close() == sink.abort() == tmp_path / "out.mp4"
    sink = Mp4Sink(tmp_path / "two.mp4", INFO)
    sink.write(result(0, 0), picture(0, SIZE))
    assert sink.abort() == sink.abort() == tmp_path / "two.partial.mp4"


def test_signals_wait_for_what_must_not_stop_halfway():
    steps = []
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        with held():
            signal.raise_signal(signal.SIGINT)
            steps.append("done")
        steps.append("never")
    assert steps == ["done"]
    assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_other_threads_hold_no_signals():
    def work():
        with held():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() is signal.getsignal(signal.SIGINT)


@pytest.mark.parametrize("delay", [0.001, 0.005, 0.01, 0.02, 0.04, 0.08])
def test_an_interrupt_at_any_moment_leaves_every_frame_until_then(tmp_path, delay):
    clip(tmp_path / "in.mov", 100, audio="pcm_s16le")
    written = 0
    with VideoFile(tmp_path / "in.mov") as video, Mp4Sink(tmp_path / "out.mp4", video.info) as mp4:
        timeline = JsonLinesTimeline(tmp_path / "out.jsonl")
        timer = threading.Timer(delay, _thread.interrupt_main)
        try:
            timer.start()
            for frame in video:
                mp4.write(EmotionFrame(frame, ()), frame.image)
                timeline.write(EmotionFrame(frame, ()), frame.image)
                written += 1
            timer.join()
            time.sleep(1)
        except KeyboardInterrupt:
            timeline.abort()
            kept = mp4.abort()
    seen = numbers(kept) if kept else []
    assert written <= len(seen) <= written + 1
    assert seen == list(range(len(seen)))
    lines = (tmp_path / "out.partial.jsonl").read_text().splitlines() if written else []
    assert [json.loads(line)["frame"] for line in lines] == list(range(len(lines)))


@pytest.mark.skipif(os.name == "nt", reason="no such kill")
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_killed_video_can_be_played_up_to_the_last_seconds(tmp_path, codec):
    clip(tmp_path / "in.mov", 250, audio=codec)
    script = f"""
        import os, signal
        from pathlib import Path
        from realtime.frames import EmotionFrame
        from realtime.sources import VideoFile
        from realtime.video_sink import Mp4Sink
        from realtime.timeline import JsonLinesTimeline
        video = VideoFile({str(tmp_path / "in.mov")!r})
        sink = Mp4Sink(Path({str(tmp_path / "out.mp4")!r}), video.info)
        for frame in video:
            sink.write(EmotionFrame(frame, ()), frame.image)
            if frame.index == 220:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=root, check=False)
    assert run.returncode == -signal.SIGKILL
    kept = tmp_path / "out.partial.mp4"
    stamps = timestamps(kept)
    assert 120 <= len(stamps) <= 221
    assert stamps == timestamps(tmp_path / "in.mov")[: len(stamps)]
    assert loudness(kept, 0.5, 3) == pytest.approx(0.21, abs=0.02)


# --- what cannot be written ---


class Limit:
    """Makes every file too large beyond some bytes, as a full disk does."""

    def __init__(self, size):
        resource = pytest.importorskip("resource")
        self.name, self.set = resource.RLIMIT_FSIZE, resource.setrlimit
        self.before, self.size = resource.getrlimit(resource.RLIMIT_FSIZE), size

    def __enter__(self):
        self.set(self.name, (self.size, self.before[1]))

    def __exit__(self, *error):
        self.set(self.name, self.before)


def test_a_full_disk_leaves_what_was_written(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    written = 0
    with Limit(400_000), pytest.raises(SinkError, match=r"out\.mp4 cannot be written \(.*\): make room"):
        for index in range(2000):
            sink.write(result(index, 512 * index), noise(index))
            written = index
    with pytest.raises(SinkError, match="failed before"):
        sink.close()
    kept = sink.abort()
    assert kept == tmp_path / "out.partial.mp4"
    stamps = timestamps(kept)
    assert written - 110 <= len(stamps) <= written
    assert stamps == [512 * n * TIME_BASE for n in range(len(stamps))]
    with VideoFile(kept) as video:
        assert len(list(video)) == len(stamps)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_disk_that_fills_at_the_very_end_leaves_what_was_written(tmp_path, end):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    for index in range(400):
        sink.write(result(index, 512 * index), noise(index))
    size = (tmp_path / "out.partial.mp4").stat().st_size
    # One byte past the last fragment: enough to begin with the rest, not to end it.
    with Limit(size + 1):
        if end == "close":
            with pytest.raises(SinkError, match="make room"):
                sink.close()
        kept = sink.abort()
    assert not (tmp_path / "out.mp4").exists()
    stamps = timestamps(kept)
    assert 250 <= len(stamps) <= 400
    assert stamps == [512 * n * TIME_BASE for n in range(len(stamps))]


def test_a_disk_that_is_full_before_anything_can_be_played_leaves_nothing(tmp_path):
    sink = Mp4Sink(tmp_path / "out.mp4", INFO)
    with Limit(2000), pytest.raises(SinkError):
        for index in range(500):
            sink.write(result(index, 512 * index), noise(index))
    assert sink.abort() is None
    assert list(tmp_path.iterdir()) == []


SINKS = [lambda path: Mp4Sink(path, INFO), CsvTimeline, JsonLinesTimeline]


def fill(make, path):
    with make(path) as sink:
        for index in range(300):
            sink.write(result(index, 512 * index), noise(index))


@pytest.mark.parametrize("make", SINKS)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")
def test_a_full_device_is_told_in_a_sentence(make):
    with pytest.raises(SinkError, match=r"/dev/full cannot be written \(No space left .*: make room"):
        fill(make, Path("/dev/full"))


@pytest.mark.parametrize("make", SINKS)
def test_a_missing_folder_is_told_in_a_sentence(make, tmp_path):
    with pytest.raises(SinkError, match="its folder is not there"):
        make(tmp_path / "nowhere" / "out.mp4")


@pytest.mark.parametrize("make", SINKS)
def test_a_file_in_the_place_of_the_folder_is_told_in_a_sentence(make, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError, match="cannot be written"):
        make(tmp_path / "file" / "out.mp4")


@pytest.mark.parametrize("make", SINKS)
@pytest.mark.parametrize("name", ["out.mp4", "out.partial.mp4"])
def test_a_folder_in_the_place_of_the_file_is_told_in_a_sentence(make, name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(SinkError, match=f"{name}.*a folder has this name"):
        make(tmp_path / "out.mp4")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write all")
@pytest.mark.parametrize("make", SINKS)
def test_a_forbidden_folder_is_told_in_a_sentence(make, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(SinkError, match="may be written to"):
        make(tmp_path / "out.mp4")


@pytest.mark.parametrize("place", ["in.mp4", "sub/../in.mp4", "link.mp4"])
def test_the_source_is_never_written_over(tmp_path, place):
    clip(tmp_path / "in.mp4", 5)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "in.mp4")
    before = (tmp_path / "in.mp4").read_bytes()
    with VideoFile(tmp_path / "in.mp4") as video:
        with pytest.raises(SinkError, match="is the video being read"):
            Mp4Sink(tmp_path / place, video.info)
        with pytest.raises(SinkError, match="is the video being read"):
            CsvTimeline(tmp_path / place, video.path)
    assert (tmp_path / "in.mp4").read_bytes() == before


def test_a_source_with_a_partial_name_is_never_written_over(tmp_path):
    clip(tmp_path / "clip.partial.mp4", 5)
    with VideoFile(tmp_path / "clip.partial.mp4") as video, pytest.raises(SinkError, match="being read"):
        Mp4Sink(tmp_path / "clip.mp4", video.info)


def test_an_encoder_that_refuses_is_told_in_a_sentence(tmp_path):
    info = VideoInfo(path=None, width=40_000, height=40_000, time_base=TIME_BASE)
    with pytest.raises(SinkError, match=r"out\.mp4 cannot be written .*convert it"):
        Mp4Sink(tmp_path / "out.mp4", info)
    assert list(tmp_path.iterdir()) == []


# --- timelines ---


def test_csv_has_a_row_a_face_and_one_for_nobody(tmp_path):
    eyes = one_hot(Emotion.FEAR, 0.5)
    with CsvTimeline(tmp_path / "out.csv") as sink:
        sink.write(result(0, 0), picture(0))
        faces = (face(eyes=eyes, vote=eyes, share=0.75), face(Emotion.ANGER, track=2))
        sink.write(result(1, 513, faces), picture(1))
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(COLUMNS) == 3 + 5 + 24 + 2
    assert [row["frame"] for row in rows] == ["0", "1", "1"]
    assert set(list(rows[0].values())[3:]) == {""}
    assert (rows[1]["pts"], rows[1]["seconds"]) == ("513", "0.040078")
    box = [rows[1][side] for side in ("left", "top", "width", "height")]
    assert box == ["1.2", "2", "30", "40.1"]
    assert [rows[1][f"eyes_{name}"] for name in EMOTIONS] == ["0.1", "0.1", "0.5", "0.1", "0.1", "0.1"]
    assert {rows[1][f"lips_{name}"] for name in EMOTIONS} == {""}
    assert (rows[1]["emotion"], rows[1]["confidence"]) == ("happiness", "0.75")
    assert (rows[2]["track"], rows[2]["emotion"]) == ("2", "anger")


def test_json_lines_have_an_object_a_frame(tmp_path):
    lips = one_hot(Emotion.SADNESS, 0.5)
    with JsonLinesTimeline(tmp_path / "out.jsonl") as sink:
        sink.write(result(0, 0), picture(0))
        sink.write(result(1, 512, [face(lips=lips, vote=lips)]), picture(1))
    nobody, somebody = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert nobody == {"frame": 0, "pts": 0, "seconds": 0.0, "faces": []}
    (seen,) = somebody["faces"]
    assert seen["eyes"] is None
    assert seen["lips"] == dict(zip(EMOTIONS, [0.1, 0.5, 0.1, 0.1, 0.1, 0.1], strict=True))
    assert list(seen["smoothed"]) == list(EMOTIONS)
    assert seen["box"] == {"left": 1.2, "top": 2, "width": 30, "height": 40.1}
    assert (seen["track"], seen["emotion"], seen["confidence"]) == (1, "happiness", 1.0)


@pytest.mark.parametrize("make", [CsvTimeline, JsonLinesTimeline])
def test_an_aborted_timeline_holds_every_frame_until_then(make, tmp_path):
    sink = make(tmp_path / "out.txt")
    for index in range(50):
        sink.write(result(index, 512 * index, [face()]), picture(index))
    assert sink.abort() == tmp_path / "out.partial.txt"
    lines = (tmp_path / "out.partial.txt").read_text().splitlines()
    assert len(lines) == 50 + (make is CsvTimeline)
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.txt"]


@pytest.mark.parametrize("make", [CsvTimeline, JsonLinesTimeline])
def test_a_full_disk_leaves_whole_lines(make, tmp_path, monkeypatch):
    monkeypatch.setattr("realtime.timeline._FLUSH_SECONDS", 0)
    sink = make(tmp_path / "out.txt")
    with Limit(20_000), pytest.raises(SinkError, match="make room"):
        for index in range(1000):
            sink.write(result(index, 512 * index, [face()]), picture(index))
    kept = sink.abort()
    text = kept.read_text()
    assert text.endswith("\n")
    lines = text.splitlines()[make is CsvTimeline :]
    assert 20 < len(lines) < 300
    firsts = [line.split(",")[0].removeprefix('{"frame":') for line in lines]
    assert firsts == [str(number) for number in range(len(lines))]


def test_a_timeline_reaches_the_disk_while_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("realtime.timeline._FLUSH_SECONDS", 0)
    with JsonLinesTimeline(tmp_path / "out.jsonl") as sink:
        for index in range(3):
            sink.write(result(index, 512 * index), picture(index))
            assert len((tmp_path / "out.partial.jsonl").read_text().splitlines()) == index + 1


# --- the summary ---


def summary(*results):
    builder = SummaryBuilder()
    for item in results:
        builder.add(item)
    return builder.build()


def test_the_summary_weighs_by_time():
    happy, sad = [face(Emotion.HAPPINESS)], [face(Emotion.SADNESS)]
    # Half a second happy, then one frame sad that stays for a second and a half, then nobody.
    stamps = [0, 250, 500, 2000, 2100]
    faces = [happy, happy, sad, (), ()]
    items = [
        result(n, pts, seen, time_base=MILLISECONDS)
        for n, (pts, seen) in enumerate(zip(stamps, faces, strict=True))
    ]
    found = summary(*items)
    assert (found.frames, found.frames_with_faces, found.faces) == (5, 3, 1)
    assert found.seconds == pytest.approx(2.2)
    assert found.face_seconds == pytest.approx(2.0)
    assert found.shares["happiness"] == pytest.approx(0.25)
    assert found.shares["sadness"] == pytest.approx(0.75)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.emotion == "sadness"
    assert found.sentence().startswith("sadness (75%")


def test_the_videos_emotion_is_that_of_the_largest_mean():
    # Sadness wins more often, but barely; happiness wins clearly.
    sure, unsure = one_hot(Emotion.HAPPINESS), one_hot(Emotion.SADNESS, 0.3)
    faces = [FaceEmotion(1, Box(0, 0, 1, 1), None, None, None, vote) for vote in (unsure, unsure, sure)]
    found = summary(*(result(n, 512 * n, [seen]) for n, seen in enumerate(faces)))
    assert found.emotion == "happiness"
    assert found.shares["sadness"] > found.shares["happiness"]


def test_every_face_counts():
    pair = [face(Emotion.FEAR, track=1), face(Emotion.ANGER, track=2)]
    found = summary(result(0, 0, pair), result(1, 12_800, pair))
    assert found.faces == 2
    assert found.face_seconds == pytest.approx(4)
    assert found.shares["fear"] == found.shares["anger"] == 0.5


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_nobody_is_a_clear_statement(frames):
    found = summary(*(result(n, 512 * n) for n in range(frames)))
    assert found.emotion is None
    assert "no face was found" in found.sentence()
    assert set(found.shares.values()) == {0.0}
    assert json.loads(json.dumps(found.to_dict()))["frames"] == frames


def test_a_single_frame_has_an_emotion():
    assert summary(result(0, 0, [face(Emotion.SURPRISE)])).emotion == "surprise"


def test_clips_name_their_frames():
    assert [number(picture(n)) for n in range(256)] == list(range(256))
    assert clips.BITS == 8
