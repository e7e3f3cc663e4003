"""Pictures over WebRTC: handed on as soon as they are whole."""

import inspect

import pytest

pytest.importorskip("aiortc", reason="needs the extra 'web'")

from aioice import ice
from aiortc import jitterbuffer, rtcrtpreceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from emotion.web.camera.low_latency import PromptBuffer, with_bitrates


def packet(number, picture, last=False, content=None):
    made = RtpPacket(sequence_number=number % 65536, timestamp=picture * 3000, marker=int(last))
    made._data = b"%d." % number if content is None else content
    return made


def stream(buffer, *packets):
    """What the buffer gives for each packet."""
    frames = [buffer.add(one)[1] for one in packets]
    return [frame and frame.data.decode() for frame in frames]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (rtcrtpreceiver, "self.__jitter_buffer = JitterBuffer("),
        (rtcrtpreceiver, "self.__jitter_buffer.add(packet)"),
        (rtcrtpreceiver, "packet._data = depayload("),
        (jitterbuffer, "def _remove_frame(self, sequence_number: int)"),
        (jitterbuffer, "self._packets[pos] = packet"),
        (jitterbuffer, "self._origin = packet.sequence_number"),
        (ice, "addresses = get_host_addresses("),
    ],
)
def test_the_inner_names_that_are_used_are_there(module, name):
    """Where one is missing, aiortc or aioice is of another version than those that were tried."""
    assert name in inspect.getsource(module)


def test_a_picture_is_there_with_its_last_packet():
    packets = [packet(1, 1), packet(2, 1, last=True), packet(3, 2, last=True), packet(4, 3)]
    assert stream(PromptBuffer(), *packets) == [None, "1.2.", "3.", None]
    # This is why there is a buffer of our own: with aiortc's it comes with the next picture.
    assert stream(JitterBuffer(512, is_video=True), *packets) == [None, None, "1.2.", "3."]


def test_numbers_begin_anew_after_the_largest():
    packets = [packet(65534, 1), packet(65535, 1, last=True), packet(65536, 2, last=True)]
    assert stream(PromptBuffer(), *packets) == [None, "65534.65535.", "65536."]


def test_packets_in_any_order_make_the_same_pictures():
    packets = [packet(1, 1), packet(3, 2, last=True), packet(2, 1, last=True), packet(4, 3, last=True)]
    assert stream(PromptBuffer(), *packets) == [None, None, "1.2.", "3."]


def test_a_lost_packet_that_is_sent_again_loses_no_picture():
    packets = [packet(1, 1, last=True), packet(3, 2), packet(4, 2, last=True), packet(2, 2), packet(2, 2)]
    assert stream(PromptBuffer(), *packets) == ["1.", None, None, "2.3.4.", None]


def test_a_picture_whose_last_packet_bears_no_mark_ends_where_the_next_begins():
    packets = [packet(1, 1), packet(2, 1), packet(3, 2, last=True), packet(4, 3, last=True)]
    assert stream(PromptBuffer(), *packets) == [None, None, "1.2.", "3."]


def test_padding_between_pictures_is_no_picture():
    packets = [
        packet(1, 1, last=True),
        packet(2, 1, content=b""),
        packet(3, 1, content=b""),
        packet(4, 2),
        packet(5, 2, last=True),
    ]
    assert stream(PromptBuffer(), *packets) == ["1.", None, None, None, "4.5."]


def test_pictures_that_stay_incomplete_make_room_and_ask_for_a_whole_one():
    buffer = PromptBuffer()
    asked = False
    for number in range(2, 600):  # the first packet of the second picture never comes
        asked |= buffer.add(packet(0, 0, last=True))[0] if number == 2 else False
        asked |= buffer.add(packet(number, number, last=True))[0]
    assert asked
    assert stream(buffer, packet(600, 600, last=True)) != [None]


ANSWER = "\r\n".join(
    (
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:103 H264/90000",
        "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1",
        "",
    )
)


def test_the_browser_is_asked_for_enough_bits_for_each_codec():
    lines = with_bitrates(ANSWER).split("\r\n")
    assert lines[2].startswith("a=fmtp:96 x-google-min-bitrate=")
    assert lines[5] == "a=fmtp:97 apt=96"
    assert lines[7].startswith("a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;x-google-min")
    assert [line for line in lines if "x-google" not in line] == [
        line for line in ANSWER.split("\r\n") if "fmtp:103" not in line
    ]
