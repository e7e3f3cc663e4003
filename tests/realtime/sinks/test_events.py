import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.events import EventSink
from emotion.realtime.sinks.fanout import Fanout
from tests.fakes.pipeline_parts import FakeSink
from tests.helpers.paths import ROOT
from tests.helpers.results import face, result


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader, open(writing, "wb", buffering=0) as writer:
        yield reader, writer


def feed(sink, labels, step=100):
    for number, label in enumerate(labels):
        one = result(number, *([face(label)] if label else []), pts=step * number)
        sink.write(one, one.frame.image)


def test_a_line_comes_as_soon_as_a_change_is_sure(pipe):
    reader, writer = pipe
    sink = EventSink(descriptor=writer.fileno())
    feed(sink, ["fear"] * 5 + ["anger"] * 4)
    first, second, *rest = reader.read(1000).decode().split("\n")
    assert rest == [""]
    assert json.loads(first) == {
        "event": "appeared",
        "track_id": 1,
        "seconds": 0.0,
        "emotion": "fear",
        "confidence": 0.9,
        "previous": None,
        "lasted": None,
    }
    assert json.loads(second)["event"] == "changed"
    assert (json.loads(second)["seconds"], json.loads(second)["lasted"]) == (0.5, 0.5)


@pytest.mark.parametrize("end", ["close", "abort"])
def test_everybody_leaves_at_the_end(pipe, end):
    reader, writer = pipe
    sink = EventSink(descriptor=writer.fileno())
    feed(sink, ["fear"] * 5)
    assert getattr(sink, end)() is None
    sink.close()
    sink.abort()
    last = json.loads(reader.read(1000).decode().splitlines()[-1])
    assert (last["event"], last["seconds"], last["previous"]) == ("left", 0.5, "fear")
    os.fstat(writer.fileno())  # stays open


def test_a_reader_who_has_left_ends_the_events_alone(pipe, caplog):
    reader, writer = pipe
    reader.close()
    file = FakeSink()
    with Fanout() as fanout:
        fanout.add("events", EventSink(descriptor=writer.fileno()), vital=False)
        fanout.add("file", file)
        feed(fanout, ["fear"] * 5)
    assert file.seen == list(range(5))
    assert not caplog.records


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_a_full_disk_is_reported_in_a_sentence():
    with open("/dev/full", "wb", buffering=0) as full:
        sink = EventSink(descriptor=full.fileno())
        with pytest.raises(SinkError, match="No space left"):
            feed(sink, ["fear"])
        assert sink.abort() is None


def test_standard_output_keeps_its_order():
    script = """
        from emotion.realtime.sinks.events import EventSink
        from tests.helpers.results import face, result
        print("before")
        with EventSink() as sink:
            one = result(0, face("fear"))
            sink.write(one, one.frame.image)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    before, *events = done.stdout.splitlines()
    assert before == "before"
    assert [json.loads(line)["event"] for line in events] == ["appeared", "left"]
