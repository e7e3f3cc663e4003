"""Results by callback and in asyncio, and the example of a sink of one's own."""

import asyncio
import importlib.util
import socket
from pathlib import Path

import pytest

import emotion
from emotion.api import Result, Stream
from emotion.realtime.messages import EmotionFrame
from tests.helpers.results import face, video_frame

OSC = Path(__file__).parents[2] / "docs" / "examples" / "osc.py"


class Session:
    """Gives results without models."""

    def __init__(self, count, error=None):
        self.results = iter(range(count))
        self.error, self.closed = error, 0

    def __next__(self):
        index = next(self.results, None)
        if index is None:
            raise self.error or StopIteration
        return EmotionFrame(video_frame(index), (face("fear", 2, share=0.75),))

    def close(self):
        self.closed += 1


def test_a_callback_gets_every_result_in_order():
    got = []
    session = Session(20)
    stream = Stream(session, on_result=got.append)
    assert stream.wait(20)
    assert [result.index for result in got] == list(range(20))
    assert isinstance(got[0], Result)
    assert session.closed


@pytest.mark.parametrize("culprit", ["source", "callback"])
def test_what_ends_a_callbacks_stream_is_reported_once(culprit):
    error = ValueError("broken")

    def raise_error(result):
        raise error

    session = Session(3, error if culprit == "source" else None)
    stream = Stream(session, on_result=raise_error if culprit == "callback" else lambda result: None)
    with pytest.raises(ValueError, match="broken") as caught:
        stream.wait(20)
    assert caught.value is error
    assert stream.wait(20)


def test_without_a_callback_there_is_nothing_to_wait_for():
    assert Stream(Session(1)).wait()


def test_asyncio_iterates_without_keeping_others_waiting():
    async def run():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        got = [result.index async for result in Stream(Session(10))]
        ticking.cancel()
        return got, ticks

    got, ticks = asyncio.run(run())
    assert got == list(range(10))
    assert ticks > 10


def test_asyncio_gets_the_sources_error():
    async def run():
        async for _ in Stream(Session(1, OSError("lost"))):
            pass

    with pytest.raises(OSError, match="lost"):
        asyncio.run(run())


def test_the_example_of_a_sink_sends_osc():
    pytest.importorskip("pythonosc", reason="needs python-osc")
    from pythonosc.osc_message import OscMessage
    from pythonosc.udp_client import SimpleUDPClient

    spec = importlib.util.spec_from_file_location("osc_example", OSC)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10)
        with SimpleUDPClient("127.0.0.1", ear.getsockname()[1]) as client:
            assert Stream(Session(3), on_result=example.OscSender(client)).wait(20)
        heard = [OscMessage(ear.recv(4096)) for _ in range(4)]
    assert [one.address for one in heard] == ["/emotion/classes", *["/emotion/2"] * 3]
    label, *shares = heard[1].params
    assert label == "fear"
    assert dict(zip(heard[0].params, shares, strict=True))["fear"] == pytest.approx(0.75)


def test_the_public_call_takes_a_callback():
    import inspect

    assert "on_result" in inspect.signature(emotion.stream).parameters
