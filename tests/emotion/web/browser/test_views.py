"""The views of the page in a real browser: addresses, sizes, keyboard, accessibility."""

import re

import pytest

pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
pytest.importorskip("fastapi", reason="needs the extra 'web'")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from emotion.benchmarks.browser import CHROMIUM, INSTALL, Visitor, server
from emotion.models.classes import SIX
from tests.helpers.browser_page import get_a_place, send

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=INSTALL),
    pytest.mark.timeout(600),
]
expect.set_options(timeout=240_000)


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


def test_a_video_among_photos_is_told_to_be_one(visit):
    visitor = visit()
    visitor.go("photos")
    clip = {"name": "clip.mov", "mimeType": "video/quicktime", "buffer": b"moov"}
    visitor.page.locator("#photo-file").set_input_files(clip)
    expect(visitor.page.locator(".photo")).to_contain_text("This is a video: open it under Videos.")


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


def test_no_button_moves_when_the_loop_comes_and_none_is_left_where_it_does_not(visit):
    page = visit().page
    held = []

    def hold(route):
        held.append(route)

    page.route("**/static/loop.mp4", hold)
    page.reload()
    start = page.get_by_role("button", name="Start camera")
    before = start.bounding_box()
    expect(page.locator("#loop button")).to_be_hidden()
    while not held:
        page.wait_for_timeout(50)
    for route in held:
        route.continue_()
    expect(page.locator("#loop button")).to_be_visible()
    assert start.bounding_box() == before
    for name in ("loop.mp4", "loop.json"):
        page.unroute_all(behavior="ignoreErrors")
        page.route(f"**/static/{name}", lambda route: route.abort())
        page.reload()
        expect(page.locator("#loop")).to_be_hidden()


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
            const { clock, counted, lasting } = await import("/static/shared.js");
            const tenths = [75.34, 59.96].map((at) => clock(at, true));
            const lengths = [19.6, 9.94, 9.96, 3599.7, 0.03, 0].map(lasting);
            const counts = [0, 1, 2].map((at) => counted(at, "video"));
            return [75.9, 4000, 1.9999999, -1].map((at) => clock(at)).concat(tenths, lengths, counts);
        }"""
    )
    moments, tenths, lengths = found[:4], found[4:6], found[6:12]
    assert moments == ["1:15", "1:06:40", "0:02", "0:00"]
    assert tenths == ["1:15.3", "1:00.0"]
    assert found[12:] == ["0 videos", "1 video", "2 videos"]
    assert lengths == ["0:20", "0:09.9", "0:10", "1:00:00", "0:00.1", "0:00.0"]


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
