"""The page in a real browser, with a fake camera that plays a real clip."""

import base64
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
from emotion.models.classes import SIX
from emotion.models.voting.vote import VoteWeights
from emotion.web.jobs.results import KINDS
from tests.emotion.test_annotate import DEMO
from tests.helpers.clips import clip, repeated
from tests.helpers.pictures import moving_pictures

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


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """The bundled clip ten times over, which is not done before a slow browser has come to it."""
    path = tmp_path_factory.mktemp("long") / "demo.mp4"
    repeated(DEMO, path, 10)
    return path


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
    expect(tile.locator(".opinions dt:visible")).to_have_count(2 + COUNTS_FACE)
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


def test_from_a_video_to_its_timeline_and_each_download(visit, short):
    visitor = visit()
    page = visitor.page
    send(visitor, short)
    page.get_by_role("link", name="short laugh.mp4").click()
    expect(page.locator("#video-message")).to_contain_text("appiness")
    expect(page.locator("canvas.chart")).to_have_count(1)
    expect(page).to_have_title("short laugh.mp4 · emotion-live")
    expect(page.locator(".person h3")).to_contain_text("Mostly happiness")
    visitor.until("document.querySelector('.player video').readyState > 0")
    page.set_viewport_size({"width": 1280, "height": 860})  # the video beside the timeline
    words = page.locator(".person-head p").bounding_box()
    assert words["width"] > 4 * words["height"], "words beside a bar stand in lines, not in a column"
    page.set_viewport_size({"width": 1180, "height": 860})

    chart = page.get_by_role("slider", name="Person 1: time of the video")
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
    assert max(rows, key=lambda name: int(rows[name][0].rstrip("%"))) == "Happiness"

    width = chart.bounding_box()["width"]
    length = page.evaluate("document.querySelector('.player video').duration")
    chart.click(position={"x": width / 2, "y": 50})
    at = visitor.until("document.querySelector('.player video').currentTime")
    assert at == pytest.approx(length / 2, abs=0.2)
    check_keyboard(visitor, chart, tip)
    check_player(visitor)
    check_paper(visitor)

    assert page.locator(".downloads a.primary").get_attribute("href").endswith("/mp4?download=true")
    page.get_by_text("Single files").click()
    links = page.locator(".downloads a:not([href$=zip])")
    assert links.count() == len(KINDS)
    purposes = page.locator(".downloads ul .quiet").all_inner_texts()
    assert all(re.match(r"\s*[a-z].* · \d", words) for words in purposes), "each says what it is good for"
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


def check_keyboard(visitor, chart, tip):
    """The chart without a mouse: moments, numbers of each region, playing, the part that is shown."""
    page = visitor.page
    page.mouse.move(0, 0)
    chart.focus()
    chart.press("Home")
    visitor.until("document.querySelector('.player video').currentTime < 0.1")
    chart.press("ArrowRight")
    visitor.until("document.querySelector('.player video').currentTime > 0.9")
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"0:0[01].\d: happiness \d+%"))
    expect(tip).to_contain_text("Eyes")
    page.get_by_text("Numbers at this moment").click()
    expect(page.locator(".moment")).to_contain_text("Lips")
    chart.focus()
    chart.press("Home")
    page.evaluate(
        """() => {
            window.changes = 0;
            const count = (records) => (window.changes += records.length);
            new MutationObserver(count).observe(document.querySelector("canvas.chart"), { attributes: true });
        }"""
    )
    visitor.until("!document.querySelector('.player video').seeking")
    before = page.evaluate("window.changes = 0")
    chart.press("Space")
    visitor.until("document.querySelector('.player video').currentTime > 0.4")
    assert page.evaluate("document.querySelector('.player video').paused") is False
    assert page.evaluate("window.changes") == before  # nobody can hear a text that changes all the time
    chart.press("Space")
    visitor.until("document.querySelector('.player video').paused")
    chart.press("+")
    expect(page.get_by_label("Which part of the time is shown")).to_be_visible()
    chart.press("-")


