"""A camera of the network, as a program of its own: sends the pictures of `tests.helpers.clips` in real time.

::

    python -m tests.fakes.stream_sender udp  9000    MPEG-TS (H.264, and silence as MP2) to udp://127.0.0.1:9000
    python -m tests.fakes.stream_sender http 9000    Motion JPEG at http://127.0.0.1:9000/
    python -m tests.fakes.stream_sender rtsp 9000    H.264 at rtsp://127.0.0.1:9000/, RTP in the connection
    python -m tests.fakes.stream_sender rtsp+udp 9000    the same, but RTP as datagrams only

Port 0: any free one (not for udp). It writes ``ready PORT``. It reads commands, one a line:
``corrupt N`` damages the next N pictures' data, ``size WxH`` changes the picture, ``blind`` leaves only
the sound, ``end`` ends the stream properly.
"""

import queue
import random
import socket
import socketserver
import struct
import sys
import threading
import time
from fractions import Fraction

import av
import numpy as np

from tests.helpers.clips import picture

RATE, SOUND = 25, 48_000
CODING = {
    "udp": ("mpegts", "libx264"),
    "http": ("mpjpeg", "mjpeg"),
    "rtsp": ("rtp", "libx264"),
    "rtsp+udp": ("rtp", "libx264"),
}
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:0\r\n"
)


class Wire:
    """The file that a muxer writes to; keeps what was written as it came, a datagram a call."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.chunks.append(bytes(data))
        return len(data)

    def take(self) -> list[bytes]:
        chunks, self.chunks = self.chunks, []
        return chunks


class Audience:
    """Who is connected; each has a queue of his own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: list[queue.SimpleQueue[list[bytes] | None]] = []

    def join(self) -> "queue.SimpleQueue[list[bytes] | None]":
        mine: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        with self._lock:
            self._queues.append(mine)
        return mine

    def give(self, chunks: list[bytes] | None) -> None:
        with self._lock:
            for one in self._queues:
                one.put(chunks)


