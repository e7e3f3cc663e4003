"""Videos on the page in a real browser: uploaded, shown, cancelled, deleted."""

import base64
import csv
import io
import json
import re

import pytest

pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
pytest.importorskip("fastapi", reason="needs the extra 'web'")
from playwright.sync_api import expect

from emotion.benchmarks.browser import CHROMIUM, INSTALL, Visitor, server
from emotion.web.http.feed import STATIC
from emotion.web.jobs.results import KINDS
from tests.emotion.test_videos import DEMO
from tests.helpers.browser_page import COUNTS_FACE, get_a_place, send
from tests.helpers.clips import clip, repeated
from tests.helpers.pictures import moving_pictures

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=INSTALL),
    pytest.mark.timeout(600),
]
expect.set_options(timeout=240_000)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """The bundled clip ten times over, which is not done before a slow browser has come to it."""
    path = tmp_path_factory.mktemp("long") / "demo.mp4"
    repeated(DEMO, path, 10)
    return path


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
    """Controls lie beneath the picture; it has subtitles, speeds and the original, and the list's length."""
    page = visitor.page
    listed = page.locator("#jobs .facts").text_content().partition(" · ")[0]
    assert page.locator(".player .time").text_content().partition(" / ")[2] == listed
    page.evaluate("document.querySelector('.player video').currentTime = 1e9")
    expect(page.locator(".player .time")).to_have_text(f"{listed} / {listed}")
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
    page.route("**/original", lambda route: route.fulfill(content_type="video/mp4", body="no video"))
    picture = page.get_by_label("Picture", exact=True)
    picture.select_option("With results")
    visitor.until("document.querySelector('.player video').readyState > 0")
    picture.select_option("Original")
    expect(page.locator(".player .error")).to_contain_text("cannot play the original")
    expect(page.locator(".player .time")).to_have_text(re.compile(f" / {listed}$"))
    picture.select_option("With results")
    visitor.until(f"Math.abs(document.querySelector('.player video').currentTime - {at}) < 0.1")
    assert page.evaluate("document.querySelector('.player video').playbackRate") == 2
    page.route("**/original", lambda route: route.abort())
    picture.select_option("Original")
    expect(page.locator(".player .error")).to_contain_text("The server cannot be reached")
    page.unroute("**/original")
    page.locator(".player").get_by_role("button", name="Play").click()
    visitor.until("document.querySelector('.player video').readyState > 0")
    expect(page.locator(".player .error")).to_be_hidden()
    visitor.until(f"document.querySelector('.player video').currentTime >= {at} - 0.1")


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
    other.page.goto(row.get_by_role("link").evaluate("link => link.href"))  # who has the link follows it
    expect(other.page.locator("#video-message")).to_contain_text("frames a second")
    with other.page.expect_event("requestfailed"):
        other.page.route("**/api/jobs/*", lambda route: route.abort())
    expect(other.page.get_by_role("heading", level=1)).to_have_text("demo.mp4")
    other.page.unroute("**/api/jobs/*")
    row.get_by_role("button", name="Cancel demo.mp4").click()
    expect(row).to_contain_text("what was done until then is kept")
    expect(other.page.locator("#video-message")).to_contain_text("what was done until then is kept")
    visitor.until("document.activeElement.closest('#jobs li')")
    row.get_by_role("link", name="demo.mp4").click()
    expect(page.locator(".downloads")).to_contain_text("first part only")
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
    page.evaluate("import('/static/uploads.js').then((uploads) => uploads.setLimit(3))")
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
    assert (line["photo"], line["label"]) == ("sample.jpg", "happiness")
    expect(page.locator(".photo")).not_to_contain_text("more")

    def crowded(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"more_faces": 3})

    page.route("**/api/photos", crowded)
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Try a sample photo").click()
    expect(page.locator(".photo")).to_contain_text("1 face, the largest; at least 3 more")


