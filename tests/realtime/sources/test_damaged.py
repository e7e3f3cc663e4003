"""What comes of damaged and odd videos: all that can be decoded, in its place, and a sentence on the rest."""

import re
import struct
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from emotion.realtime.errors import IncompleteSourceError
from emotion.realtime.sources.file import VideoFile
from tests.helpers import damage
from tests.helpers.clips import clip, number, picture
from tests.helpers.damage import FRAMES, KINDS, RATE


class Read:
    """What a file gives: times in seconds, numbers (None where a picture is patched up), error, notes."""

    def __init__(self, path, **options):
        self.seconds, self.numbers, self.error = [], [], None
        with VideoFile(path, **options) as video:
            try:
                for frame in video:
                    self.seconds.append(frame.seconds)
                    self.numbers.append(self._number(frame.image))
            except IncompleteSourceError as error:
                self.error = error
            self.notes, self.info = list(video.info.notes), video.info

    @staticmethod
    def _number(image):
        try:
            return number(image)
        except AssertionError:
            return None

    def is_even(self, rate=RATE):
        """Whether all frames are a step apart, to a millisecond."""
        steps = [after - before for before, after in pairwise(self.seconds)]
        return max(abs(step - 1 / rate) for step in steps) < 0.0016


def frames_of(path):
    return 36 if path.suffix == ".gif" else FRAMES


def rate_of(path):
    return 10 if path.suffix == ".gif" else RATE


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    """A whole video in each container, made when it is asked for."""
    folder = tmp_path_factory.mktemp("whole")

    def get(suffix):
        path = folder / f"clip.{suffix}"
        return path if path.exists() else damage.whole(path, 36 if suffix == "gif" else FRAMES)

    return get


@pytest.mark.parametrize("suffix", KINDS)
def test_a_whole_file_gets_no_word(wholes, suffix):
    path = wholes(suffix)
    got = Read(path)
    assert len(got.numbers) == frames_of(path)
    assert got.numbers == list(range(frames_of(path))) or suffix == "gif"  # which has few colours
    assert got.is_even(rate_of(path)) or suffix == "avi"
    assert (got.error, got.notes) == (None, [])


@pytest.mark.parametrize("suffix", [name for name in KINDS if name not in ("mp4", "mov")])
def test_a_file_cut_short_says_where(wholes, suffix):
    got = Read(damage.cut(wholes(suffix), 0.47))
    rate = rate_of(wholes(suffix))
    assert 0.05 * frames_of(wholes(suffix)) < len(got.numbers) < 0.9 * frames_of(wholes(suffix))
    if suffix != "gif":
        assert got.numbers[:-2] == list(range(len(got.numbers) - 2))
    minutes, seconds = re.search(r"breaks off at (\d+):(\d\d\.\d)", str(got.error)).groups()
    assert minutes == "0"
    assert float(seconds) == pytest.approx(got.seconds[-1] + 1 / rate, abs=0.1)
    assert got.error.exit_code == 3
    assert got.error.reasons


@pytest.mark.parametrize("suffix", [name for name in KINDS if name not in ("mp4", "mov")])
def test_a_hole_is_reported_and_what_follows_stays_in_its_place(wholes, suffix):
    got = Read(damage.hole(wholes(suffix)))
    begin = got.seconds[0]
    # Of this libav finds nothing, or something, behind the hole: then it is a cut.
    what = "is damaged at|breaks off at" if suffix == "wmv" else "is damaged at"
    assert re.search(rf"({what}) \d+:\d\d\.\d", str(got.error))
    assert len(got.numbers) < frames_of(wholes(suffix))
    if suffix in ("h264", "gif", "wmv", "mpg"):  # no times, or next to nothing behind it
        return
    after = [
        (n, s) for n, s in zip(got.numbers, got.seconds, strict=True) if n is not None and s - begin > 2.2
    ]
    assert len(after) > 12
    # A picture that is decoded without those it is made of may show another's number.
    right = [abs(s - begin - n / RATE) < 0.06 for n, s in after]
    assert np.mean(right) > 0.7
    assert re.search(r"[\d.]+ s are missing", str(got.error))


def test_zeros_in_a_matroska_file_are_a_hole(wholes):
    got = Read(damage.hole(wholes("mkv"), zeros=True))
    assert re.search(r"damaged at 0:01\.\d, \d\.\d s are missing: \d+ of about 7\d frames", str(got.error))


def test_the_last_pictures_before_an_error_are_given(tmp_path):
    """Several threads decode, and libav forgets what they hold when one of them fails at the end."""
    path = damage.whole(tmp_path / "clip.mkv")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    at = data.index(bytes(packets[-1])[:60])
    data[at : at + packets[-1].size] = b"\xff" * packets[-1].size
    path.write_bytes(data)
    got = Read(path)
    assert len(got.numbers) >= FRAMES - 1
    assert got.numbers[: FRAMES - 3] == list(range(FRAMES - 3))
    assert got.error


