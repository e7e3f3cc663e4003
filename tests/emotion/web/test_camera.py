"""Cameras over WebRTC, with a second WebRTC stack in the place of a browser."""

import asyncio
import gc
import json
import threading
import weakref
from contextlib import asynccontextmanager

import av
import pytest

pytest.importorskip("aiortc", reason="needs the extra 'web'")

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from emotion.models.classes import EMOTIONS
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.options import Options
from emotion.realtime.stages.options import FaceOptions
from emotion.web.camera import low_latency
from emotion.web.camera import viewer as camera
from emotion.web.camera.low_latency import PromptBuffer
from emotion.web.camera.viewer import Cameras
from emotion.web.errors import BusyError
from emotion.web.feed import Feed
from tests.emotion.test_videos import DEMO
from tests.helpers.shipped_models import shipped_models
from tests.helpers.two_colours import assert_red_then_blue, red_and_blue

OPTIONS = Options(faces=FaceOptions(max_faces=2))
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture(scope="module")
def laughing():
    with av.open(str(DEMO)) as container:
        frame = next(frame for frame in container.decode(video=0) if frame.time >= 17)
        return frame.to_ndarray(format="bgr24")


class Clip(VideoStreamTrack):
    """A camera that shows one picture."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    async def recv(self):
        picture = av.VideoFrame.from_ndarray(self.image, format="bgr24")
        picture.pts, picture.time_base = await self.next_timestamp()
        return picture


class Browser:
    """What the page does, without a page."""

    def __init__(self, image):
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.messages = asyncio.Queue()
        self.channel = self.connection.createDataChannel("results", ordered=False, maxRetransmits=0)
        self.channel.on("message", lambda text: self.messages.put_nowait(json.loads(text)))
        self.connection.addTrack(Clip(image))
        self.drawn = asyncio.get_running_loop().create_future()
        self.connection.on("track", self.drawn.set_result)

    async def offer(self):
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def join(self, cameras, drawn=False, mirror=False):
        answer = await cameras.open(await self.offer(), drawn, OPTIONS, mirror=mirror)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def result(self):
        while "faces" not in (message := await self.messages.get()):
            pass
        return message


@asynccontextmanager
async def studio(models, image, limit=2, feed=None):
    """Cameras, and a function that makes browsers; all are closed at the end."""
    cameras = Cameras(models, limit=limit, feed=feed)
    browsers = []

    def browser():
        browsers.append(Browser(image))
        return browsers[-1]

    try:
        yield cameras, browser
    finally:
        await cameras.close()
        await asyncio.gather(*(one.connection.close() for one in browsers))


def test_results_of_a_laughing_face_come_on_the_data_channel(models, laughing):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            results = [await one.result() for _ in range(5)]
            for result in results:
                (face,) = result["faces"]
                assert face["label"] == "happiness"
                assert EMOTIONS[face["probabilities"].index(max(face["probabilities"]))] == face["emotion"]
                assert (result["width"], result["height"]) == (480, 270)
                assert result["sent"] >= result["at"]
            assert [r["at"] for r in results] == sorted(r["at"] for r in results)
            # The channel loses what does not arrive at once, so that it is asked again with each result.
            one.channel.send("12.5")
            while "pong" not in (message := await one.messages.get()):
                one.channel.send("12.5")
            assert message["pong"] == 12.5
            assert message["now"] >= results[-1]["sent"]
            one.channel.send("no number")
            one.channel.send("1" * 1000)
            await one.result()
            assert cameras.counts.results >= 6

    asyncio.run(run())


def test_results_go_to_a_feed_that_nobody_listened_to_at_the_start(models, laughing):
    feed = Feed()

    async def run():
        async with studio(models, laughing, feed=feed) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            with feed.receiver() as receiver:
                texts = await receiver.take(60)
            reported = json.loads(texts[0])
            assert (reported["camera"], len(reported["faces"])) == (0, 1)

    asyncio.run(run())


def test_a_camera_works_where_there_is_no_network(models, laughing, monkeypatch):
    monkeypatch.setattr(low_latency, "_network_addresses", lambda use_ipv4, use_ipv6: [])

    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            assert " 127.0.0.1 " in await one.offer()
            await one.join(cameras)
            await one.result()

    asyncio.run(run())


def test_pictures_go_through_the_buffer_that_does_not_wait(models, laughing, monkeypatch):
    through = []
    add = PromptBuffer.add
    monkeypatch.setattr(PromptBuffer, "add", lambda self, packet: through.append(packet) or add(self, packet))

    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            await one.result()

    asyncio.run(run())
    assert through  # else aiortc has changed, and each picture waits for the next


def test_nothing_of_a_camera_is_left_in_a_thread(models, laughing):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            await one.result()

    asyncio.run(run())
    assert [thread.name for thread in threading.enumerate() if thread.name == "camera"] == []


def test_nothing_of_a_camera_is_left_for_the_collector(models, laughing, monkeypatch):
    """Its decoder, and the memory of its pictures, would wait for it until many others have come and gone."""
    given = []
    monkeypatch.setattr(camera, "_TIDY_SECONDS", 0.05)
    monkeypatch.setattr(camera, "give_back", lambda: given.append(True))

    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            await one.result()
            (viewer,) = map(weakref.ref, cameras._viewers)
            gc.disable()
            try:
                await one.connection.close()
                while not given:
                    await asyncio.sleep(0.02)
                assert viewer() is None
            finally:
                gc.enable()

    asyncio.run(run())


def test_an_analysis_that_hangs_is_left_behind(models, monkeypatch, caplog):
    monkeypatch.setattr(camera, "_CLOSE_SECONDS", 0.05)
    over = threading.Event()
    monkeypatch.setattr(camera.Analyst, "_run", lambda self: over.wait(20))
    analyst = camera.Analyst(models, Options(), False, lambda *_: None, lambda error: None)
    analyst.close()
    assert "left behind" in caplog.text
    over.set()
    analyst._thread.join()


def test_annotated_pictures_come_back_where_they_are_wanted(models, laughing):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras, drawn=True)
            track = await one.drawn
            await one.result()
            for _ in range(3):
                picture = await track.recv()
            drawn = picture.to_ndarray(format="bgr24").astype(int)
            assert (abs(drawn - laughing).max(axis=2) > 60).mean() > 0.01

    asyncio.run(run())


def test_red_stays_red_on_the_way_to_the_models_and_on_the_way_back(models, monkeypatch):
    """Both ways, so that two mistakes do not make a right one."""
    analysed = []
    draw = Overlay.draw
    monkeypatch.setattr(
        Overlay, "draw", lambda self, result: analysed.append(result.frame.image) or draw(self, result)
    )

    async def run():
        async with studio(models, red_and_blue((480, 270))) as (cameras, browser):
            one = browser()
            await one.join(cameras, drawn=True)
            track = await one.drawn
            await one.result()
            for _ in range(3):
                picture = await track.recv()
            assert_red_then_blue(analysed[-1], tolerance=40)
            assert_red_then_blue(picture.to_ndarray(format="rgb24"), order="RGB", tolerance=40)

    asyncio.run(run())


def test_a_mirrored_camera_is_turned_before_anything_is_drawn(models, laughing):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            plain, mirrored = browser(), browser()
            await plain.join(cameras)
            await mirrored.join(cameras, mirror=True)
            left, top, width, _ = (await plain.result())["faces"][0]["box"]
            found = (await mirrored.result())["faces"][0]["box"]
            assert found[0] == pytest.approx(480 - left - width, abs=12)
            assert abs(found[0] - left) > 24
            assert found[1] == pytest.approx(top, abs=12)

    asyncio.run(run())


def test_viewers_have_tracks_of_their_own_and_their_number_is_limited(models, laughing):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            first, second, third = browser(), browser(), browser()
            await first.join(cameras)
            await second.join(cameras)
            assert (await first.result())["faces"][0]["track_id"] == 1
            assert (await second.result())["faces"][0]["track_id"] == 1
            with pytest.raises(BusyError, match=r"All places for cameras \(2\) are taken") as refused:
                await third.join(cameras)
            assert refused.value.status == 503
            await first.connection.close()
            while len(cameras) == 2:
                await asyncio.sleep(0.05)
            await third.connection.close()
            fourth = browser()
            await fourth.join(cameras)
            await fourth.result()

    asyncio.run(run())


def test_a_viewer_of_whom_nothing_is_heard_leaves_its_place(models, laughing, monkeypatch):
    async def run():
        async with studio(models, laughing) as (cameras, browser):
            await cameras.open(await browser().offer(), False, OPTIONS)  # and never takes up the answer
            assert len(cameras) == 1
            monkeypatch.setattr(camera, "_SILENCE_SECONDS", 0.5)
            while len(cameras):
                await asyncio.sleep(0.05)

    asyncio.run(run())


@pytest.mark.parametrize(
    "sdp", ["", "nonsense", "v=0\r\n", "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"]
)
def test_an_offer_that_makes_no_sense_ends_in_a_sentence(models, laughing, sdp):
    async def run():
        async with studio(models, laughing) as (cameras, _):
            with pytest.raises(camera.CameraError):
                await cameras.open(sdp, False, OPTIONS)
            while len(cameras):
                await asyncio.sleep(0.01)

    asyncio.run(run())


def test_pictures_that_are_too_large_end_in_a_sentence(models, laughing, monkeypatch):
    monkeypatch.setattr(camera, "_MOST_PIXELS", 100)

    async def run():
        async with studio(models, laughing) as (cameras, browser):
            one = browser()
            await one.join(cameras)
            while "error" not in (message := await one.messages.get()):
                pass
            assert "480x270: choose 1920x1080 or less" in message["error"]
            while len(cameras):
                await asyncio.sleep(0.05)

    asyncio.run(run())


def test_a_breakdown_of_one_analysis_is_reported_and_leaves_the_others_alone(models, laughing, monkeypatch):
    broken = []

    async def run():
        async with studio(models, laughing) as (cameras, browser):
            good, bad = browser(), browser()
            await good.join(cameras)
            await good.result()
            original = camera._to_frame

            def breaks(index, arrival, mirror):
                if not broken:
                    broken.append(threading.current_thread())
                if threading.current_thread() is broken[0]:
                    raise RuntimeError("on purpose")
                return original(index, arrival, mirror)

            await bad.join(cameras)
            await bad.result()  # its channel is open
            monkeypatch.setattr(camera, "_to_frame", breaks)
            while len(cameras) == 2:
                await asyncio.sleep(0.05)
            monkeypatch.undo()
            reported = [one for one in (good, bad) if any("error" in m for m in list(one.messages._queue))]
            (other,) = {good, bad} - set(reported)
            await other.result()
            assert len(reported) == 1

    asyncio.run(run())
