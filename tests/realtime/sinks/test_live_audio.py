"""Sound of a live source in its recording: at its moment, however it comes."""

import dataclasses
from fractions import Fraction

import av
import numpy as np
import pytest

from emotion.realtime.live_sound import SAMPLE_RATE, LiveSound, Sound
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.live_audio import LiveAudioTrack
from emotion.realtime.sinks.mp4 import Mp4Sink
from emotion.realtime.sources.live import open_live
from emotion.realtime.sources.sound_feed import SoundFeed
from tests.helpers.beeps import beeping_clip, beeps, flashes
from tests.helpers.clips import picture
from tests.helpers.mp4_roundtrip import INFO, SIZE, frame

ORIGIN = 1000.0
PICTURE = picture(7, SIZE)


def tone(seconds, length=0.1):
    """A beep that begins at a time of the stream."""
    time = np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE
    return Sound(ORIGIN + seconds, np.tile(0.5 * np.cos(2 * np.pi * 1000 * time), (2, 1)).astype(np.float32))


def record(path, pieces, pictures=25):
    """A recording of a second; pieces are given to it before the picture of their number."""
    sound = LiveSound()
    sound.origin, sound.is_there = ORIGIN, True
    sink = Mp4Sink(path, dataclasses.replace(INFO, sound=sound))
    for number in range(pictures):
        for piece in pieces.get(number, ()):
            sound.put(piece)
        sink.write(*shown(number))
    sink.close()
    assert not sound.wanted
    return beeps(path)


def length(path):
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return float(sum(packet.duration for packet in packets) * packets[0].time_base)


def second(number):
    """When the picture of this number is shown."""
    return number / 25


def shown(number):
    """A result and its picture."""
    return frame(number, number * 512, PICTURE), PICTURE


def test_sound_is_at_its_moment_with_silence_before_and_between(tmp_path):
    first, other = second(5), second(18)
    found = record(tmp_path / "a.mp4", {5: [tone(first)], 18: [tone(other)]})
    assert found == pytest.approx([first, other], abs=0.03)


def test_pieces_that_tremble_are_one_row(tmp_path):
    begin = second(5)
    trembling = [tone(begin + 0.1 * step + 0.04 * (-1) ** step) for step in range(5)]
    assert len(record(tmp_path / "a.mp4", {5: trembling})) == 1


def test_what_comes_twice_is_left_out(tmp_path):
    begin = second(5)
    record(tmp_path / "a.mp4", {5: [tone(begin, 0.5), tone(begin, 0.5)]})
    assert length(tmp_path / "a.mp4") == pytest.approx(begin + 0.5, abs=0.05)


def test_what_was_before_the_first_picture_is_left_out(tmp_path):
    assert record(tmp_path / "a.mp4", {0: [tone(-0.5)], 5: [tone(0.2)]}) == pytest.approx([0.2], abs=0.03)


def test_a_recording_whose_sound_never_comes_is_not_held_up(tmp_path):
    """Silence follows the pictures, so that a kill takes no more than without sound."""
    sound = LiveSound()
    sound.is_there = True
    sink = Mp4Sink(tmp_path / "a.mp4", dataclasses.replace(INFO, sound=sound))
    for number in range(200):
        sink.write(*shown(number))
    grown = (tmp_path / "a.partial.mp4").stat().st_size
    sink.close()
    assert grown > 0.4 * (tmp_path / "a.mp4").stat().st_size
    assert length(tmp_path / "a.mp4") > 3


def test_an_interrupted_recording_keeps_its_sound(tmp_path):
    sound = LiveSound()
    sound.origin, sound.is_there = ORIGIN, True
    sink = Mp4Sink(tmp_path / "a.mp4", dataclasses.replace(INFO, sound=sound))
    sound.put(tone(0.2))
    for number in range(25):
        sink.write(*shown(number))
    assert beeps(sink.abort()) == pytest.approx([0.2], abs=0.03)


def test_nothing_is_kept_while_nobody_records_and_little_while_somebody_hangs():
    sound = LiveSound(kept=False)
    sound.put(tone(0))
    assert not sound.wanted
    tap = sound.tap()
    assert sound.wanted
    for second in range(30):
        sound.put(tone(second, 1.0))
    taken = tap.take()
    assert (len(taken), taken[-1].seconds) == (10, ORIGIN + 29)
    tap.close()
    sound.put(tone(30))
    assert (sound.wanted, tap.take()) == (False, [])


def test_each_of_several_recordings_gets_all_of_the_sound():
    sound = LiveSound()
    sound.put(tone(0))
    first, second = sound.tap(), sound.tap()
    sound.put(tone(1))
    moments = [[piece.seconds - ORIGIN for piece in tap.take()] for tap in (first, second)]
    assert moments == [[0, 1], [1]]


