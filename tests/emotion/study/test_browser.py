"""The study's page in a real browser: sorting, search, charts."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")

from dataclasses import replace

from emotion.benchmarks.browser import CHROMIUM, INSTALL
from emotion.study.metadata import read_metadata
from emotion.study.outcome import StudiedVideo
from emotion.study.study_files import PAGE, texts
from tests.helpers.results import face, result
from tests.helpers.studies import PROVENANCE, happy, nobody, study

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason=INSTALL)]

VIDEOS = {
    "a/take 2": happy(people=2),
    "a/take 10": [result(n, face("fear")) for n in range(40)],
    "b/empty": None,
    "b/nobody": nobody(10),
}
MANY = 200


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """All videos many times over, which are made once."""
    home = tmp_path_factory.mktemp("study") / "out"
    reported = [StudiedVideo.of(one, home) for one in study(home, VIDEOS)]
    more = [
        replace(one, outcome=replace(one.outcome, number=number, name=f"{one.outcome.name} {number // 4}"))
        for number in range(MANY)
        for one in [reported[number % len(reported)]]
    ]
    known = home / "m.csv"
    known.write_text("video,mood\na/take 2 0,curious\n")
    text = texts(more, PROVENANCE, "Study: <b>", read_metadata(known, None, []))[PAGE]
    (home / PAGE).write_text(text, encoding="utf-8")
    return home / PAGE


@pytest.fixture(scope="module")
def tab(page):
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=240_000)
        opened = browser.new_page()
        opened.set_default_timeout(240_000)
        wrong = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        opened.on("request", lambda one: wrong.append(one.url) if one.url.startswith("http") else None)
        opened.goto(page.as_uri())
        yield opened
        browser.close()
        assert wrong == []


def names(tab):
    """Of the first videos that are shown."""
    return tab.evaluate(
        "[...document.querySelectorAll('#videos tbody tr')].filter((row) => !row.hidden).slice(0, 3)"
        ".map((row) => row.querySelector('th').firstChild.textContent)"
    )


def sort(tab, head):
    tab.locator("#videos thead button", has_text=head).click()
    return names(tab)


def test_one_video_is_no_videos(tab, tmp_path):
    home = tmp_path / "out"
    (one,) = study(home, {"take": happy()})
    text = texts([StudiedVideo.of(one, home)], PROVENANCE, "One")[PAGE]
    (home / PAGE).write_text(text, encoding="utf-8")
    opened = tab.context.browser.new_page()
    opened.goto((home / PAGE).as_uri())
    sync_api.expect(opened).to_have_title("One: apparent expressions in 1 video")
    sync_api.expect(opened.locator("#count")).to_have_text("1 video")
    sync_api.expect(opened.locator("figcaption span").first).to_have_text("1 video")
    opened.locator("figure canvas").first.hover()
    sync_api.expect(opened.locator("#tip strong")).to_contain_text(", 1 video")
    assert "1 videos" not in opened.locator("body").inner_text()
    opened.close()


def test_a_name_is_not_broken_within_a_word_where_there_is_room(tab, tmp_path):
    home = tmp_path / "out"
    reported = [
        StudiedVideo.of(one, home) for one in study(home, {"P01/IMG_0001": happy(), "P02/broken": None})
    ]
    (home / PAGE).write_text(texts(reported, PROVENANCE, "Two")[PAGE], encoding="utf-8")
    opened = tab.context.browser.new_page(viewport={"width": 1100, "height": 800})
    opened.goto((home / PAGE).as_uri())
    lines = "(cell) => { const all = document.createRange(); all.selectNodeContents(cell.firstChild);"
    lines += " return all.getClientRects().length; }"
    assert [cell.evaluate(lines) for cell in opened.locator("#videos tbody th").all()] == [1, 1]
    opened.close()


def test_columns_sort_both_ways_and_what_is_not_known_comes_last(tab):
    assert sort(tab, "Video") == ["a/take 2 0", "a/take 2 1", "a/take 2 2"]
    assert sort(tab, "Video") == ["b/nobody 49", "b/nobody 48", "b/nobody 47"]
    assert sort(tab, "Length")[0].startswith("a/take 10 ")
    assert tab.locator("#videos th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert sort(tab, "Length")[0].startswith("b/nobody ")
    last = tab.locator("#videos tbody tr:last-child th")
    assert last.inner_text().startswith("b/empty ")
    assert sort(tab, "People")[0].startswith("a/take 2 ")
    assert sort(tab, "Overall")[0].startswith("a/take 10 ")


def test_search_and_choices_leave_what_fits_and_say_how_many(tab):
    box, count = tab.get_by_label("Search"), tab.locator("#count")
    for words, wanted in (("TAKE 10 fear", 50), ("curious", 1), ("is <empty>", 50), ("nothing like it", 0)):
        box.fill(words)
        assert count.inner_text() == f"{wanted} of {MANY} videos"
        assert tab.locator("#none").is_visible() == (wanted == 0)
    box.fill("")
    tab.get_by_label("State").select_option("failed")
    assert count.inner_text() == f"50 of {MANY} videos"
    tab.get_by_label("Folder").select_option("a")
    assert count.inner_text() == f"0 of {MANY} videos"
    tab.get_by_label("State").select_option("")
    assert count.inner_text() == f"100 of {MANY} videos"
    tab.get_by_label("Folder").select_option("")
    assert count.inner_text() == f"{MANY} videos"


def ink(tab, chart=0):
    """All of a chart's pixels in one number, and its height on the screen."""
    return tab.evaluate(
        """(chart) => {
            const canvas = document.querySelectorAll("#charts canvas")[chart];
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [data.reduce((sum, value) => sum + value, 0), canvas.clientHeight];
        }""",
        chart,
    )