def test_a_missing_fragment_leaves_a_gap(tmp_path):
    path = plain(tmp_path / "clip.mp4", 48, movflags="frag_keyframe+empty_moov+default_base_moof")
    got = Read(damage.without_fragment(path, 2))
    assert [round((second - got.seconds[0]) * RATE) for second in got.seconds] == got.numbers
    assert got.numbers == [*range(12), *range(24, 48)]
    assert "damaged at 0:00.5, 0.5 s are missing: 36 of about 48 frames" in str(got.error)


def fewer_sizes(box):
    box[12:16] = struct.pack(">I", 20)


def endless_steps(box):
    box[16:20] = struct.pack(">I", 2**31 - 1)


@pytest.mark.parametrize(("name", "change"), [(b"stsz", fewer_sizes), (b"stts", endless_steps)])
def test_tables_that_contradict_one_another_are_mended_where_one_tells(wholes, name, change):
    path = wholes("mp4")
    got = Read(damage.patched(path, name, change, which=_video_track(path)))
    assert got.numbers == list(range(FRAMES))
    assert got.seconds[-1] - got.seconds[0] == pytest.approx((FRAMES - 1) / RATE, abs=0.05)
    assert got.error is None
    assert got.notes == [f"patched-{path.name}: its index contradicts itself, and was mended."]


def test_a_gif_goes_on_behind_a_hole(wholes):
    got = Read(damage.hole(wholes("gif")))
    assert len(got.numbers) > 0.65 * 36
    assert got.numbers[-1] == Read(wholes("gif")).numbers[-1]
    assert "is damaged at 0:01" in str(got.error)


def test_a_gif_whose_damaged_lengths_lead_over_whole_pictures_gives_those(wholes):
    data = bytearray(wholes("gif").read_bytes())
    places = [found.start() for found in re.finditer(rb"\x21\xf9\x04....\x00\x2c", bytes(data), re.DOTALL)]
    data[places[10] + 30 : places[11]] = bytes([255]) * (places[11] - places[10] - 30)
    path = wholes("gif").with_stem("lengths")
    path.write_bytes(data)
    got = Read(path)
    assert len(got.numbers) >= 35
    assert "is damaged at 0:01" in str(got.error)


@pytest.mark.parametrize("suffix", ["wmv", "ts", "ogv", "h264"])
def test_noise_in_the_middle_is_told_by_the_structure(wholes, suffix):
    data = bytearray(wholes(suffix).read_bytes())
    first, last = int(len(data) * 0.4), int(len(data) * 0.6)
    data[first:last] = np.random.default_rng(1).bytes(last - first)
    path = wholes(suffix).with_stem("noise")
    path.write_bytes(data)
    assert re.search(r"damaged at 0:0[012]\.\d", str(Read(path).error))


def test_pictures_that_are_not_there_among_regular_ones_are_remarked(tmp_path):
    stamps = [n for n in range(48) if n not in (20, 30, 31)]
    path = tmp_path / "clip.mkv"
    clip(path, len(stamps), stamps=stamps, time_base=Fraction(1, 24), rate=24)
    assert Read(path).notes == ["clip.mkv: its frames are regular, but 3 are missing, from 0:00.8 on."]
    assert Read(path).error is None


def _video_track(path):
    """Whether the pictures' tables come first or second."""
    with av.open(str(path)) as container:
        return container.streams.video[0].index


def test_times_of_no_length_become_the_average(tmp_path):
    def zero(box):
        for at in range(12, 12 + 8 * struct.unpack_from(">I", box, 8)[0], 8):
            box[at + 4 : at + 8] = bytes(4)

    path = plain(tmp_path / "clip.mp4", 48)
    got = Read(damage.patched(path, b"stts", zero))
    assert got.numbers == list(range(48))
    assert got.is_even()
    assert "no valid time stamp" in got.notes[0]


def plain(path, frames, **options):
    """A video without sound and without pictures that are decoded before others shown earlier."""
    with av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream(
            "libx264", rate=RATE, width=64, height=48, pix_fmt="yuv420p", options={"sc_threshold": "0"}
        )
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = 0, 12
        for index in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["flv", "ogv", "ts"])
def test_files_joined_end_to_end_are_read_whole(tmp_path, suffix):
    first = damage.whole(tmp_path / f"clip.{suffix}", 48)
    got = Read(damage.joined(first, first))
    assert got.numbers == [*range(48), *range(48)]
    assert got.is_even()
    assert got.error is None
    assert "clock is reset at 0:02." in got.notes[0]