def test_a_recording_that_begins_later_has_its_sound_from_there(tmp_path):
    """By a key in the midst of a stream: pictures and sound begin at nought, in step."""
    sound = LiveSound(kept=False)
    sound.origin, sound.is_there = ORIGIN, True
    sink = Mp4Sink(tmp_path / "a.mp4", dataclasses.replace(INFO, sound=sound, begin_pts=25 * 512))
    sound.put(tone(second(25) + 0.4))
    for number in range(25, 50):
        sink.write(*shown(number))
    sink.close()
    assert beeps(tmp_path / "a.mp4") == pytest.approx([0.4], abs=0.03)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert next(container.decode(video=0)).pts == 0


def test_a_file_that_is_played_live_is_recorded_with_its_sound_in_step(tmp_path):
    clip = tmp_path / "clip.mp4"
    beeping_clip(clip, [0.4], seconds=0.8)
    with open_live(str(clip), sound=LiveSound()) as source:
        sink = Mp4Sink(tmp_path / "a.mp4", source.info)
        for one in source:
            sink.write(EmotionFrame(one, ()), one.image)
        sink.close()
    assert beeps(tmp_path / "a.mp4") == pytest.approx(flashes(tmp_path / "a.mp4"), abs=0.06)


def test_a_file_without_sound_has_none(tmp_path):
    from tests.helpers.clips import clip

    clip(tmp_path / "clip.mp4", 3)
    with open_live(str(tmp_path / "clip.mp4"), sound=LiveSound()) as source:
        assert source.info.sound is None


def test_damaged_sound_costs_sound_only(tmp_path):
    clip = tmp_path / "clip.mp4"
    beeping_clip(clip, [0.2], seconds=0.4)
    sound = LiveSound()
    tap = sound.tap()
    with av.open(str(clip)) as container:
        feed = SoundFeed(container, sound)
        for packet in container.demux(audio=0):
            damaged = av.Packet(b"\xff" * packet.size)
            damaged.pts, damaged.time_base, damaged.stream = packet.pts, packet.time_base, packet.stream
            feed.take(damaged, 0.0)
            feed.take(packet, 0.0)
    assert sound.is_there
    assert sum(piece.samples.shape[1] for piece in tap.take()) > 0.2 * SAMPLE_RATE


class Tap:
    """Gives what it is told, once."""

    def __init__(self):
        self.origin, self.pieces, self.closed = ORIGIN, [], False

    def tap(self):
        return self

    def take(self):
        taken, self.pieces = self.pieces, []
        return taken

    def close(self):
        self.closed = True


class Muxed:
    """Takes packets; its coder notes where each frame begins and how long it is."""

    def __init__(self):
        self.frames, self.asked = [], None

    def add_stream(self, codec, **options):
        self.asked = (codec, options)
        return self

    def encode(self, frame):
        if frame is not None:
            self.frames.append((frame.pts, frame.samples))
        return []

    def mux(self, packets):
        pass


def placed(*pieces, until=None, begin=0.0):
    """Where frames begin and how long they are, in samples, of pieces (begin in samples, length)."""
    tap, muxed = Tap(), Muxed()
    track = LiveAudioTrack(tap, muxed, begin)
    tap.pieces = [Sound(ORIGIN + at / SAMPLE_RATE, np.zeros((2, count), np.float32)) for at, count in pieces]
    track.mux_until(until)
    return muxed.frames


TENTH = SAMPLE_RATE // 10


@pytest.mark.parametrize(
    ("second", "frames"),
    [
        (960, [(0, 960), (960, 960)]),
        (960 + TENTH, [(0, 960), (960, 960)]),
        (961 + TENTH, [(0, 960), (960, TENTH + 1), (961 + TENTH, 960)]),
        (960 - TENTH, [(0, 960), (960, 960)]),
        (959 - TENTH, [(0, 960)]),  # all of it was there
    ],
)
def test_sound_up_to_a_tenth_of_a_second_off_is_one_row(second, frames):
    assert placed((0, 960), (second, 960)) == frames


def test_of_what_comes_twice_the_rest_is_taken():
    assert placed((0, 9600), (9600 - TENTH - 1, 9600)) == [(0, 9600), (9600, 9600 - TENTH - 1)]


@pytest.mark.parametrize(("until", "silent"), [(0.5, 0), (1, 0), (1.5, 0.5), (4, 3)])
def test_what_has_not_come_a_second_behind_its_picture_is_silence(until, silent):
    frames = placed(until=Fraction(until))
    assert sum(count for _, count in frames) == silent * SAMPLE_RATE
    assert all(count <= SAMPLE_RATE for _, count in frames)


def test_a_recording_begins_where_it_is_said_and_in_stereo_of_128_kilobits():
    assert placed((SAMPLE_RATE, 960), begin=1.0) == [(0, 960)]
    muxed = Muxed()
    LiveAudioTrack(tap := Tap(), muxed).close()
    assert muxed.asked == ("aac", {"rate": SAMPLE_RATE, "layout": "stereo", "bit_rate": 128_000})
    assert tap.closed
