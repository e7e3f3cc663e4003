"""Live streams over loopback, from a second process, in real time, with all that happens to them."""

import contextlib
import functools
import http.server
import logging
import os
import re
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from emotion.realtime.errors import SourceError
from emotion.realtime.live_sound import LiveSound
from emotion.realtime.sources.live import is_network, open_live, shown_url
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.sources.reader import Pace
from tests.fakes.network_stream import Sender, free_udp_port
from tests.helpers.clips import clip, number, picture, tone_only

KINDS = ("udp", "http", "rtsp")
QUICK = LiveOptions(open_seconds=20, stall_seconds=1, first_delay=0.1, longest_delay=0.4, attempts=400)
# Where no loss is wanted: a busy machine may let the sender, or whoever reads, wait for seconds.
PATIENT = replace(QUICK, stall_seconds=20)

stoppable = pytest.mark.skipif(os.name == "nt", reason="no way to stop a process for a while")


@pytest.fixture(scope="module")
def running():
    """Gives a sender of a kind that tests leave as they found it, for all of them."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda kind: stack.enter_context(Sender(kind)))


def numbers_of(frames):
    """The pictures' numbers; None where damage made one unreadable."""

    def look(frame):
        try:
            return number(frame.image)
        except AssertionError:
            return None

    return [look(frame) for frame in frames]


def take(frames, count):
    return [next(frames) for _ in range(count)]


def take_until(frames, wanted, limit=400):
    """Frames up to and with the first of a kind."""
    taken = []
    for _ in range(limit):
        taken.append(next(frames))
        if wanted(taken[-1]):
            return taken
    raise AssertionError(f"none of {limit} frames was as wanted")


def take_undisturbed(frames, count, limit=5000):
    """Frames up to and with so many that came one after the other, at their pace.

    A busy machine holds up the sender, or whoever reads; then pictures come late, and some too late.
    """
    taken = []
    for _ in range(limit):
        taken.append(next(frames))
        last = taken[-count:]
        lasted = last[-1].captured_at - last[0].captured_at
        # Numbers begin anew after 255.
        in_order = set((np.diff([number(frame.image) for frame in last]) % 256).tolist()) == {1}
        if len(last) == count and in_order and abs(lasted - (count - 1) / 25) < 0.3:
            return taken
    raise AssertionError(f"never {count} frames in order and at their pace")


def check_clock(frames):
    assert (np.diff([frame.pts for frame in frames]) > 0).all()
    assert (np.diff([frame.captured_at for frame in frames]) >= 0).all()
    assert [frame.index for frame in frames] == list(range(len(frames)))