def test_a_second_mp4_behind_the_first_is_named(wholes):
    path = wholes("mp4")
    got = Read(damage.joined(path, path))
    assert len(got.numbers) == FRAMES
    assert f"another video behind this one (from byte {path.stat().st_size:,} on)" in str(got.error)


@pytest.mark.parametrize("overlap", [1.0, 0.5, 0.1])
def test_segments_that_overlap_follow_one_another(tmp_path, overlap):
    first = damage.whole(tmp_path / "a.ts", 48)
    second = damage.whole(tmp_path / "b.ts", 48, start=Fraction(48, RATE) - Fraction(overlap))
    got = Read(damage.joined(first, second))
    assert got.numbers == [*range(48), *range(48)]
    assert got.is_even()
    assert got.error is None


@pytest.mark.parametrize("hours", [7, 1])
def test_a_leap_of_hours_is_closed(tmp_path, hours):
    first = damage.whole(tmp_path / "a.ts", 24)
    second = damage.whole(tmp_path / "b.ts", 24, start=Fraction(hours * 3600))
    got = Read(damage.joined(first, second))
    assert got.is_even()
    assert got.seconds[-1] - got.seconds[0] == pytest.approx(47 / RATE, abs=0.01)
    assert "clock is reset" in got.notes[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda n, stamp: 60_000 - stamp,
        lambda n, stamp: 0,
        lambda n, stamp: stamp if n < 24 else 2_147_400_000 + stamp,
        lambda n, stamp: stamp + 2_000_000_000,
        lambda n, stamp: stamp + 2_147_000_000 if n == 30 else stamp,
        lambda n, stamp: stamp + 400 if n == 30 else stamp,
        lambda n, stamp: 1_000 if n == 30 else stamp,
    ],
    ids=[
        "falling",
        "zero",
        "leap of 24 days",
        "starts after 23 days",
        "one far ahead",
        "one ahead",
        "one back",
    ],
)
def test_stamps_that_cannot_be_become_an_even_timeline(tmp_path, change):
    path = plain(tmp_path / "clip.flv", 48)
    got = Read(damage.retimed_flv(path, 9, change))
    assert got.numbers == list(range(48))
    assert 0 <= got.seconds[0] < 1
    assert got.seconds[-1] - got.seconds[0] == pytest.approx(47 / RATE, abs=0.02)
    steps = [after - before for before, after in pairwise(got.seconds)]
    assert min(steps) > 0.3 / RATE
    assert max(steps) < 2.1 / RATE
    assert got.error is None


def test_a_gap_of_minutes_stays_a_gap(tmp_path):
    first = damage.whole(tmp_path / "a.ts", 24)
    second = damage.whole(tmp_path / "b.ts", 24, start=Fraction(120))
    got = Read(damage.joined(first, second))
    assert got.seconds[24] - got.seconds[23] == pytest.approx(119, abs=0.1)


def test_a_bare_stream_has_the_rate_of_its_parameter_sets_or_the_one_that_is_wanted(tmp_path):
    path = damage.bare(tmp_path / "clip.h264", 48, (64, 48))
    assert Read(path).seconds[-1] == pytest.approx(47 / RATE)
    assert Read(path, fps=12).seconds[-1] == pytest.approx(47 / 12)
    assert Read(path).notes == []


def test_the_longest_track_that_moves_is_the_video(tmp_path):
    got = Read(damage.two_tracks(tmp_path / "clip.mp4", 2, 48))
    assert got.numbers == list(range(48))
    assert "video track 0" in got.notes[0]
    got = Read(damage.two_tracks(tmp_path / "still.mkv", 1, 48))
    assert got.numbers == list(range(48))


def test_pictures_of_another_size_are_letterboxed(tmp_path):
    first = damage.bare(tmp_path / "a.h264", 24, (160, 96))
    second = damage.bare(tmp_path / "b.h264", 24, (96, 160))
    path = damage.joined(first, second)
    with VideoFile(path) as video:
        images = [frame.image for frame in video]
    assert {image.shape for image in images} == {(96, 160, 3)}
    # 58 columns in the middle hold the upright picture; beside it all is black.
    assert images[30][:, :48].max() == 0
    assert images[30][:, 112:].max() == 0
    assert number(images[30][:, 52:108]) == 6


def test_a_track_that_turns_up_on_the_way_costs_nothing(wholes):
    """One byte says of a packet of sound that it is MP3: a second track, for which PyAV raises IndexError."""
    path = wholes("flv")
    data = bytearray(path.read_bytes())
    position, seen = 13, 0
    while seen < 40:
        length = int.from_bytes(data[position + 1 : position + 4], "big")
        seen += data[position] == 8
        if seen < 40:
            position += 15 + length
    data[position + 11] = 0x2F
    other = path.with_stem("other")
    other.write_bytes(data)
    got = Read(other)
    assert got.numbers == list(range(FRAMES))
