import dataclasses
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import av
import numpy as np
import pytest

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks import audio
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.file import VideoFile
from tests.helpers.clips import clip, loudness, sound, timestamps
from tests.helpers.mp4_roundtrip import INFO, MILLISECONDS, copy, numbers


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
    assert any("a track of its sound cannot be read here" in note for note in video.info.notes)
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


def source(**about):
    """As much of a stream of sound as a track asks for."""
    about = {
        "time_base": Fraction(1, 48_000),
        "rate": 48_000,
        "channels": 2,
        "metadata": {},
        "duration": None,
        "codec_context": SimpleNamespace(frame_size=960),
    } | about
    return SimpleNamespace(**about)


@pytest.fixture
def recoded():
    """Makes tracks that are coded anew, into a file in memory."""
    with av.open(BytesIO(), "w", format="mp4") as output:
        yield lambda info=INFO, **about: audio._Recoded(source(**about), output, info)


@pytest.mark.parametrize(
    "rate",
    [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000],
)
def test_a_rate_that_aac_has_is_kept(recoded, rate):
    assert recoded(rate=rate)._stream.rate == rate


@pytest.mark.parametrize("rate", [7350, 12_345, 192_000])
def test_any_other_becomes_48_kilohertz(recoded, rate):
    assert recoded(rate=rate)._stream.rate == 48_000


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "stereo")])
def test_coded_anew_sound_has_two_channels_at_most_of_96_kilobits_each(recoded, channels, layout):
    made = recoded(channels=channels)._stream
    assert (made.layout.name, made.bit_rate) == (layout, 96_000 * min(channels, 2))


@pytest.mark.parametrize(("said", "kept"), [({"language": "fra"}, {"language": "fra"}), ({"title": "a"}, {})])
def test_a_track_keeps_its_language(recoded, said, kept):
    assert recoded(metadata=said)._stream.metadata == kept


def packet(pts, duration=960, **about):
    about = {"pts": pts, "dts": pts, "duration": duration, "pos": None, "size": 1} | about
    return SimpleNamespace(**about)


@pytest.mark.parametrize(
    ("duration", "frame_size", "counted"),
    [
        (960, 960, 960),
        (1, 960, 1),
        (0, 960, 960),
        (-5, 960, 960),
        (None, 960, 960),
        (479_999, 960, 479_999),
        (480_000, 960, 960),  # ten seconds
        (0, 0, 1024),
    ],
)
def test_a_packet_that_lasts_no_time_or_ten_seconds_lasts_as_long_as_usual(
    recoded, duration, frame_size, counted
):
    track = recoded(codec_context=SimpleNamespace(frame_size=frame_size))
    one = packet(0, duration)
    assert list(track.place(one)) == []  # until others have come
    assert one.duration == counted
    (placed,) = track.place_rest()
    assert placed.packet is one


def test_what_a_packet_usually_lasts_is_reported_in_the_files_own_units(recoded):
    track = recoded(time_base=Fraction(1, 1000), rate=8000, codec_context=SimpleNamespace(frame_size=160))
    one = packet(0, 0)
    list(track.place(one))
    assert one.duration == 20
    coarse = recoded(time_base=Fraction(1, 10))
    list(coarse.place(one := packet(0, 0)))
    assert one.duration == 1


def test_packets_move_by_the_origin_of_the_pictures(recoded):
    info = dataclasses.replace(INFO, first_pts=-12_800)  # a second before zero
    track = recoded(info)
    packets = [packet(960 * n - 48_000) for n in range(4)]
    placed = [sounding for one in packets for sounding in track.place(one)]
    assert [one.seconds for one in placed] == [Fraction(n, 50) for n in range(4)]
    assert [(one.pts, one.dts, one.time_base) for one in packets] == [
        (960 * n, 960 * n, Fraction(1, 48_000)) for n in range(4)
    ]


@pytest.mark.parametrize(("dts", "begins"), [(960, 960), (None, 5000)])
def test_a_packet_is_placed_by_when_it_is_decoded_as_far_as_that_is_reported(recoded, dts, begins):
    track = recoded()
    list(track.place(packet(5000, dts=dts)))
    (placed,) = track.place_rest()
    assert placed.packet.pts == begins


def frame(pts, samples=960, rate=48_000):
    one = av.AudioFrame.from_ndarray(np.zeros((2, samples), np.float32), format="fltp", layout="stereo")
    one.sample_rate, one.pts, one.time_base = rate, pts, Fraction(1, rate)
    return one


@pytest.mark.parametrize(
    ("begin", "written"),
    [
        (960, 1920),
        (960 + 4800, 1920),  # a tenth of a second: still one row
        (960 + 4801, 960 + 4801 + 960),  # with silence before it
        (960 - 4800, 1920),
        (960 - 4801, 960),  # it was there before
        (960 + 120_000, 960 + 120_000 + 960),
        (None, 1920),
    ],
)
def test_sound_that_is_coded_anew_is_one_row_of_samples_up_to_a_tenth_of_a_second(recoded, begin, written):
    track = recoded()
    track._coded(frame(0))
    assert track._written == 960
    track._coded(frame(begin))
    assert track._written == written