def check_player(visitor):
    """Controls lie beneath the picture; it has subtitles, speeds and the original."""
    page = visitor.page
    screen = page.locator(".screen").bounding_box()
    controls = page.locator(".player-controls").bounding_box()
    assert controls["y"] >= screen["y"] + screen["height"] - 1
    assert page.locator(".player video").get_attribute("controls") is None
    page.get_by_role("button", name="Subtitles").click()
    visitor.until("document.querySelector('.player video').textTracks[0].cues?.length > 0")
    page.get_by_label("Speed").select_option("2")
    assert page.evaluate("document.querySelector('.player video').playbackRate") == 2
    at = page.evaluate("document.querySelector('.player video').currentTime")
    page.get_by_label("Picture", exact=True).select_option("Original")
    visitor.until("document.querySelector('.player video').src.endsWith('/original')")
    visitor.until("document.querySelector('.player video').readyState > 0")
    visitor.until(f"Math.abs(document.querySelector('.player video').currentTime - {at}) < 0.1")


def check_paper(visitor):
    """What is printed is light, says what colours mean, and is drawn as wide as it is shown."""
    page = visitor.page
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours: light").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("html")).to_have_css("color-scheme", "light")
    expect(page.locator(".legend .swatch").first).to_have_css("print-color-adjust", "exact")
    for gone in ("nav", ".player-controls", ".downloads", ".foot"):
        expect(page.locator(gone)).to_be_hidden()
    wide = "[...document.querySelectorAll('.charts canvas')].map((one) => [one.width, one.clientWidth])"
    ratio = page.evaluate("devicePixelRatio")
    assert all(drawn == pytest.approx(ratio * shown, abs=1) for drawn, shown in page.evaluate(wide))
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    expect(page.locator("nav")).to_be_visible()
    page.get_by_role("button", name="Colours: dark").click()


def test_cancelled_begun_again_and_deleted_only_with_a_question(visit, long):
    visitor, other = visit(), visit()
    page = visitor.page
    send(visitor, long)
    row = page.locator("#jobs li")
    expect(row).to_contain_text("frames a second")
    row.get_by_role("button", name="Cancel demo.mp4").click()
    expect(row).to_contain_text("what was done until then is kept")
    visitor.until("document.activeElement.closest('#jobs li')")
    row.get_by_role("link", name="demo.mp4").click()
    expect(page.locator(".downloads")).to_contain_text("first part only")
    other.page.goto(page.url)  # whoever has the link sees it
    expect(other.page.locator(".foot")).to_contain_text("only they can delete it")
    assert other.page.locator(".foot button", has_text="Delete").count() == 0
    page.get_by_role("button", name="Start again demo.mp4").click()
    expect(page.locator("#video-message")).to_contain_text("frames a second")
    page.get_by_role("button", name="Cancel demo.mp4").click()
    delete = page.get_by_role("button", name="Delete demo.mp4")
    delete.click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    page.keyboard.press("Escape")
    expect(delete).to_be_focused()
    delete.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#jobs li")).to_have_count(0)
    expect(page.locator("#no-jobs")).to_be_visible()


def test_a_video_survives_a_reload_and_is_nobody_elses(visit, long):
    visitor, other = visit(), visit()
    page = visitor.page
    send(visitor, long)
    expect(page.locator("#jobs li")).to_contain_text("frames a second")
    page.reload()
    expect(page.locator("#jobs li")).to_contain_text("frames a second")
    other.go("videos")
    expect(other.page.locator("#no-jobs")).to_be_visible()
    page.get_by_role("button", name="Cancel demo.mp4").click()
    page.get_by_role("button", name="Delete demo.mp4").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#no-jobs")).to_be_visible()
    expect(page.locator("#videos-title")).to_be_focused()