class Encoder:
    """Pictures in, the bytes of a stream out."""

    def __init__(self, form: str, codec: str) -> None:
        self._codec = codec
        self._wire = Wire()
        # RTP has to know how much fits into one datagram.
        # And sound must not wait long for pictures.
        options = {"flush_packets": "1", "max_interleave_delta": "100000"} | (
            {"packetsize": "1200"} if form == "rtp" else {}
        )
        self._container = av.open(self._wire, "w", format=form, container_options=options)
        self._stream = self._container.add_stream(codec, rate=RATE, width=160, height=120)
        self._stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        self._sound = (
            self._container.add_stream("mp2", rate=SOUND, layout="mono") if form == "mpegts" else None
        )
        self._size = (160, 120)
        self._codec_context = self._context(self._size)
        self._container.start_encoding()
        self.head = self._wire.take()

    def encode(self, number: int, size: tuple[int, int], blind: bool) -> list[bytes]:
        if self._sound:
            self._container.mux(self._sound.encode(silence(number)))
        if blind:
            return self._wire.take()
        if size != self._size:
            self._size, self._codec_context = size, self._context(size)
        frame = av.VideoFrame.from_ndarray(picture(number % 256, size), format="bgr24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        for packet in self._codec_context.encode(frame.reformat(format=self._codec_context.pix_fmt)):
            packet.stream, packet.time_base = self._stream, Fraction(1, RATE)
            self._container.mux(packet)
        return self._wire.take()

    def _context(self, size: tuple[int, int]) -> av.VideoCodecContext:
        context = av.CodecContext.create(self._codec, "w")
        context.width, context.height = size
        context.pix_fmt = self._stream.pix_fmt
        context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
        if self._codec == "libx264":
            context.options = {"preset": "ultrafast", "tune": "zerolatency"}
            context.gop_size = 10
        return context


def silence(number: int) -> av.AudioFrame:
    """What is heard while a picture is seen."""
    count = SOUND // RATE
    frame = av.AudioFrame.from_ndarray(np.zeros((1, count), np.int16), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND, number * count, Fraction(1, SOUND)
    return frame


class Server(socketserver.ThreadingTCPServer):
    """Serves an audience by TCP."""

    allow_reuse_address = True
    daemon_threads = True
    audience: Audience
    head: list[bytes]


class Http(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(
            b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=ffmpeg\r\n\r\n"
        )
        self.wfile.write(b"".join(self.server.head))
        mine = self.server.audience.join()
        while (chunks := mine.get()) is not None:
            self.wfile.write(b"".join(chunks))


class Rtsp(socketserver.StreamRequestHandler):
    """As much of RFC 2326 as a player needs, with RTP interleaved in the connection."""

    server: Server

    def handle(self) -> None:
        while request := self.rfile.readline().decode():
            method, address, _ = request.split()
            fields = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                fields[name.lower()] = value.strip()
            status, extra, body = self.answer(method, address, fields)
            head = [f"RTSP/1.0 {status}", f"CSeq: {fields['cseq']}", "Session: 1", *extra]
            self.wfile.write(
                ("\r\n".join([*head, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body).encode()
            )
            if method == "PLAY":
                self._play()
                return

    def answer(self, method: str, address: str, fields: dict[str, str]) -> tuple[str, list[str], str]:
        """Status, fields and body of a response."""
        if method == "OPTIONS":
            return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"], ""
        if method == "DESCRIBE":
            return "200 OK", ["Content-Type: application/sdp", f"Content-Base: {address}/"], SDP
        if method == "SETUP":
            return self.set_up(fields["transport"].split(",")[0])
        return "200 OK", [], ""

    def set_up(self, transport: str) -> tuple[str, list[str], str]:
        return "200 OK", [f"Transport: {transport}"], ""

    def send(self, packet: bytes, is_report: bool) -> None:
        self.wfile.write(b"$" + struct.pack(">BH", int(is_report), len(packet)) + packet)

    def _play(self) -> None:
        mine = self.server.audience.join()
        while (chunks := mine.get()) is not None:
            for packet in chunks:
                self.send(packet, 200 <= packet[1] <= 204)  # RTCP, which has a channel of its own


class RtspUdp(Rtsp):
    """RTP as datagrams only, as of cameras that know nothing else."""

    def set_up(self, transport: str) -> tuple[str, list[str], str]:
        if "TCP" in transport:
            return "461 Unsupported Transport", [], ""
        ports = transport.split("client_port=")[1].split("-")
        self.ports = int(ports[0]), int(ports[1])
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.bind(("127.0.0.1", 0))
        mine = self.out.getsockname()[1]
        return "200 OK", [f"Transport: {transport};server_port={mine}-{mine + 1}"], ""

    def send(self, packet: bytes, is_report: bool) -> None:
        self.out.sendto(packet, ("127.0.0.1", self.ports[is_report]))


def serve(kind: str, port: int, audience: Audience, head: list[bytes]) -> int:
    """Begin to send what the audience is given; returns the port."""
    if kind == "udp":
        mine = audience.join()
        threading.Thread(target=datagrams, args=(port, mine), daemon=True).start()
        return port
    server = Server(("127.0.0.1", port), {"http": Http, "rtsp": Rtsp, "rtsp+udp": RtspUdp}[kind])
    server.audience, server.head = audience, head
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def datagrams(port: int, mine: "queue.SimpleQueue[list[bytes] | None]") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while (chunks := mine.get()) is not None:
            data = b"".join(chunks)
            for at in range(0, len(data), 7 * 188):
                out.sendto(data[at : at + 7 * 188], ("127.0.0.1", port))


def damaged(chunk: bytes, dice: random.Random) -> bytes:
    """The same bytes, one in twenty of them wrong, but for the header of a datagram."""
    data = bytearray(chunk)
    for at in dice.sample(range(12, len(data)), max(0, (len(data) - 12) // 20)):
        data[at] ^= dice.randrange(1, 256)
    return bytes(data)


def commands() -> "queue.SimpleQueue[list[str]]":
    said: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            said.put(line.split())

    threading.Thread(target=listen, daemon=True).start()
    return said


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    audience, said, dice = Audience(), commands(), random.Random(0)
    encoder = Encoder(*CODING[kind])
    size, corrupt, blind = (160, 120), 0, False
    print("ready", serve(kind, port, audience, encoder.head), flush=True)  # noqa: T201
    start = time.monotonic()
    for number in range(10**9):
        while not said.empty():
            match said.get():
                case ["corrupt", count]:
                    corrupt = int(count)
                case ["size", text]:
                    width, height = text.split("x")
                    size = int(width), int(height)
                case ["blind"]:
                    blind = True
                case ["end"]:
                    audience.give(None)
                    time.sleep(0.2)
                    return
        chunks = encoder.encode(number, size, blind)
        if corrupt:
            chunks, corrupt = [damaged(chunk, dice) for chunk in chunks], corrupt - 1
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        audience.give(chunks)


if __name__ == "__main__":
    main()
