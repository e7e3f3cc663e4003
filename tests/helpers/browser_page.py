"""What tests do on the page in a real browser."""

import av

from emotion.models.voting.vote import VoteWeights
from tests.emotion.test_videos import DEMO

LAUGHS_FROM = 13.0
# Whether the third prediction counts in the vote of the models that ship.
COUNTS_FACE = VoteWeights.read().third is not None


def cut(path, start):
    """The bundled clip from `start` seconds on."""
    with av.open(str(DEMO)) as source, av.open(str(path), "w") as target:
        rate = source.streams.video[0].average_rate
        stream = target.add_stream("libx264", rate=rate, width=480, height=270, pix_fmt="yuv420p")
        for frame in source.decode(video=0):
            if frame.time >= start:
                picture = av.VideoFrame.from_image(frame.to_image())
                target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return path


def send(visitor, *files):
    visitor.go("videos")
    visitor.page.set_input_files("#file", [str(file) for file in files])


def start_camera(visitor):
    visitor.page.get_by_role("button", name="Start camera").click()


def get_a_place(visitor, results=1):
    """Start the camera, again while another one's place is not free yet, until results come."""
    while visitor.page.evaluate("emotionCamera.results") < results:
        if visitor.page.locator("#camera-start").is_visible():
            start_camera(visitor)
        visitor.page.wait_for_timeout(250)
