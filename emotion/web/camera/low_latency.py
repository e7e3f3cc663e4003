"""Reduces the delay of pictures over WebRTC, which aiortc and browsers would buffer.

aiortc emits a picture when the next one's first packet arrives, which adds the time between two
pictures (33 ms at 30 a second). The last packet of a picture is marked. And aiortc tells
the browser to send little more than before, so that the bit rate stays at that of a still scene.
"""

import re

import aioice.ice
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

_PACKETS = 512
# aiortc has no public way to choose the buffer.
_BUFFER = "_RTCRtpReceiver__jitter_buffer"
# Kilobits a second. Below the first, a face in 640x480 is not recognisable; above the second, it is no
# better.
_LEAST, _FIRST, _MOST = 600, 1000, 1500


_network_addresses = aioice.ice.get_host_addresses


def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """The addresses of this machine; without a network its loopback address.

    aioice leaves the loopback out, so there would be no connection at all.
    """
    return _network_addresses(use_ipv4, use_ipv6) or (["127.0.0.1"] if use_ipv4 else [])


aioice.ice.get_host_addresses = addresses


class PromptBuffer(JitterBuffer):
    """Assembles pictures, and emits each with its last packet."""

    def __init__(self) -> None:
        super().__init__(capacity=_PACKETS, is_video=True)

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        """The oldest picture if it is complete."""
        self._skip_padding()
        packets: list[RtpPacket] = []
        for count in range(self.capacity):
            packet = self._at(count)
            if packet is None:
                return None
            if packets and packet.timestamp != packets[0].timestamp:
                break  # a picture whose last packet has no mark
            packets.append(packet)
            if packet.marker:
                break
        self.remove(len(packets))
        data = b"".join(_content(packet) for packet in packets)
        return JitterFrame(data=data, timestamp=packets[0].timestamp)

    def _skip_padding(self) -> None:
        """Packets without content, which browsers send between pictures to probe the network."""
        while (packet := self._at(0)) is not None and not _content(packet):
            self.remove(1)

    def _at(self, count: int) -> RtpPacket | None:
        return self._packets[((self._origin or 0) + count) % self.capacity]


def _content(packet: RtpPacket) -> bytes:
    content: bytes = packet._data  # type: ignore[attr-defined]  # aiortc's receiver adds it
    return content


def hurry(receiver: RTCRtpReceiver) -> None:
    """Let a receiver emit pictures as soon as they are complete; call it before the first packet."""
    if hasattr(receiver, _BUFFER):
        setattr(receiver, _BUFFER, PromptBuffer())


def with_bitrates(sdp: str) -> str:
    """An answer that requests a sufficient bit rate from the first second on.

    Chromium uses these parameters of the answer; other browsers ignore them.
    """
    wish = f"x-google-min-bitrate={_LEAST};x-google-start-bitrate={_FIRST};x-google-max-bitrate={_MOST}"
    for kind in re.findall(r"^a=rtpmap:(\d+) (?:VP8|H264)/", sdp, re.MULTILINE):
        described = re.compile(rf"^a=fmtp:{kind} .*?(?=\r?$)", re.MULTILINE)
        if described.search(sdp):
            sdp = described.sub(lambda found: f"{found[0]};{wish}", sdp)
        else:
            sdp = re.sub(rf"^(a=rtpmap:{kind} .*?)(\r?\n)", rf"\1\2a=fmtp:{kind} {wish}\2", sdp, flags=re.M)
    return sdp