def test_sound_that_is_coded_anew_begins_where_its_first_frame_does(recoded):
    track = recoded()
    track._coded(frame(24_000))
    assert track._written == 24_960
    assert recoded()._coded(frame(0, 0)) == []


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_frame_of_another_rate_is_resampled_from_there_on(recoded, rate):
    track = recoded()
    for number in range(10):
        track._coded(frame(number * rate // 50, rate // 50, rate))
    track._coded(frame(48_000 // 5))
    track.flush()
    assert track._written == pytest.approx(48_000 // 50 * 11, abs=40)


class Broken:
    """A stream whose decoder refuses everything."""

    def decode(self, packet):
        raise av.InvalidDataError(1, "no")


def test_packets_that_cannot_be_decoded_are_left_out_and_counted(recoded):
    track = recoded()
    track._source = Broken()
    assert [track.take(packet(0)), track.take(packet(960))] == [[], []]
    assert track.unread == 2


@pytest.mark.parametrize(
    ("about", "playable"),
    [
        ({}, True),
        ({"duration": 0}, False),
        ({"duration": 1}, True),
        ({"rate": 0}, False),
        ({"channels": 0}, False),
        ({"codec_context": None}, False),
    ],
)
def test_a_track_that_is_empty_or_says_nothing_of_itself_is_not_begun(about, playable):
    assert audio._is_playable(source(**about)) is playable


class Probed:
    """A file of which a packet can be decoded only from some number on, of each of its tracks."""

    def __init__(self, *good):
        self.good, self.looked = good, 0
        self.streams = SimpleNamespace(audio=[source(index=index) for index in range(len(good))])

    def demux(self, streams):
        for number in range(1000):
            self.looked = number + 1
            for index, first in enumerate(self.good):
                yield SimpleNamespace(
                    size=first is not None,
                    stream_index=index,
                    decode=lambda ok=first, n=number: ok is not None and n >= ok,
                )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize(
    ("good", "readable"),
    [((0,), {0}), ((63,), {0}), ((64,), set()), ((None,), {0}), ((0, 31), {0, 1}), ((0, 32), {0})],
)
def test_a_track_is_readable_where_one_of_the_first_64_packets_is_or_there_is_none(
    monkeypatch, good, readable
):
    monkeypatch.setattr(audio, "_open", lambda path: Probed(*good))
    assert audio._readable(None) == readable


def test_no_more_is_looked_at_than_is_needed(monkeypatch):
    probed = Probed(2, 5)
    monkeypatch.setattr(audio, "_open", lambda path: probed)
    assert audio._readable(None) == {0, 1}
    assert probed.looked <= 7


def reported(lost=0, *tracks):
    """What is said of tracks, each as ended, guessed, closed, dropped, unread."""
    made = {}
    for number, (ended, guessed, closed, dropped, unread) in enumerate(tracks):
        clock = SimpleNamespace(guessed=guessed, closed=closed, dropped=dropped)
        made[number] = SimpleNamespace(ended=ended, unread=unread, clock=clock)
    return list(audio.AudioTrack._sentences(SimpleNamespace(_lost=lost, _tracks=made)))


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        (reported(0, (False, 0, 0, 0, 0)), []),
        (reported(1), ["a track of its sound cannot be read here, and is left out"]),
        (reported(2), ["2 tracks of its sound cannot be read here, and is left out"]),
        (
            reported(0, (False, 0, 0, 0, 0), (True, 0, 0, 0, 0)),
            ["its sound cannot be written to an mp4 from some place on, and is left out there"],
        ),
        (
            reported(0, (False, 1, 0, 0, 0)),
            ["a packet of its sound has no valid time stamp: it is estimated"],
        ),
        (
            reported(0, *[(False, 1, 0, 0, 0)] * 2),
            ["2 packets of its sound have no valid time stamp: it is estimated"],
        ),
        (
            reported(0, (False, 0, 1, 0, 0)),
            ["the clock of its sound is reset in a place where the pictures' is not: closed"],
        ),
        (
            reported(0, *[(False, 0, 2, 0, 0)] * 2),
            ["the clock of its sound is reset in 4 places where the pictures' is not: closed"],
        ),
        (
            reported(0, (False, 0, 0, 1, 0)),
            ["a packet of its sound is left out, as damaged or at a time that others have"],
        ),
        (
            reported(0, (False, 0, 0, 1, 2)),
            ["3 packets of its sound are left out, as damaged or at a time that others have"],
        ),
    ],
)
def test_what_was_mended_is_said(said, sentences):
    assert said == sentences


def test_of_more_tracks_than_are_wanted_the_first_are_taken(tmp_path):
    path = tmp_path / "in.mkv"
    clip(path, 25, audio="aac", time_base=MILLISECONDS)
    two = tmp_path / "two.mkv"
    with av.open(str(path)) as read, av.open(str(two), "w") as written:
        tracks = [written.add_stream_from_template(read.streams.audio[0]) for _ in range(2)]
        for one in [one for one in read.demux(audio=0) if one.size]:
            for track in tracks:
                again = av.Packet(bytes(one))
                again.pts = again.dts = one.pts
                again.time_base, again.stream = one.time_base, track
                written.mux(again)
    for most, taken in ((1, 1), (2, 2), (3, 2)):
        with av.open(BytesIO(), "w", format="mp4") as output:
            track = audio.AudioTrack(dataclasses.replace(INFO, path=two), output, most)
            assert len(output.streams.audio) == taken
            track.close()