def test_charts_follow_time_and_legend(tab):
    captions = [text.split("\n")[0] for text in tab.locator("#charts figcaption").all_inner_texts()]
    assert captions[:2] == ["All videos", "a"]
    relative = ink(tab)
    tab.get_by_label("from its beginning").check()
    assert ink(tab) != relative
    tab.get_by_label("relative to each video's length").check()
    assert ink(tab) == relative
    emotion = tab.get_by_role("button", name="happiness")
    emotion.click()
    assert emotion.get_attribute("aria-pressed") == "false"
    assert ink(tab) != relative
    emotion.click()
    assert ink(tab) == relative


PANELS = """() => {
    const canvas = document.querySelector("#charts canvas");
    const pen = canvas.getContext("2d");
    const high = Math.round(((canvas.clientHeight - BOTTOM) * devicePixelRatio) / emotions.length);
    const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const wanted = colours().map(parts);
    return wanted.map((_, number) => {
        const { data } = pen.getImageData(0, number * high, canvas.width, high - 1);
        const shown = (colour) => {
            for (let at = 0; at < data.length; at += 4)
                if (data[at + 3] === 255 && colour.every((part, n) => data[at + n] === part)) return true;
            return false;
        };
        return [...wanted.keys()].filter((place) => shown(wanted[place]));
    });
}"""


def test_each_class_has_a_panel_so_that_no_band_hides_another(tab):
    assert tab.evaluate(PANELS) == [[place] for place in range(6)]


def test_one_button_hides_and_shows_all_and_the_shown_ones_share_the_room(tab):
    whole, height = ink(tab)
    tab.get_by_role("button", name="hide all").click()
    assert ink(tab)[1] < 30
    tab.get_by_role("button", name="fear").click()
    assert height / 6 < ink(tab)[1] < height
    tab.get_by_role("button", name="show all").click()
    assert ink(tab) == [whole, height]


DRAWN = """() => [...document.querySelectorAll("#videos canvas")].filter((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value);
}).length"""
# Of the videos a quarter has failed, and in another there is nobody.
TIMELINES = MANY // 2


def drawn(tab):
    """How many timelines are drawn, once the page misses none."""
    while tab.evaluate("missing().length"):
        tab.wait_for_timeout(50)
    return tab.evaluate(DRAWN)


def redraw(tab):
    """Take all timelines away, and let the page draw them anew."""
    tab.evaluate("for (const { canvas } of strips) canvas.width = 1; drawAll()")


def test_timelines_out_of_sight_are_drawn_while_nothing_else_is_to_do(tab):
    redraw(tab)
    assert drawn(tab) == TIMELINES


def test_rows_that_were_filtered_out_are_drawn_when_they_are_back(tab):
    box = tab.get_by_label("Search")
    box.fill("take 10")
    redraw(tab)
    # All of "a/take 10", and "a/take 2 10": each word counts by itself.
    assert drawn(tab) == TIMELINES / 2 + 1
    box.fill("")
    assert drawn(tab) == TIMELINES


def test_paper_gets_all_timelines_at_once_in_colours_for_white(tab):
    light = ink(tab)
    tab.emulate_media(color_scheme="dark")
    # With the browser's next picture, whenever that is; the test's own time limit ends the wait.
    while (dark := ink(tab)) == light:
        tab.wait_for_timeout(10)
    ground = tab.evaluate(
        """() => {
            for (const canvas of document.querySelectorAll("#videos canvas")) canvas.width = 1;
            dispatchEvent(new Event("beforeprint"));
            return getComputedStyle(document.body).backgroundColor;
        }"""
    )
    assert (ground, tab.evaluate(DRAWN)) == ("rgb(255, 255, 255)", TIMELINES)
    assert ink(tab) != dark
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert ink(tab) == dark
    tab.emulate_media(color_scheme="light")


def test_the_label_has_its_share_of_time_and_the_folder_stands_once(tab):
    tab.get_by_label("Search").fill("curious")
    row = tab.locator("#videos tbody tr:not([hidden])")
    assert row.locator(".overall").inner_text().split("\n") == ["happiness", "all the time"]
    assert row.locator("th").inner_text().startswith("a/take 2 0")
    assert row.locator("th small").count() == 0
    tab.get_by_label("Search").fill("")


def test_a_video_of_nobody_is_called_so_as_in_the_terminal(tab):
    tab.get_by_label("Search").fill("b/nobody 3")
    cell = tab.locator("#videos tbody tr:not([hidden]) .overall").first
    assert cell.inner_text() == "no face"
    assert cell.locator(".swatch").count() == 0
    tab.get_by_label("Search").fill("")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