def faults(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("kind", [*KINDS, "rtsp+udp"])
def test_a_stream_arrives_in_order_at_its_pace(running, kind, caplog):
    sound = LiveSound()
    with open_live(running(kind).url, PATIENT, sound) as source:
        pictures = iter(source)
        # What was gathered while the stream was opened may be dropped; from there on nothing is.
        frames = take(pictures, 40)
        frames += take_undisturbed(pictures, 21)
        assert (source.info.width, source.info.height) == (160, 120)
        assert source.info.average_rate == 25
        assert source.state.connected
    check_sound(source, sound, frames, has_sound=kind == "udp")
    assert None not in numbers_of(frames)
    check_clock(frames)
    assert faults(caplog) == []


def check_sound(source, sound, frames, has_sound):
    """Where the stream has sound, it comes at the same moments as its pictures."""
    pieces = sound.tap().take()
    assert (source.info.sound is sound, bool(pieces)) == (has_sound, has_sound)
    if has_sound:
        moments = [piece.seconds - sound.origin for piece in pieces]
        assert moments[0] == pytest.approx(0, abs=1)
        assert moments[-1] == pytest.approx(frames[-1].seconds, abs=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_is_cut_off_comes_back(kind, caplog):
    sender = Sender(kind)
    with sender, open_live(sender.url, QUICK) as source:
        frames = iter(source)
        taken = take(frames, 10)
        sender.cut()
        lost = threading.Event()
        # The iteration waits meanwhile: the loss is seen from another thread, as a window sees it.
        watcher = threading.Thread(target=_bring_back, args=(source, kind, sender.port, lost))
        watcher.start()
        taken += take_until(frames, lambda _: lost.is_set() and source.state.connected)
        taken += take(frames, 10)
        watcher.join()
        watcher.sender.cut()
    check_clock(taken)
    assert numbers_of(taken)[-1] is not None
    line, *_ = faults(caplog)  # on a busy machine the sender that follows may stall once more
    assert line.startswith(shown_url(sender.url))
    assert "trying to reach it again" in line


def _bring_back(source, kind, port, lost):
    while source.state.connected:
        threading.Event().wait(0.02)
    state = source.state
    assert state.attempt >= 1
    assert state.reason
    threading.current_thread().sender = Sender(kind, port)
    lost.set()


@stoppable
@pytest.mark.parametrize("kind", ["udp", "http"])
def test_a_stalled_stream_is_noticed_and_comes_back(kind, caplog):
    sender = Sender(kind)
    with sender, open_live(sender.url, QUICK) as source:
        frames = iter(source)
        taken = take(frames, 10)
        sender.stall()
        lost = threading.Event()
        # Until the loss is seen, however long that takes: data that still lay in buffers come first.
        watcher = threading.Thread(target=_go_on_once_lost, args=(source, sender, lost))
        watcher.start()
        taken += take_until(frames, lambda _: lost.is_set() and source.state.connected)
        taken += take(frames, 10)
        watcher.join()
    check_clock(taken)
    # A machine that is busy may let the sender wait once more.
    losses = faults(caplog)
    assert losses
    assert all("no data for 1 s" in line for line in losses)


def _go_on_once_lost(source, sender, lost):
    while source.state.connected:
        threading.Event().wait(0.02)
    lost.set()
    sender.go_on()


def test_sound_without_pictures_is_a_loss_and_leaves_nothing_behind(caplog):
    options = replace(QUICK, attempts=1)
    before = set(threading.enumerate())
    with Sender("udp") as sender, open_live(sender.url, options) as source:
        frames = iter(source)
        take(frames, 5)
        sender.tell("blind")
        with pytest.raises(SourceError, match="is lost: "):
            take(frames, 1000)
        # While the sound still arrives.
        for thread in set(threading.enumerate()) - before:
            thread.join(30)
        assert set(threading.enumerate()) <= before
    *stalled, line = faults(caplog)
    assert "no picture for 1 s, though data arrive" in line
    # A machine that is busy may let the sender wait before that.
    assert all("no data for 1 s" in one for one in stalled)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_on_the_way_is_survived(running, kind):
    sender = running(kind)
    with open_live(sender.url, QUICK) as source:
        frames = iter(source)
        taken = take(frames, 10)
        sender.tell("corrupt 15")
        taken += take(frames, 30)
        taken += take_until(frames, lambda frame: numbers_of([frame]) != [None])
        tail = take(frames, 30)
    check_clock(taken + tail)
    # H.264 has a whole picture every ten: by the end all are readable again.
    assert None not in numbers_of(tail[-10:])


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_that_change_their_size_are_fitted(kind):
    with Sender(kind) as sender, open_live(sender.url, QUICK) as source:
        frames = iter(source)
        taken = take(frames, 10)
        sender.tell("size 240x240")
        taken += take_until(frames, lambda frame: frame.image[:, :15].max() < 40)
        taken += take(frames, 10)
    assert {frame.image.shape for frame in taken} == {(120, 160, 3)}
    check_clock(taken)
    # 240 x 240 in 160 x 120 is 120 x 120 between black bars.
    last = taken[-1].image
    assert last[:, :18].max() < 40
    assert last[:, -18:].max() < 40
    assert number(last[:, 20:-20]) is not None


@pytest.mark.parametrize("kind", ["http", "rtsp"])
def test_an_end_is_a_loss_until_the_limit(kind, caplog):
    options = replace(QUICK, attempts=2)
    with Sender(kind) as sender, open_live(sender.url, options) as source:
        frames = iter(source)
        taken = take(frames, 10)
        sender.tell("end")
        with pytest.raises(SourceError) as ended:
            for frame in frames:
                taken.append(frame)
    check_clock(taken)
    assert re.search(
        r"is lost: .+ and could not be reached again in 2 attempts, .+; check ", str(ended.value)
    )
    assert not source.state.connected
    assert len(faults(caplog)) == 1


def test_abort_ends_a_wait_at_once():
    sender = Sender("http")
    with sender, open_live(sender.url, QUICK) as source:
        frames = iter(source)
        take(frames, 5)
        sender.cut()
        threading.Timer(0.5, source.abort).start()
        for _ in frames:
            pass
        source.close()


def test_smaller_and_mirrored(running):
    options = replace(QUICK, size=(100, 60), mirror=True, fps=10)
    with open_live(running("http").url, options) as source:
        frames = take(iter(source), 20)
    assert (source.info.width, source.info.height) == (80, 60)
    assert source.info.average_rate == 10
    assert {frame.image.shape for frame in frames} == {(60, 80, 3)}
    assert all(number(frame.image[:, ::-1]) < 256 for frame in frames)
    assert frames[-1].captured_at - frames[0].captured_at > 1.5


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/secret?token=geheim", "nothing answers there"),
        ("rtsp://user:geheim@127.0.0.1:9/secret", "nothing answers there"),
        ("nonsense://geheim@127.0.0.1/", "this kind of address is not known here"),
        ("rtsp://geheim@[::1", "invalid"),
    ],
)
def test_what_cannot_be_opened_is_refused_in_a_sentence_without_secrets(url, reason):
    with pytest.raises(SourceError) as caught:
        open_live(url, QUICK)
    assert reason in str(caught.value)
    assert "check the address" in str(caught.value)
    for error in (caught.value, caught.value.__cause__):
        assert "geheim" not in str(error)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera/1", "rtsp://camera/1"),
        ("rtsp://user:geheim@camera:554/1", "rtsp://camera:554/1"),
        ("http://camera/mjpeg?token=geheim&x=1", "http://camera/mjpeg"),
        ("rtsp://user:ge?heim@camera/1", "rtsp://..."),
        ("rtsp://user:ge/heim@camera/1", "rtsp://camera/1"),
        ("rtsp://user:geheim@geheim@camera/1", "rtsp://camera/1"),
        ("udp://@:9000", "udp://:9000"),
    ],
)
def test_addresses_are_shown_without_secrets(url, shown):
    assert shown_url(url) == shown


