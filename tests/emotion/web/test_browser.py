"""The page in a real browser, with a fake camera that plays a real clip."""

import csv
import io
import json
import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
pytest.importorskip("fastapi", reason="needs the extra 'web'")

import av
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emotion.benchmarks.browser import CHROMIUM, INSTALL, Visitor, camera_clip, launch, server
from emotion.models.voting.vote import VoteWeights
from emotion.web.jobs.results import KINDS
from tests.emotion.test_annotate import DEMO
from tests.helpers.clips import clip

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=INSTALL),
    pytest.mark.timeout(600),
]
expect.set_options(timeout=240_000)
LAUGHS_FROM = 13.0
# Whether the third opinion counts in the vote of the models that ship.
COUNTS_FACE = VoteWeights.read().third is not None


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    return camera_clip(tmp_path_factory.mktemp("camera") / "laughs.mjpeg", DEMO, LAUGHS_FROM, 19.0)


@pytest.fixture(scope="module")
def playwright():
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright, camera):
    with launch(playwright, camera) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with server(tmp_path_factory.mktemp("jobs"), "--viewers", 1, "--provider", "cpu") as address:
        yield address


@pytest.fixture
def visit(browser, address):
    """Open the page as somebody new; at the end nothing may have gone wrong in it."""
    visitors = []

    def open_page(where=address, **options):
        visitors.append(Visitor(browser, where, **options))
        return visitors[-1]

    yield open_page
    for visitor in visitors:
        visitor.close()


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The last seconds of the bundled clip, which laugh."""
    return cut(tmp_path_factory.mktemp("short") / "short laugh.mp4", 18.0)


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
        if visitor.page.locator("#camera-button").inner_text() == "Start camera":
            start_camera(visitor)
        visitor.page.wait_for_timeout(250)


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
    card = visitor.page.get_by_role("region", name="Result")
    expect(card.locator(".label")).to_contain_text("happiness")
    expect(card).to_contain_text(re.compile(r"Eyes\s*\w+ \d+%"))
    expect(card.locator(".opinions dt:visible")).to_have_count(2 + COUNTS_FACE)
    expect(visitor.page.locator("#camera-words")).to_have_text("Person 1: happiness")
    visitor.until("emotionCamera.age !== null && emotionCamera.age < 1000")
    while not drawn_pixels(visitor):
        visitor.page.wait_for_timeout(20)
    seen = visitor.page.evaluate("emotionCamera.results")
    visitor.until(f"emotionCamera.results > {seen + 10}")
    visitor.page.get_by_role("button", name="Stop camera").click()
    assert visitor.page.evaluate("document.getElementById('own').srcObject") is None
    assert drawn_pixels(visitor) == 0


def test_the_server_draws_where_that_is_wanted(visit):
    visitor = visit()
    visitor.page.get_by_label("Annotate on the server").check()
    get_a_place(visitor)
    visitor.until("document.getElementById('drawn').videoWidth === 640")
    first = visitor.page.evaluate("document.getElementById('drawn').currentTime")
    visitor.until(f"document.getElementById('drawn').currentTime > {first + 0.5}")
    expect(visitor.page.locator("#own")).to_be_hidden()
    expect(visitor.page.get_by_role("region", name="Result").locator(".label")).to_contain_text("happiness")


def test_a_camera_more_than_there_are_places_is_told_so_and_gets_the_next_free_one(visit):
    first, second = visit(), visit()
    get_a_place(first)
    start_camera(second)
    expect(second.page.locator("#stage-hint")).to_contain_text("All places for cameras (1) are taken")
    first.go("about")  # leaving the view ends the camera
    first.until("document.getElementById('own').srcObject === null")
    get_a_place(second)


def test_a_browser_without_a_network_says_what_to_do(playwright, camera, address):
    with launch(playwright, camera, "--webrtc-ip-handling-policy=disable_non_proxied_udp") as alone:
        visitor = Visitor(alone, address)
        start_camera(visitor)
        expect(visitor.page.locator("#stage-hint")).to_contain_text("Connect to any network")
        expect(visitor.page.get_by_role("button", name="Start camera")).to_be_visible()
        visitor.close()


def test_a_browser_that_vanishes_leaves_its_place(browser, address, visit):
    vanishing = Visitor(browser, address)
    get_a_place(vanishing)
    vanishing.context.close()
    get_a_place(visit())


def test_from_a_video_to_its_timeline_and_each_download(visit, short):
    visitor = visit()
    page = visitor.page
    send(visitor, short)
    expect(page.locator("#jobs")).to_contain_text("short laugh.mp4")
    page.get_by_role("link", name="Show short laugh.mp4").click()
    expect(page.locator("#video-message")).to_contain_text("happiness")
    expect(page.locator(".chart canvas")).to_have_count(1)
    visitor.until("document.querySelector('.player video').readyState > 0")

    chart = page.locator(".u-over")
    chart.hover(position={"x": 200, "y": 50})
    tip = page.locator(".tip")
    expect(tip).to_contain_text("Person 1 at 0:")
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in tip.locator("tbody tr").all()
    }
    assert {len(shares) for shares in rows.values()} == {3 + COUNTS_FACE}
    assert len(rows) == 6
    assert all(re.fullmatch(r"\d+%", share) for row in rows.values() for share in row)
    assert max(rows, key=lambda name: int(rows[name][0].rstrip("%"))) == "happiness"

    width = chart.bounding_box()["width"]
    length = page.evaluate("document.querySelector('.player video').duration")
    chart.click(position={"x": width / 2, "y": 50})
    at = visitor.until("document.querySelector('.player video').currentTime")
    assert at == pytest.approx(length / 2, abs=0.2)
    slider = page.get_by_role("slider", name="Time of the video")
    slider.focus()
    slider.press("Home")
    visitor.until("document.querySelector('.player video').currentTime < 0.1")
    slider.press("ArrowRight")
    visitor.until("document.querySelector('.player video').currentTime > 0.9")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0:0[01].\d: happiness \d+%"))

    links = page.locator(".downloads a")
    assert links.count() == len(KINDS)
    files = {}
    for index in range(links.count()):
        with page.expect_download() as download:
            links.nth(index).click()
        name = download.value.suggested_filename
        files[name.partition(".")[2]] = download.value.path().read_bytes()
    assert set(files) == {kind.ending for kind in KINDS.values()}
    assert files["annotated.mp4"][4:8] == b"ftyp"
    assert files["emotions.parquet"][:4] == b"PAR1"
    table = list(csv.DictReader(io.StringIO(files["emotions.csv"].decode())))
    assert (
        len(files["emotions.jsonl"].splitlines())
        == json.loads(files["summary.json"])["video"]["frames"]
        == len(table)
    )
    assert files["emotions.vtt"].startswith(b"WEBVTT")
    assert b"-->" in files["emotions.srt"]
    assert b"<html" in files["emotions.html"]


def test_cancelled_begun_again_and_deleted(visit):
    visitor = visit()
    page = visitor.page
    send(visitor, DEMO)
    row = page.locator("#jobs li")
    expect(row).to_contain_text("frames a second")
    row.get_by_role("button", name="Cancel demo.mp4").click()
    expect(row).to_contain_text("what was done until then is kept")
    row.get_by_role("link", name="Show").click()
    expect(page.locator(".downloads")).to_contain_text("a part")
    page.get_by_role("button", name="Start again demo.mp4").click()
    expect(page.locator("#video-message")).to_contain_text("frames a second")
    page.get_by_role("button", name="Cancel demo.mp4").click()
    expect(page.get_by_role("button", name="Delete demo.mp4")).to_be_visible()
    page.get_by_role("button", name="Delete demo.mp4").click()
    expect(page.locator("#jobs li")).to_have_count(0)


def test_a_video_survives_a_reload_and_is_nobody_elses(visit):
    visitor, other = visit(), visit()
    send(visitor, DEMO)
    expect(visitor.page.locator("#jobs li")).to_contain_text("frames a second")
    visitor.page.reload()
    expect(visitor.page.locator("#jobs li")).to_contain_text("frames a second")
    other.go("videos")
    expect(other.page.locator("#no-jobs")).to_be_visible()
    visitor.page.get_by_role("button", name="Cancel demo.mp4").click()
    visitor.page.get_by_role("button", name="Delete demo.mp4").click()
    expect(visitor.page.locator("#no-jobs")).to_be_visible()


def test_what_is_no_video_ends_in_a_sentence_and_the_next_one_runs(visit, tmp_path):
    visitor = visit()
    (tmp_path / "text.mp4").write_text("this is no video")
    clip(tmp_path / "empty room.mp4", 12)
    send(visitor, tmp_path / "text.mp4", tmp_path / "empty room.mp4")
    rows = visitor.page.locator("#jobs li")
    expect(rows.filter(has_text="text.mp4")).to_contain_text("is not a video that can be read")
    expect(rows.filter(has_text="empty room.mp4")).to_contain_text("no face was found in 12 frames")


def test_videos_survive_a_restart_of_the_server(browser, tmp_path, short):
    with server(tmp_path, "--provider", "cpu") as address:
        port = int(re.search(r":(\d+)/", address).group(1))
        visitor = Visitor(browser, address)
        send(visitor, short, DEMO)
        rows = visitor.page.locator("#jobs li")
        expect(rows.filter(has_text="short laugh.mp4")).to_contain_text("happiness")
        expect(rows.filter(has_text="demo.mp4")).to_contain_text("frames a second")
    expect(visitor.page.locator("#banner")).to_contain_text("cannot be reached")
    with server(tmp_path, "--provider", "cpu", port=port):
        expect(visitor.page.locator("#banner")).to_be_hidden()
        expect(rows.filter(has_text="short laugh.mp4")).to_contain_text("happiness")
        expect(rows.filter(has_text="demo.mp4")).to_contain_text("frames a second")
        rows.filter(has_text="demo.mp4").get_by_role("button", name="Cancel demo.mp4").click()
        expect(rows.filter(has_text="demo.mp4")).to_contain_text("kept")
        visitor.close()


def test_a_server_for_others_shows_nothing_without_its_token(browser, tmp_path):
    with server(tmp_path, "--host", "0.0.0.0", "--provider", "cpu") as printed:
        port, token = re.search(r":(\d+)/\?token=(\S+)", printed).groups()
        address = f"http://127.0.0.1:{port}/"
        stranger = Visitor(browser, address)
        assert "needs its token" in stranger.page.content()
        stranger.close()
        guest = Visitor(browser, f"{address}?token={token}")
        expect(guest.page.get_by_role("heading", name="Your camera")).to_be_visible()
        assert token not in guest.page.url
        guest.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1180), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_sticks_out(visit, short, scheme, width):
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 844})
    page = visitor.page

    def check():
        found = Axe().run(page)
        assert found.response["violations"] == [], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    check()
    get_a_place(visitor)
    visitor.until("emotionCamera.latest.faces.length === 1")
    check()
    visitor.go("about")
    expect(page.locator("#models")).to_contain_text("DenseNet201")
    check()
    send(visitor, short)
    expect(page.locator("#jobs")).to_contain_text("happiness")
    check()
    page.get_by_role("link", name="Show").click()
    expect(page.locator(".downloads")).to_be_visible()
    expect(page.locator(".chart canvas")).to_have_count(1)
    check()


def test_the_view_does_not_wait_for_the_server(visit):
    page = visit().page
    page.route("**/api/models", lambda route: None)  # is never answered
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your camera")
    page.unroute_all(behavior="ignoreErrors")


def test_all_of_it_can_be_reached_with_the_keyboard(visit):
    visitor = visit()
    page = visitor.page
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")
        )
    for name in ("Skip to the content", "Camera", "Videos", "About", "Start camera", "camera-mirror"):
        assert name in reached
    page.get_by_role("link", name="Videos").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Videos", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