def test_what_the_server_does_not_give_is_said(visit):
    visitor = visit()
    page = visitor.page
    held = []

    def hold(route):
        held.append(route)

    for view, name in (("photos", "Try a sample photo"), ("videos", "Try the sample clip")):
        page.route("**/static/sample*", hold)
        visitor.go(view)
        button = page.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_attribute("aria-busy", "true")
        button.click()
        page.wait_for_timeout(100)
        (request,) = held  # a second click asks for nothing more
        page.route("**/static/sample*", lambda route: route.abort())  # what is asked for again, too
        request.abort()
        held.clear()
        expect(page.locator("#banner")).to_contain_text("cannot be reached")
        page.evaluate("document.getElementById('banner').hidden = true")
    visitor.go("camera")
    page.get_by_role("button", name="Watch the sample clip").click()
    expect(page.locator("#camera-trouble")).to_contain_text("The sample clip cannot be played")
    refused = {"status": 401, "json": {"detail": "This server needs its token."}}
    page.route("**/api/**", lambda route: route.fulfill(**refused))
    page.evaluate(SHOW)
    expect(page.locator("#banner")).to_contain_text("needs its token. Trying again")
    page.unroute_all(behavior="ignoreErrors")


DRAG = """(kind) => {
    const data = new DataTransfer();
    if (kind === "file") data.items.add(new File(["x"], "a.mp4"));
    else data.setData("text/plain", "x");
    window.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true, cancelable: true }));
    return document.body.classList.contains("over");
}"""


def test_photos_come_and_go_while_the_server_is_busy(visit):
    """The focus stays where it is, and what was cleared is in nobody's way; only files can be dropped."""
    visitor = visit()
    page = visitor.page
    visitor.go("photos")
    assert [page.evaluate(DRAG, kind) for kind in ("text", "file")] == [False, True]
    sample = (STATIC / "sample.jpg").read_bytes()
    answered = iter([sample])
    busy = {"status": 503, "json": {"detail": "Busy."}, "headers": {"Retry-After": "1"}}

    def answer(route):
        new = route.request.post_data_buffer != sample
        route.continue_() if new or next(answered, None) else route.fulfill(**busy)

    page.route("**/api/photos", answer)
    page.set_input_files("#photo-file", [STATIC / "sample.jpg"] * 2)
    summary = page.locator(".photo summary")
    expect(summary).to_have_count(1)
    summary.focus()
    page.evaluate(DROP, [["third.jpg", "image/jpeg", "no picture"]])
    expect(page.locator(".photo")).to_have_count(3)
    expect(summary).to_be_focused()
    page.get_by_role("button", name="Clear all").click()
    page.evaluate(DROP, [["fourth.jpg", "image/jpeg", "no picture"]])
    expect(page.locator(".photo .error")).to_have_count(1)
    page.unroute_all(behavior="ignoreErrors")


def test_a_dropped_folder_is_called_one_and_the_file_beside_it_is_taken(visit, tmp_path):
    visitor = visit()
    page = visitor.page
    (tmp_path / "holiday").mkdir()
    (tmp_path / "text.jpg").write_text("no picture")
    page.get_by_role("button", name="Start camera").wait_for()
    files = [str(tmp_path / name) for name in ("holiday", "text.jpg")]
    mouse = visitor.context.new_cdp_session(page)  # no script can make a folder
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": files, "dragOperationsMask": 1}
        mouse.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    expect(page.locator("#banner")).to_have_text("“holiday” is a folder: open it, and drop the files in it.")
    expect(page.locator(".photo .error")).to_have_count(1)
    expect(page.locator("#jobs li")).to_have_count(0)


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
        reported = {"id": name, "title": name, "created": created, "state": state, "place": place}
        return reported | nothing | more

    jobs = [job("a", 1, "done", None), job("b", 2, "running", None), job("c", 3, "waiting", 1)]
    jobs.append(job("d", 4, "waiting", 2))
    visitor = visit()
    reported = {"content_type": "text/event-stream", "body": f"data: {json.dumps(jobs)}\n\n"}
    visitor.page.route("**/api/jobs/events", lambda route: route.fulfill(**reported))
    visitor.go("videos")
    visitor.page.reload()
    expect(visitor.page.locator("#jobs h2")).to_have_text(["b", "c", "d", "a"])
    expect(visitor.page.locator("#job-c")).to_contain_text("Waiting; 1 video before it")
    expect(visitor.page.locator("#job-d")).to_contain_text("Waiting; 2 videos before it")
    expect(visitor.page.locator("#job-c .facts")).to_contain_text("1 byte ·")
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
    gone = {"status": 404, "json": {"detail": "There is no such video."}}

    def delete(route):  # each is gone already, as by another tab
        route.fetch()
        route.fulfill(**gone)

    page.route("**/api/jobs/*", delete)
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