def test_a_silent_port_is_refused_after_a_while():
    with pytest.raises(SourceError, match=r"no (picture for|answer within) 0\.5 s; check"):
        open_live(f"udp://127.0.0.1:{free_udp_port()}", LiveOptions(open_seconds=0.5))


def test_addresses_are_distinguished_from_files():
    assert is_network("rtsp://camera/1")
    assert is_network("HTTP://camera/")
    assert not is_network("file:///tmp/clip.mp4")
    assert not is_network("C:\\clip.mp4")
    assert not is_network("12:30.mp4")


@pytest.fixture
def shelf(tmp_path):
    """A folder served over HTTP, and its address."""
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_recording_waits_for_its_consumer(shelf, caplog):
    folder, address = shelf
    clip(folder / "clip.mp4", 40)
    with open_live(f"{address}/clip.mp4", replace(QUICK, stall_seconds=1.2)) as source:
        frames = iter(source)
        taken = [next(frames)]
        threading.Event().wait(1.5)
        taken += frames
    assert [number(frame.image) for frame in taken] == list(range(40))
    assert faults(caplog) == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, also from a place in the middle; breaks off after `cuts` bytes, once each."""

    cuts: ClassVar[list[int]] = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not self.cuts or not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()
        start = int(re.match(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + self.cuts.pop(0)])


def test_a_recording_that_breaks_off_goes_on_where_it_was(shelf, monkeypatch, caplog):
    folder, address = shelf
    clip(folder / "clip.mkv", 100, size=(320, 240), codec="mjpeg", pix_fmt="yuvj420p")
    size = (folder / "clip.mkv").stat().st_size
    cuts = [size * 2 // 3, size // 6, size, size]
    monkeypatch.setattr(Quiet, "cuts", cuts)
    with open_live(f"{address}/clip.mkv", PATIENT) as source:
        frames = list(source)
    assert len(cuts) < 3
    assert [number(frame.image) for frame in frames] == list(range(100))
    assert faults(caplog) == []


@pytest.mark.parametrize("name", ["clip.mp4", "clip.m3u8"])
def test_a_recording_over_http_is_played_at_its_pace_and_ends(shelf, name, caplog, monkeypatch):
    monkeypatch.setattr(Pace, "SLACK", 60.0)  # a busy machine is no pause
    folder, address = shelf
    clip(folder / name, 40)
    frames = []
    with open_live(f"{address}/{name}", PATIENT) as source:
        for frame in source:
            assert frame.captured_at <= time.monotonic(), "no picture comes before its time"
            frames.append(frame)
    assert [number(frame.image) for frame in frames] == list(range(40))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(39 / 25, abs=0.1)
    check_clock(frames)
    assert faults(caplog) == []


def test_a_playlist_of_the_network_cannot_read_files(shelf, tmp_path):
    folder, address = shelf
    secret = tmp_path / "secret.ts"
    clip(secret, 20, time_base=Fraction(1, 90_000))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    (folder / "evil.m3u8").write_text(playlist)
    with pytest.raises(SourceError, match="cannot be opened"):
        open_live(f"{address}/evil.m3u8", QUICK)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.mp4", "404"),
        ("text.txt", "is text"),
        ("picture.png", "single picture"),
        ("song.m4a", "no video"),
    ],
)
def test_what_is_no_video_over_http_is_refused(shelf, name, reason):
    folder, address = shelf
    (folder / "text.txt").write_text("no video\n" * 100)
    cv2.imwrite(str(folder / "picture.png"), picture(1))
    tone_only(folder / "song.m4a")
    with pytest.raises(SourceError, match=reason):
        open_live(f"{address}/{name}", QUICK)
