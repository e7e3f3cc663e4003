"""Results as a Lab Streaming Layer stream, read back by an inlet."""

import time
from dataclasses import replace
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

from emotion.models.classes import SIX
from emotion.models.errors import MissingDependencyError
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks import lsl
from emotion.realtime.sinks.lsl import LslSink, seated
from tests.helpers.results import face, video_frame

IMAGE = np.zeros((1, 1, 3), np.uint8)
WIDTH = 1 + len(SIX)
NOW = 70.0


def result(*faces, captured_at=None):
    frame = replace(video_frame(0), captured_at=time.monotonic() if captured_at is None else captured_at)
    return EmotionFrame(frame, faces)


class Outlet:
    """Notes samples; a stream that nobody announces."""

    def __init__(self, info):
        self.info, self.samples = info, []

    def push_sample(self, values, stamp):
        self.samples.append((values, stamp))


class Node:
    """The part of a stream's description that is used."""

    def __init__(self):
        self.children, self.values = [], {}

    def append_child(self, name):
        child = Node()
        self.children.append((name, child))
        return child

    def append_child_value(self, name, value):
        self.values[name] = value


@pytest.fixture
def outlet(monkeypatch):
    made = []

    def stream_info(name, kind, channels, rate, form, source):
        node = Node()
        return SimpleNamespace(name=name, kind=kind, channels=channels, rate=rate, desc=lambda: node)

    def stream_outlet(info):
        made.append(Outlet(info))
        return made[-1]

    # Clocks that stand still, a thousand seconds apart.
    fake = SimpleNamespace(
        StreamInfo=stream_info,
        StreamOutlet=stream_outlet,
        IRREGULAR_RATE=0.0,
        local_clock=lambda: NOW + 1000.0,
    )
    monkeypatch.setattr(lsl, "_library", lambda: fake)
    monkeypatch.setattr(lsl, "time", SimpleNamespace(monotonic=lambda: NOW))
    return made


def test_samples_carry_the_time_of_capture_by_the_layers_clock(outlet):
    sink = LslSink("camera 0", 2, SIX)
    captured = NOW - 0.25
    sink.write(result(face("fear", 5, share=0.75), captured_at=captured), IMAGE)
    ((values, stamp),) = outlet[0].samples
    assert stamp == pytest.approx(captured + 1000.0)
    assert values[0] == 5
    np.testing.assert_allclose(values[1:WIDTH], face("fear", share=0.75).probabilities)
    assert np.isnan(values[WIDTH:]).all()


def test_channels_are_described_by_name_and_unit(outlet):
    LslSink("camera 0", 2, SIX)
    info = outlet[0].info
    assert (info.name, info.kind, info.channels, info.rate) == ("emotion-live", "Expression", 2 * WIDTH, 0)
    (_, channels), *_ = info.desc().children
    reported = [channel.values for _, channel in channels.children]
    assert [one["label"] for one in reported[:WIDTH]] == ["person1_track_id", *(f"person1_{n}" for n in SIX)]
    assert [one["unit"] for one in reported[:2]] == ["number", "probability"]
    assert len(reported) == 2 * WIDTH


def test_a_face_of_which_nothing_is_known_has_a_number_and_no_shares(outlet):
    sink = LslSink("camera 0", 1, SIX)
    sink.write(result(replace(face("fear", 3, label="uncertain"), age=inf)), IMAGE)
    values, _ = outlet[0].samples[0]
    assert values[0] == 3
    assert np.isnan(values[1:]).all()


def test_people_keep_their_places():
    assert seated([None, None], [4]) == [4, None]
    assert seated([4, 7], [7]) == [None, 7]
    assert seated([None, 7], [7, 9]) == [9, 7]
    assert seated([1, 2], [1, 2, 3]) == [1, 2]


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pylsl", None)
    with pytest.raises(MissingDependencyError, match=r"\[lsl\]"):
        LslSink("camera 0", 1, SIX)


def test_an_inlet_reads_back_what_was_sent():
    pylsl = pytest.importorskip("pylsl", reason="needs the extra 'lsl'", exc_type=Exception)
    sink = LslSink("test of the sink", 1, SIX)
    found = pylsl.resolve_byprop("source_id", "emotion:test of the sink", timeout=10.0)
    if not found:
        sink.close()
        pytest.skip("streams cannot be found on this machine's network")
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=10.0)
    captured = [time.monotonic() + 0.04 * index for index in range(20)]
    for at in captured:
        sink.write(result(face("anger", 2, share=0.6), captured_at=at), IMAGE)
    got = [inlet.pull_sample(timeout=10.0) for _ in captured]
    assert all(sample is not None for sample, _ in got)
    np.testing.assert_allclose(got[0][0][1:], face("anger", share=0.6).probabilities, atol=1e-6)
    # Both clocks are read for each sample; on a busy machine some time may pass in between, of a few.
    assert np.median(np.diff([stamp for _, stamp in got])) == pytest.approx(0.04, abs=0.005)
    labels = inlet.info(timeout=10.0).get_channel_labels()
    assert labels[:2] == ["person1_track_id", "person1_happiness"]
    sink.close()
