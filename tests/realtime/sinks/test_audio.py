from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import clip, loudness, sound, timestamps
from tests.helpers.mp4_roundtrip import MILLISECONDS, copy, numbers


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


def tone_clip(path, rate, codec, samples):
    """A second of pictures and of sound with these samples."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("mpeg4", rate=25, width=64, height=48)
        track = container.add_stream(codec, rate=rate, layout="mono")
        container.start_encoding()
        kind = "s16" if samples.dtype == np.int16 else "flt"
        frame = av.AudioFrame.from_ndarray(samples[None], format=kind, layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(track.encode(frame))
        for index in range(25):
            image = av.VideoFrame(64, 48, "yuv420p")
            image.pts = index
            container.mux(pictures.encode(image))
        container.mux(pictures.encode(None))


@pytest.mark.parametrize(("rate", "made"), [(8_000, 8_000), (44_100, 44_100), (12_345, 48_000)])
def test_sound_of_a_rate_that_aac_does_not_have_is_resampled(tmp_path, rate, made):
    path = tmp_path / "in.mov"
    tone_clip(
        path, rate, "pcm_s16le", (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    )
    copy(path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.audio[0].rate == made
        heard = np.concatenate([one.to_ndarray()[0] for one in container.decode(audio=0)])
    assert heard.size / made == pytest.approx(1, abs=0.1)
    crossings = np.count_nonzero(np.diff(np.sign(heard[made // 4 : made // 2])))
    assert crossings == pytest.approx(440 / 2, abs=4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_silence(tmp_path, value):
    path = tmp_path / "in.mov"
    tone_clip(path, 48_000, "pcm_f32le", np.full(48_000, value, np.float32))
    copy(path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        heard = np.concatenate([one.to_ndarray()[0] for one in container.decode(audio=0)])
    assert np.abs(heard).max() < 1e-3