DROP = """(files) => {
    const data = new DataTransfer();
    for (const [name, type, text] of files) data.items.add(new File([text], name, { type }));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
MOVES = """async (encoded) => {
    const { moves } = await import("/static/moving.js");
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    return Promise.all(["image/gif", "image/png"].map((type) => moves(new File([bytes], "a", { type }))));
}"""
LEAVES = """() => {
    const leaving = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(leaving);
    return !leaving.defaultPrevented;
}"""


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_pictures_that_move_are_known_as_everywhere(visit, kind):
    page = visit().page
    for count, moves in ((1, False), (3, kind != "WEBP")):
        encoded = base64.b64encode(moving_pictures(kind, count)).decode()
        assert page.evaluate(MOVES, encoded) == [moves, moves]


def test_dropped_files_go_where_they_belong_and_none_is_lost(visit):
    visitor = visit()
    page = visitor.page
    posts = []

    def hold(route):  # the first is sent for ever
        posts.append(route)

    page.route("**/api/jobs?*", hold)
    page.evaluate(DROP, [["one.mp4", "video/mp4", "x"], ["two.mov", "video/quicktime", "x"]])
    expect(page.get_by_role("heading", name="Videos")).to_be_visible()
    rows = page.locator("#jobs li")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Waiting to be sent")
    assert not page.evaluate(LEAVES)
    for name in ("one.mp4", "two.mov"):
        page.get_by_role("button", name=f"Cancel {name}").click()
    expect(rows).to_have_count(0)
    assert page.evaluate(LEAVES)
    sent = len(posts)
    page.evaluate("import('/static/uploads.js').then((uploads) => uploads.tell(3))")
    page.evaluate(DROP, [["large.mp4", "video/mp4", "1234"]])
    expect(rows).to_contain_text("larger than the")
    assert len(posts) == sent
    page.get_by_role("button", name="Dismiss large.mp4").click()
    page.unroute_all(behavior="ignoreErrors")

    page.evaluate(DROP, [["broken.jpg", "image/jpeg", "no picture"], ["broken.gif", "image/gif", "GIF89a"]])
    expect(page.get_by_role("heading", name="Photos")).to_be_visible()
    expect(page.locator(".photo")).to_have_count(2)
    expect(page.locator(".photo .error")).to_have_count(2)
    expect(page.locator(".photo img:visible")).to_have_count(0)  # else a browser's sign for a broken picture
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Try a sample photo").click()
    expect(page.locator(".photo .word")).to_have_text("Happiness")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the table").click()
    (line,) = csv.DictReader(io.StringIO(download.value.path().read_text()))
    assert (line["photo"], line["label"]) == ("sample.png", "happiness")


def test_a_video_that_the_server_has_no_room_for_waits_and_one_that_was_lost_is_sent_again(visit, tmp_path):
    visitor = visit()
    page = visitor.page
    clip(tmp_path / "empty room.mp4", 12)
    full = {"status": 429, "json": {"detail": "The queue is full: try again when a video is done."}}
    answers = iter((lambda one: one.fulfill(**full), lambda one: one.abort(), lambda one: one.continue_()))

    def answer(route):
        next(answers)(route)

    page.route("**/api/jobs?*", answer)
    send(visitor, tmp_path / "empty room.mp4")
    row = page.locator("#jobs li")
    expect(row).to_contain_text("The queue is full: sent by itself as soon as there is room.")
    assert not page.evaluate(LEAVES)
    expect(row).to_contain_text("did not arrive")
    page.get_by_role("button", name="Send again empty room.mp4").click()
    expect(row).to_contain_text("o face was found in 12 frames")
    assert next(answers, None) is None
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_under_way_comes_first_and_then_what_is_next(visit):
    def job(name, created, state, place):
        nothing = dict.fromkeys(("total", "fps", "seconds_left", "seconds"))
        more = {"message": "", "done": 0, "bytes": 1, "downloads": [], "strip": [], "mine": True}
        told = {"id": name, "title": name, "created": created, "state": state, "place": place}
        return told | nothing | more

    jobs = [job("a", 1, "done", None), job("b", 2, "running", None), job("c", 3, "waiting", 1)]
    jobs.append(job("d", 4, "waiting", 2))
    visitor = visit()
    told = {"content_type": "text/event-stream", "body": f"data: {json.dumps(jobs)}\n\n"}
    visitor.page.route("**/api/jobs/events", lambda route: route.fulfill(**told))
    visitor.go("videos")
    visitor.page.reload()
    expect(visitor.page.locator("#jobs h2")).to_have_text(["b", "c", "d", "a"])
    visitor.page.unroute_all(behavior="ignoreErrors")


HIDE = """() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
SHOW = """() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_tabs_that_nobody_looks_at_leave_connections_for_the_others(visit, tmp_path):
    visitor = visit()
    clip(tmp_path / "empty room.mp4", 12)
    tabs = [visitor.page]
    for _ in range(7):  # a browser keeps six connections to a server
        tabs[-1].evaluate(HIDE)
        tabs.append(visitor.context.new_page())
        tabs[-1].goto(f"{visitor.address}#videos", timeout=60_000)
    tabs[-1].set_input_files("#file", str(tmp_path / "empty room.mp4"))
    expect(tabs[-1].locator("#jobs")).to_contain_text("o face was found")
    tabs[-1].evaluate(HIDE)
    tabs[1].evaluate(SHOW)
    expect(tabs[1].locator("#jobs")).to_contain_text("o face was found")


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


def test_any_address_is_a_view_and_any_window_shows_the_stage(visit):
    visitor = visit(viewport={"width": 844, "height": 390})
    page = visitor.page
    for address, heading in (
        ("main", "Your camera"),
        ("video/", "Videos"),
        ("video/nothing", "Video not found"),
        ("video/../x", "Video not found"),
        ("constructor", "Your camera"),
        ("__proto__", "Your camera"),
    ):
        visitor.go(address)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the skip link
    assert page.evaluate("document.activeElement.id") == "main"
    page.reload()
    expect(page.get_by_role("button", name="Start camera")).to_be_in_viewport(ratio=1)
    get_a_place(visitor)
    for zoom in (1, 2):  # as a browser's larger text, everything but the window's size
        page.evaluate(f"document.documentElement.style.fontSize = '{100 * zoom}%'")
        stage = page.locator("#stage").bounding_box()
        assert stage["height"] <= 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 844
    page.evaluate("document.documentElement.style.fontSize = ''")
    expect(page.get_by_role("button", name="Stop camera")).to_be_in_viewport(ratio=0.9)
    assert page.locator("#stage-hint").get_attribute("role") == "status"
    page.emulate_media(forced_colors="active")
    expect(page.locator(".tile .part").first).to_have_css("forced-color-adjust", "none")
    order = page.evaluate(
        """async () => {
            const { arranged } = await import("/static/faces.js");
            const at = (...places) => places.map((x, index) => ({ id: index + 1, x, width: 100 }));
            const first = arranged([], at(300, 100));
            const near = arranged(first, at(300, 320));
            const passed = arranged(near, at(300, 360));
            const third = arranged(passed, at(300, 360, 10));
            return [first, near, passed, third];
        }"""
    )
    assert order == [[2, 1], [2, 1], [1, 2], [3, 1, 2]]


def test_what_is_no_video_ends_in_a_sentence_and_the_next_one_runs(visit, tmp_path):
    visitor = visit()
    (tmp_path / "text.mp4").write_text("this is no video")
    clip(tmp_path / "empty room.mp4", 12)
    send(visitor, tmp_path / "text.mp4", tmp_path / "empty room.mp4")
    page = visitor.page
    rows = page.locator("#jobs li")
    expect(rows.filter(has_text="text.mp4")).to_contain_text("text.mp4 is not a video that can be read")
    expect(rows.filter(has_text="empty room.mp4")).to_contain_text("o face was found in 12 frames")
    expect(rows.filter(has_text="empty room.mp4").locator("img")).to_have_count(1)
    # What came to something is before what did not, though it is no newer.
    expect(rows.first).to_contain_text("empty room.mp4")
    page.get_by_label("Search").fill("text")
    expect(rows).to_have_count(1)
    page.get_by_label("Search").fill("")
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Delete all").last.click()
    expect(page.locator("#no-jobs")).to_be_visible()


def test_videos_survive_a_restart_of_the_server(browser, tmp_path, short, long):
    with server(tmp_path, "--provider", "cpu") as address:
        port = int(re.search(r":(\d+)/", address).group(1))
        visitor, filmed = Visitor(browser, address), Visitor(browser, address)
        send(visitor, short, long)
        rows = visitor.page.locator("#jobs li")
        expect(rows.filter(has_text="short laugh.mp4")).to_contain_text("appiness")
        expect(rows.filter(has_text="demo.mp4")).to_contain_text("frames a second")
        get_a_place(filmed)
    # Within seconds nothing is shown any more of what the server said last; the picture goes on.
    expect(filmed.page.locator("#stage-hint")).to_contain_text("waiting for the server", timeout=10_000)
    expect(filmed.page.locator("#camera-faces .tile")).to_have_count(0)
    assert filmed.page.evaluate("document.getElementById('own').srcObject.active")
    expect(visitor.page.locator("#banner")).to_contain_text("cannot be reached")
    with server(tmp_path, "--provider", "cpu", port=port):
        expect(visitor.page.locator("#banner")).to_be_hidden()
        expect(filmed.page.locator("#camera-faces .tile")).to_have_count(1)
        expect(filmed.page.locator("#stage-hint")).to_be_hidden()
        filmed.close()
        expect(rows.filter(has_text="short laugh.mp4")).to_contain_text("appiness")
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
    page.get_by_text("Technical details").click()
    expect(page.locator("#models")).to_contain_text("ResNet-29")
    check()
    visitor.go("photos")
    page.get_by_role("button", name="Try a sample photo").click()
    expect(page.locator(".photo .tile")).to_have_count(1)
    check()
    send(visitor, short)
    expect(page.locator("#jobs")).to_contain_text("appiness")
    check()
    page.get_by_role("link", name="short laugh.mp4").click()
    expect(page.locator(".downloads")).to_be_visible()
    expect(page.locator("canvas.chart")).to_have_count(1)
    for closed in page.locator("#video-result summary").all():
        closed.click()
    check()


def test_at_first_sight_a_loop_shows_what_will_be_seen_until_it_is_stopped(visit):
    visitor = visit()
    page = visitor.page
    page.get_by_role("button", name="Pause the sample").click()
    visitor.until("document.querySelector('#loop video').paused")
    word = page.locator("#example-tile .word")
    assert word.inner_text().lower() in {*SIX, "uncertain"}
    visitor.go("photos")
    visitor.go("camera")
    page.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('#loop video').paused"), "whoever stopped it has it stopped"
    check_labels(page)
    check_minute(page)
    check_times(page)


PLACES = """async (pictures) => {
    const { LabelPlaces, placeLabels } = await import("/static/labels.js");
    const forms = [160, 120, 26].map((wide) => ({ wide, high: 26 }));
    const places = new LabelPlaces();
    return pictures.map((boxes) => {
        const faces = boxes.map((box, id) => ({ id, box, forms }));
        return [...placeLabels(faces, 8, 640, 480, places, 0).values()];
    });
}"""


def check_labels(page):
    """A label stays on its side of its face while there is room; in a crowd none covers a face or another."""

    def sides(*tops):
        return [label["place"] for (label,) in page.evaluate(PLACES, [[[100, top, 80, 90]] for top in tops])]

    (below,), (above,) = sides(20), sides(200)
    assert below != above
    assert sides(20, 200, 380) == [below, below, above]
    # Less than a label's height and the gap to it lie between the rows, and a last face between two others.
    crowd = [[4 + 150 * (at % 4), 4 + 150 * (at // 4), 110, 120] for at in range(12)] + [[320, 452, 24, 24]]
    (labels,) = page.evaluate(PLACES, [crowd])
    assert len(labels) == 13
    assert all(label["form"] < 2 for label in labels), "each has its word"
    boxes = [label["box"] for label in labels]
    assert all(0 <= left <= 640 - wide and 0 <= top <= 480 - high for left, top, wide, high in boxes)
    for index, box in enumerate(boxes):
        assert not any(touch(box, other) for other in crowd + boxes[:index])
    grounds = ["rgb(201, 204, 200)", "#ffffff", "rgb(20, 30, 40)"]
    ink = page.evaluate("async (grounds) => grounds.map((await import('/static/labels.js')).inkOn)", grounds)
    assert ink == ["#000000", "#000000", "#ffffff"], "a number can be read on its class's colour"


def check_minute(page):
    """The last minute's row shows what held then, a single result for its moment, and else nothing."""
    found = page.evaluate(
        """async () => {
            const { during } = await import("/static/graph.js");
            const points = [10, 10.5, 30, 59].map((seconds) => ({ time: 1000 * seconds, shares: [seconds] }));
            const at = during(points, 60_000, 1000);  // a second a column, from 0 to 60
            return [9, 10, 11, 29, 30, 31, 59].map((column) => at(column)?.shares[0] ?? null);
        }"""
    )
    assert found == [None, 10.5, None, None, 30, None, 59]


