"""The camera on the page in a real browser, with a fake one that plays a real clip."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
pytest.importorskip("fastapi", reason="needs the extra 'web'")
from playwright.sync_api import expect

from emotion.benchmarks.browser import CHROMIUM, INSTALL, Visitor, launch
from tests.helpers.browser_page import COUNTS_FACE, get_a_place, start_camera

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=INSTALL),
    pytest.mark.timeout(600),
]
expect.set_options(timeout=240_000)


def drawn_pixels(visitor):
    """How many pixels of the overlay are not empty."""
    return visitor.page.evaluate(
        """() => {
            const canvas = document.getElementById("overlay");
            if (!canvas.width) return 0;
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let index = 3; index < data.length; index += 4) count += data[index] > 0;
            return count;
        }"""
    )


def test_a_laughing_face_before_the_camera_is_called_happy(visit):
    visitor = visit()
    get_a_place(visitor, results=20)
    tile = visitor.page.get_by_role("region", name="Person 1")
    expect(tile.locator(".word")).to_have_text("Happiness")
    expect(tile).to_contain_text(re.compile(r"Eyes\s*\w+ \d+%"))
    expect(tile.locator(".predictions dt:visible")).to_have_count(2 + COUNTS_FACE)
    expect(visitor.page.locator("#camera-words")).to_have_text("Person 1: Happiness")
    expect(visitor.page.locator("#minute canvas")).to_have_count(1)
    for name, ending in (("Snapshot", "png"), ("Stop recording", "(webm|mp4)")):
        if ending != "png":
            visitor.page.get_by_role("button", name="Record").click()
            expect(visitor.page.locator("#camera-record .time")).to_have_text(re.compile("[1-9]"))
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name=name).click()
        assert re.search(rf"\.{ending}$", download.value.suggested_filename)
        assert download.value.path().stat().st_size > 10_000
    visitor.until("emotionCamera.age !== null && emotionCamera.age < 1000")
    while not drawn_pixels(visitor):
        visitor.page.wait_for_timeout(20)
    seen = visitor.page.evaluate("emotionCamera.results")
    visitor.until(f"emotionCamera.results > {seen + 10}")
    visitor.page.get_by_role("button", name="Stop camera").click()
    assert visitor.page.evaluate("document.getElementById('own').srcObject") is None
    assert drawn_pixels(visitor) == 0


def test_the_overlay_page_shows_what_the_camera_sees_and_nothing_else(visit, address):
    get_a_place(visit())
    overlay = visit(f"{address.rstrip('/')}/overlay")
    overlay.until("emotionOverlay.results > 3 && emotionOverlay.latest?.faces.length")
    while not drawn_pixels(overlay):
        overlay.page.wait_for_timeout(20)
    assert overlay.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    assert overlay.page.evaluate("document.body.innerText.trim()") == ""


def test_the_server_draws_where_that_is_wanted(visit):
    """Mirrored, too, and with what was chosen the last time."""
    visitor = visit()
    offers = []
    visitor.page.on("request", lambda one: offers.append(one) if "/api/cameras" in one.url else None)
    get_a_place(visitor)
    visitor.page.get_by_label("Show the detailed panel").check()
    visitor.until("document.getElementById('drawn').videoWidth === 640")
    wishes = [(one.post_data_json["drawn"], one.post_data_json["mirror"]) for one in offers]
    assert (wishes[0], wishes[-1]) == ((False, False), (True, True))
    visitor.page.reload()
    expect(visitor.page.locator("#camera-panel")).to_be_checked()
    get_a_place(visitor)
    first = visitor.page.evaluate("document.getElementById('drawn').currentTime")
    visitor.until(f"document.getElementById('drawn').currentTime > {first + 0.5}")
    expect(visitor.page.locator("#own")).to_be_hidden()
    expect(visitor.page.get_by_role("region", name="Person 1").locator(".word")).to_have_text("Happiness")
    visitor.page.get_by_label("Mirror").uncheck()
    visitor.page.get_by_label("Blur faces").check()
    visitor.until("document.getElementById('drawn').checkVisibility() && emotionCamera.latest")
    assert not offers[-1].post_data_json["mirror"]
    assert offers[-1].url.endswith("?privacy=blur")


def test_a_camera_more_than_there_are_places_is_told_so_and_gets_the_next_free_one(visit):
    first, second = visit(), visit()
    get_a_place(first)
    start_camera(second)
    expect(second.page.locator("#camera-trouble")).to_contain_text("All places for cameras (1) are taken")
    first.go("about")  # leaving the view ends the camera
    first.until("document.getElementById('own').srcObject === null")
    get_a_place(second)


CHOOSE_SAMPLE = """() => {
    const list = document.getElementById("camera-device");
    list.value = "sample";
    list.dispatchEvent(new Event("change"));
    return document.querySelectorAll("#camera-faces .tile, #minute canvas").length;
}"""


def test_another_picture_begins_without_the_people_of_the_one_before(visit):
    visitor = visit()
    get_a_place(visitor)
    expect(visitor.page.locator("#minute canvas")).to_have_count(1)
    assert visitor.page.evaluate(CHOOSE_SAMPLE) == 0  # Person 1 of the clip is not the one at the camera


def test_a_browser_without_a_network_says_what_to_do(playwright, camera, address):
    with launch(playwright, camera, "--webrtc-ip-handling-policy=disable_non_proxied_udp") as alone:
        visitor = Visitor(alone, address)
        start_camera(visitor)
        expect(visitor.page.locator("#camera-trouble")).to_contain_text("Connect to any network")
        expect(visitor.page.get_by_role("button", name="Start camera")).to_be_visible()
        visitor.close()


def test_a_browser_that_vanishes_leaves_its_place(browser, address, visit):
    vanishing = Visitor(browser, address)
    get_a_place(vanishing)
    vanishing.context.close()
    get_a_place(visit())


def test_a_camera_without_a_picture_is_called_so(visit):
    visitor = visit()
    page = visitor.page
    get_a_place(visitor)
    expect(page.locator("#camera-words")).to_contain_text("Person 1")
    page.evaluate("document.getElementById('own').srcObject.getVideoTracks()[0].stop()")
    expect(page.locator("#stage-hint")).to_contain_text("No picture comes from the camera")
    expect(page.locator("#camera-words")).to_have_text("")
    page.get_by_role("button", name="Stop camera").click()
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => document.createElement('canvas').captureStream(0)"
    )
    start_camera(visitor)
    expect(page.locator("#stage-hint")).to_contain_text("No picture comes from the camera")
    expect(page.locator("#camera-device option")).to_have_count(2)
    page.get_by_role("button", name="Stop camera").click()
