"""A custom sink: results as Open Sound Control messages, for music and stage programs.

python docs/examples/osc.py [SOURCE] [HOST] [PORT]     (pip install python-osc)

Each result is one message per person: /emotion/<person> label, then a probability per class in the order of
/emotion/classes, which comes first. Faces without a result have no probabilities.
"""

import sys
from importlib.resources import files

from pythonosc.udp_client import SimpleUDPClient

import emotion


class OscSender:
    """Sends results as datagrams, so a receiver that hangs or disappears does not block.

    Args:
        client: with the address of the receiver.
    """

    def __init__(self, client: SimpleUDPClient) -> None:
        self._client = client
        self._told: tuple[str, ...] = ()

    def __call__(self, result: emotion.Result) -> None:
        """Send the result of each face."""
        for face in result.faces:
            shares = face.probabilities or {}
            if shares and tuple(shares) != self._told:
                self._told = tuple(shares)
                self._client.send_message("/emotion/classes", list(self._told))
            self._client.send_message(f"/emotion/{face.track_id}", [face.label, *shares.values()])


def main(source: str, host: str, port: str) -> None:
    """Send until the source ends."""
    with (
        SimpleUDPClient(host, int(port)) as client,
        emotion.stream(source, on_result=OscSender(client)) as results,
    ):
        results.wait()


if __name__ == "__main__":
    demo = str(files("emotion.realtime.sources") / "demo.mp4")
    given = sys.argv[1:]
    main(*given, *[demo, "127.0.0.1", "9000"][len(given) :])