def check_times(page):
    """One function writes the times of every page."""
    found = page.evaluate(
        """async () => {
            const { clock, lasting } = await import("/static/shared.js");
            const tenths = [75.34, 59.96].map((at) => clock(at, true));
            const lengths = [19.6, 9.94, 9.96, 3599.7].map(lasting);
            return [75.9, 4000, 1.9999999, -1].map((at) => clock(at)).concat(tenths, lengths);
        }"""
    )
    moments, tenths, lengths = found[:4], found[4:6], found[6:]
    assert moments == ["1:15", "1:06:40", "0:02", "0:00"]
    assert tenths == ["1:15.3", "1:00.0"]
    assert lengths == ["0:20", "0:09.9", "0:10", "1:00:00"]


def touch(one, other):
    """Whether two rectangles, each its left, top, width and height, share a point."""
    return all(one[at] < other[at] + other[at + 2] and other[at] < one[at] + one[at + 2] for at in (0, 1))


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
    page.get_by_role("button", name="Start camera").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")
        )
    for name in ("Skip to the content", "Camera", "Photos", "Videos", "About", "theme", "Start camera"):
        assert name in reached
    page.get_by_role("link", name="Videos").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Videos", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    for scheme in ("light", "dark"):
        page.get_by_role("button", name="Colours").click()
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme
        page.reload()
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme
