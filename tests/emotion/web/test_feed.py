"""Live results for other programs: each in order, nobody waited for, losses counted."""

import asyncio
import json
import socket
import threading
import time
import urllib.request
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from emotion.models.classes import EMOTIONS
from emotion.models.schema import SHIPPED
from emotion.realtime.errors import SinkError
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.web.feed import Feed, Receiver
from emotion.web.http.schema import LiveResult
from emotion.web.live_feed import FeedSink, feed_app
from tests.helpers.results import face
from tests.helpers.scripts import scripts_of


def result(index, *faces):
    image = np.zeros((48, 64, 3), np.uint8)
    return EmotionFrame(VideoFrame(index, 40 * index, Fraction(1, 1000), time.monotonic(), image), faces)


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def client(feed):
    with TestClient(feed_app(feed, SHIPPED), base_url="http://127.0.0.1:8000") as client:
        yield client
        feed.close()


def test_a_socket_gets_every_result_in_order(feed, client):
    with client.websocket_connect("/api/live/socket", headers={"host": "127.0.0.1"}) as connection:
        while not len(feed):
            time.sleep(0.005)
        for index in range(60):
            feed.publish(result(index, face("fear", share=0.75)))
        got = [LiveResult(**json.loads(connection.receive_text())) for _ in range(60)]
    assert [one.number for one in got] == list(range(60))
    assert [one.seconds for one in got] == pytest.approx([0.04 * index for index in range(60)])
    assert got[0].faces[0].label == "fear"
    assert got[0].faces[0].probabilities[EMOTIONS.index("fear")] == 0.75
    assert abs(got[0].captured_at - time.time()) < 30
    assert feed.missed == 0


def test_the_newest_result_is_reported_and_described(feed, client):
    assert client.get("/api/live/newest").status_code == 404
    feed.publish(result(3, face("anger")), camera=2)
    reported = client.get("/api/live/newest").json()
    assert (reported["number"], reported["camera"], reported["faces"][0]["label"]) == (0, 2, "anger")
    described = client.get("/api/openapi.json").json()
    assert "/api/live/events" in described["paths"]
    assert "captured_at" in described["components"]["schemas"]["LiveResult"]["properties"]


def test_the_overlay_page_has_nothing_else_and_loads_only_from_here(client):
    page = client.get("/overlay")
    assert page.status_code == 200
    assert "<canvas" in page.text
    assert "http" not in page.text.replace("<!doctype html>", "").replace('lang="en"', "")
    assert client.get("/static/colours.css").status_code == 200
    assert {"labels.js", "classes.js", "shared.js"} < scripts_of(client, "overlay.js")
    assert "background: transparent" in client.get("/static/overlay.css").text


def test_the_address_alone_says_what_there_is(client):
    reported = client.get("/")
    assert (reported.status_code, reported.headers["content-type"].split(";")[0]) == (200, "text/plain")
    for line in reported.text.splitlines()[1:]:
        assert line.split()[0] in {getattr(route, "path", "") for route in client.app.routes}


def test_another_sites_page_may_not_listen(client):
    refused = client.get("/api/live/newest", headers={"host": "evil.example"})
    assert refused.status_code == 421
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/api/live/socket", headers={"origin": "http://evil.example"}) as connection,
    ):
        connection.receive_text()


def test_who_takes_nothing_loses_the_oldest_and_that_is_counted():
    async def run():
        feed = Feed()
        with feed.receiver() as hung, feed.receiver() as quick:
            start = time.monotonic()
            got = []
            for index in range(400):
                feed.publish(result(index))
                got += await quick.take(1.0)
            assert time.monotonic() - start < 20
            assert hung.missed == feed.missed == 400 - 256
            assert quick.missed == 0
            left = [json.loads(text)["number"] for text in await hung.take(1.0)]
            assert left == list(range(400 - 256, 400))
            return [json.loads(text)["number"] for text in got]

    assert asyncio.run(run()) == list(range(400))


def test_a_receiver_that_is_gone_is_forgotten():
    async def run():
        feed = Feed()
        with feed.receiver():
            assert len(feed) == 1
        assert len(feed) == 0
        feed.publish(result(0))
        feed.close()
        with feed.receiver() as late:
            assert await late.take(5.0) is None

    asyncio.run(run())


def test_results_that_wait_are_given_before_the_end():
    async def run():
        receiver = Receiver(2)
        receiver.put("a")
        receiver.end()
        return await receiver.take(1.0), await receiver.take(1.0)

    assert asyncio.run(run()) == (["a"], None)


def test_events_of_a_running_server_come_in_order_and_a_hung_one_delays_nobody():
    sink = FeedSink(0, SHIPPED)
    try:
        port = int(sink.url.split(":")[2].split("/")[0])
        hung = socket.create_connection(("127.0.0.1", port))
        hung.sendall(b"GET /api/live/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        got = []

        def listen():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/live/events") as answer:
                for line in answer:
                    if line.startswith(b"data: "):
                        got.append(json.loads(line[6:])["number"])

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        while len(sink.feed) < 2:
            time.sleep(0.01)
        took = []
        for index in range(100):
            start = time.monotonic()
            sink.write(result(index, face("fear")), np.zeros((1, 1, 3), np.uint8))
            took.append(time.monotonic() - start)
        while len(got) < 100:
            time.sleep(0.01)
        assert got == list(range(100))
        assert np.median(took) < 0.05
        hung.close()
    finally:
        sink.close()
    thread.join(20)
    assert not thread.is_alive(), "the end of the feed is the end of its events"


def test_a_taken_port_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SinkError, match="--feed"):
        FeedSink(taken.getsockname()[1], SHIPPED)
