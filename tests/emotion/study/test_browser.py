"""The study's page in a real browser: sorting, search, charts."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")

from dataclasses import replace

from emotion.benchmarks.browser import CHROMIUM, INSTALL
from emotion.study.metadata import read_metadata
from emotion.study.outcome import Told
from emotion.study.whole import PAGE, texts
from tests.helpers.results import face, result
from tests.helpers.studies import CIRCUMSTANCES, happy, nobody, study

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason=INSTALL), pytest.mark.timeout(120)]

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
    told = [Told.of(one, home) for one in study(home, VIDEOS)]
    more = [
        replace(one, outcome=replace(one.outcome, number=number, name=f"{one.outcome.name} {number // 4}"))
        for number in range(MANY)
        for one in [told[number % len(told)]]
    ]
    known = home / "m.csv"
    known.write_text("video,mood\na/take 2 0,curious\n")
    text = texts(more, CIRCUMSTANCES, "Study: <b>", read_metadata(known, None, []))[PAGE]
    (home / PAGE).write_text(text, encoding="utf-8")
    return home / PAGE


@pytest.fixture(scope="module")
def tab(page):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
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


def test_columns_sort_both_ways_and_what_is_not_known_comes_last(tab):
    assert sort(tab, "Video") == ["a/take 2 0", "a/take 2 1", "a/take 2 2"]
    assert sort(tab, "Video") == ["b/nobody 49", "b/nobody 48", "b/nobody 47"]
    assert sort(tab, "Length")[0].startswith("a/take 10 ")
    assert tab.locator("#videos th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert sort(tab, "Length")[0].startswith("b/nobody ")
    last = tab.locator("#videos tbody tr:last-child th")
    assert last.inner_text().startswith("b/empty ")
    assert sort(tab, "People")[0].startswith("a/take 2 ")
    assert sort(tab, "Mostly")[0].startswith("a/take 10 ")


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


def test_charts_follow_time_and_legend(tab):
    def ink():
        return tab.evaluate(
            """() => {
                const canvas = document.querySelector("#charts canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.reduce((sum, value) => sum + value, 0);
            }"""
        )

    captions = [text.split("\n")[0] for text in tab.locator("#charts figcaption").all_inner_texts()]
    assert captions[:2] == ["All videos", "a"]
    relative = ink()
    tab.get_by_label("from its beginning").check()
    assert ink() != relative
    tab.get_by_label("relative to each video's length").check()
    assert ink() == relative
    emotion = tab.get_by_role("button", name="happiness")
    emotion.click()
    assert emotion.get_attribute("aria-pressed") == "false"
    assert ink() != relative
    emotion.click()
    assert ink() == relative


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
