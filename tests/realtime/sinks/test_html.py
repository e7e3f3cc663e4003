"""The page, read as a file, and looked at in a browser where one is installed."""

import base64
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from emotion.models.classes import EMOTIONS, SIX, Emotion
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.html import HtmlTimeline
from tests.helpers.clips import clip
from tests.helpers.results import face, result, sure

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def write(path, frames, step=40, start=0, **options):
    sink = HtmlTimeline(path, options.pop("title", "clip.mp4"), **options)
    for number, faces in enumerate(frames):
        one = result(number, *faces, pts=start + step * number)
        sink.write(one, one.frame.image)
    return sink


def page(path, frames, **options):
    write(path, frames, **options).close()
    return path.read_text()


def data(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text)[1])


def spans(person, predictions=3):
    """By span, uint8 (bins, 6 predictions + 1)."""
    return {
        start: np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 6 * predictions + 1)
        for start, text in person["spans"]
    }


def shares(person, predictions=3):
    """By span, uint8 (bins, predictions, 6)."""
    return {
        start: table[:, :-1].reshape(-1, predictions, 6)
        for start, table in spans(person, predictions).items()
    }


TWO = [[face("fear", 1)] for _ in range(30)] + [[face("fear", 1), face("anger", 2, lips=False)]] * 30


def test_the_page_holds_what_was_seen(tmp_path):
    (tmp_path / "v.mp4").touch()
    found = data(page(tmp_path / "a.html", TWO, video=tmp_path / "v.mp4"))
    assert [emotion["name"] for emotion in found["emotions"]] == list(EMOTIONS)
    assert [person["name"] for person in found["people"]] == ["Person 1", "Person 2"]
    assert (found["bins"], found["bin"], found["video"]) == (60, 0.04, "v.mp4")
    first, second = map(shares, found["people"])
    assert {start: part.shape[0] for start, part in first.items()} == {0: 60}
    assert {start: part.shape[0] for start, part in second.items()} == {30: 30}
    assert (first[0][:, :, EMOTIONS.index("fear")] == 225).all()
    assert (second[30][:, 2] == 255).all()


def test_a_third_prediction_is_there_where_the_vote_counts_it(tmp_path):
    assert data(page(tmp_path / "a.html", TWO))["predictions"] == ["vote", "eyes", "lips"]
    third = face("fear", blendshapes=sure("anger", 0.8))
    found = data(page(tmp_path / "a.html", [[third]] * 30))
    assert found["predictions"] == ["vote", "eyes", "lips", "blendshapes"]
    assert (shares(found["people"][0], 4)[0][:, 3, EMOTIONS.index("anger")] == 200).all()


def test_it_says_when_nothing_was_named(tmp_path):
    frames = [[face("fear")]] * 30 + [[face("fear", label="uncertain")]] * 10
    (person,) = data(page(tmp_path / "a.html", frames))["people"]
    assert person["shares"]["uncertain"] == pytest.approx(0.25)
    assert person["words"] == "75% of the time fear, 25% uncertain"
    assert spans(person)[0][:, -1].tolist() == [Emotion.FEAR] * 30 + [len(EMOTIONS)] * 10


def test_absences_are_gaps(tmp_path):
    frames = [[face("fear")]] * 20 + [[]] * 10 + [[face("fear")]] * 20
    (person,) = data(page(tmp_path / "a.html", frames))["people"]
    assert list(shares(person)) == [0, 30]


def test_who_passes_by_has_no_row_but_is_not_passed_over_in_silence(tmp_path):
    frames = [[face("fear", 1)]] * 30 + [[face("fear", 1), face("anger", 2)]] * 5
    found = data(page(tmp_path / "a.html", frames))
    assert [person["name"] for person in found["people"]] == ["Person 1"]
    assert found["left_out"] == "Another person, who was seen for less than half a second, is left out."


def test_times_are_the_players(tmp_path):
    found = data(page(tmp_path / "a.html", TWO, start=60_040, origin=60.0))
    assert found["begin"] == 0.04


def test_an_hour_stays_small(tmp_path):
    frames = ([face("fear" if n % 70 < 30 else "anger", 1, 0.5 + n % 7 / 20)] for n in range(3600 * 5))
    path = tmp_path / "a.html"
    found = data(page(path, frames, step=200))
    assert found["bin"] == pytest.approx(1.28)
    assert path.stat().st_size < 150_000


def test_names_cannot_break_the_page(tmp_path):
    evil = "</script><img src=x onerror=alert(1)>'\"$data&"
    text = page(tmp_path / "a.html", TWO, title=evil, video=tmp_path / "a<b> $x?#&.mp4")
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: seen.append((tag, dict(attributes)))
    parser.feed(text)
    assert [tag for tag, _ in seen].count("script") == 2
    assert "img" not in [tag for tag, _ in seen]
    (video,) = [attributes for tag, attributes in seen if tag == "video"]
    assert video["src"] == "a%3Cb%3E%20%24x%3F%23%26.mp4"


def test_the_page_asks_for_nothing_but_the_video(tmp_path):
    text = page(tmp_path / "a.html", TWO, video=tmp_path / "v.mp4")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)
    assert re.findall(r'\b(?:src|href)="([^"]*)"', text) == ["data:,", "v.mp4"]


def test_a_run_that_fails_shows_the_part_of_the_video(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("an earlier result")
    with pytest.raises(RuntimeError), write(path, TWO, video=tmp_path / "v.mp4"):
        raise RuntimeError
    assert path.read_text() == "an earlier result"
    text = (tmp_path / "a.partial.html").read_text()
    assert 'src="v.partial.mp4"' in text
    assert data(text)["bins"] == 60


def test_a_run_without_a_frame_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), write(tmp_path / "a.html", []):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_empty_video_is_a_page_that_says_so(tmp_path):
    assert "No face was found in 3 frames." in page(tmp_path / "a.html", [[]] * 3)
    assert data((tmp_path / "a.html").read_text())["people"] == []


def test_the_source_is_shown_where_there_is_no_annotated_video_and_never_written_over(tmp_path):
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "v.mp4"
    source.touch()
    (tmp_path / "out").mkdir()
    assert 'src="../in/v.mp4"' in page(tmp_path / "out" / "a.html", TWO, source=source)
    with pytest.raises(SinkError, match="being read"):
        HtmlTimeline(source, "x", source=source)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as play:
        profile = tmp_path_factory.mktemp("profile")
        context = play.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=flags, timeout=240_000
        )
        context.set_default_timeout(240_000)
        yield context
        context.close()


@pytest.fixture
def tab(browser, tmp_path):
    """A page with two people and a video of 2.4 s beside it, opened in a browser; errors end the test."""
    clip(tmp_path / "v.mp4", 60)
    write(tmp_path / "a.html", TWO, video=tmp_path / "v.mp4").close()
    opened = browser.new_page()
    errors, asked = [], []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: message.type == "error" and errors.append(message.text))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((tmp_path / "a.html").as_uri())
    wait_until(opened, "video.readyState > 0")
    yield opened
    opened.close()
    assert not errors
    assert {Path(url).name for url in asked} == {"a.html", "v.mp4"}


def wait_until(tab, expression):
    """Ask from outside: waiting within the page evaluates a string, which the page forbids."""
    while not tab.evaluate(expression):
        tab.wait_for_timeout(10)


def pixel(tab, row, across, up):
    """Red, green and blue of a row at shares of its width and, from below, its height."""
    return tab.evaluate(
        """([row, across, up]) => {
            const canvas = document.querySelectorAll("canvas.chart")[row];
            const [x, y] = [Math.floor(canvas.width * across), Math.floor(canvas.height * (1 - up))];
            return Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data);
        }""",
        [row, across, up],
    )


def wait_for_colour(tab, row, across, colour):
    """Until the middle of a row is opaque and of a colour.

    It is with one of the browser's next pictures, whenever that is; the test's own time limit ends the wait.
    """
    from emotion.models.palette import rgb

    while pixel(tab, row, across, 0.5) != [*rgb(colour), 255]:
        tab.wait_for_timeout(10)


def test_a_click_seeks_and_shows_all_predictions(tab):
    row = tab.locator("canvas.chart").nth(1)
    row.click(position={"x": row.bounding_box()["width"] * 0.75, "y": 10})
    wait_until(tab, "!video.seeking")
    assert tab.evaluate("video.currentTime") == pytest.approx(1.8, abs=0.05)
    tip = tab.locator(".tip").inner_text()
    assert "Person 2 at 0:01.8" in tip
    assert re.search(r"Anger\s+90%\s+90%\s+\u2013", tip)
    head = tab.locator(".playhead").bounding_box()
    box = row.bounding_box()
    assert head["x"] - box["x"] == pytest.approx(0.75 * box["width"], abs=3)


def test_rows_are_drawn_in_the_colours_of_the_scheme(tab):
    from emotion.models.palette import rgb

    for scheme, palette in (("light", SIX.on_white), ("dark", SIX.on_dark)):
        tab.emulate_media(color_scheme=scheme)
        wait_for_colour(tab, 0, 0.5, palette[Emotion.FEAR])
        assert pixel(tab, 1, 0.75, 0.5) == [*rgb(palette[Emotion.ANGER]), 255]
        assert pixel(tab, 1, 0.25, 0.5)[3] == 0  # not there yet


def test_uncertain_times_are_striped_and_told_with_all_predictions(browser, tmp_path):
    from emotion.models.palette import rgb

    third = {"blendshapes": sure("anger", 0.7)}
    frames = [[face("fear", share=1.0, **third)]] * 40 + [[face("fear", label="uncertain", **third)]] * 40
    page(tmp_path / "a.html", frames)
    opened = browser.new_page()
    opened.emulate_media(color_scheme="light")
    opened.goto((tmp_path / "a.html").as_uri())
    wait_until(opened, "video.hidden")
    wait_for_colour(opened, 0, 0.25, SIX.on_white[Emotion.FEAR])
    inside = {tuple(pixel(opened, 0, 0.25, up / 100)[:3]) for up in range(20, 60)}
    striped = {tuple(pixel(opened, 0, 0.75, up / 100)[:3]) for up in range(20, 60)}
    assert inside == {tuple(rgb(SIX.on_white[Emotion.FEAR]))}
    assert {(255, 255, 255), tuple(rgb(SIX.on_white[Emotion.FEAR]))} <= striped
    assert "uncertain" in opened.locator("#legend").inner_text()
    assert "50% of the time fear, 50% uncertain" in opened.locator(".person h2").inner_text()
    row = opened.locator("canvas.chart")
    row.hover(position={"x": row.bounding_box()["width"] * 0.75, "y": 20})
    tip = opened.locator(".tip").inner_text()
    assert "Person 1 at 0:02.4: uncertain" in tip
    assert re.search(r"Vote\s+Eyes\s+Lips\s+Blendshapes", tip)
    assert re.search(r"Anger\s+2%\s+2%\s+2%\s+70%", tip)
    row.focus()
    opened.keyboard.press("End")
    assert "uncertain, most likely fear 90%" in row.get_attribute("aria-valuetext")
    opened.close()


def test_the_keyboard_does_what_the_mouse_does(tab):
    row = tab.locator("canvas.chart").first
    row.focus()
    tab.keyboard.press("End")
    assert "fear 90%" in row.get_attribute("aria-valuetext")
    tab.keyboard.press("Enter")
    wait_until(tab, "!video.seeking")
    assert tab.evaluate("video.currentTime") > 2.3
    tab.keyboard.press("Home")
    assert "Person 1 at 0:00.0" in tab.locator(".tip").inner_text()
    tab.keyboard.press("Escape")
    assert tab.locator(".tip").is_hidden()


def test_zooming_keeps_the_moment_in_sight_and_clicks_exact(browser, tmp_path):
    frames = [[face("fear" if second < 300 else "anger")] for second in range(600)]
    page(tmp_path / "a.html", frames, step=1000)
    opened = browser.new_page()
    opened.goto((tmp_path / "a.html").as_uri())
    wait_until(opened, "video.hidden")
    assert opened.locator("[aria-label='Zoom out']").is_disabled()
    row = opened.locator("canvas.chart")
    for _ in range(3):
        opened.locator("[aria-label='Zoom in']").click()
    assert opened.evaluate("[chart.view.from, chart.view.span]") == pytest.approx([262.5, 75], abs=1)
    edge = pixel(opened, 0, 0.49, 0.5), pixel(opened, 0, 0.51, 0.5)
    assert edge[0] != edge[1]
    row.hover(position={"x": row.bounding_box()["width"] * 0.1, "y": 20})
    assert "at 4:30.0" in opened.locator(".tip").inner_text()
    opened.locator(".zoom input").fill("0")
    assert opened.evaluate("chart.view.from") == 0
    row.focus()
    opened.keyboard.press("End")
    assert opened.evaluate("chart.view.from + chart.view.span") == pytest.approx(600, abs=1)
    for _ in range(3):
        opened.locator("[aria-label='Zoom out']").click()
    assert opened.evaluate("[chart.view.from, chart.view.span]") == pytest.approx([0, 600], abs=1)
    opened.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    row = tab.locator("canvas.chart").first
    for share in (0.02, 0.98):
        row.hover(position={"x": row.bounding_box()["width"] * share, "y": 20})
        box = tab.locator(".tip").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_without_its_video_the_page_says_so_and_works(browser, tmp_path):
    page(tmp_path / "a.html", TWO, video=tmp_path / "gone.mp4")
    opened = browser.new_page()
    opened.goto((tmp_path / "a.html").as_uri())
    wait_until(opened, "video.hidden")
    assert "gone.mp4 is not beside this page" in opened.locator("#no-video").inner_text()
    opened.locator("canvas.chart").first.hover()
    assert "Person 1" in opened.locator(".tip").inner_text()
    opened.close()


def test_a_page_without_a_face_says_so_and_has_nothing_to_zoom(browser, tmp_path):
    page(tmp_path / "a.html", [[]] * 3)
    opened = browser.new_page()
    opened.goto((tmp_path / "a.html").as_uri())
    assert "No face was found" in opened.locator("#hint").inner_text()
    assert opened.locator("#legend li, #chart *").count() == 0
    opened.keyboard.press("+")
    opened.close()


def test_the_chart_is_saved_as_a_picture_of_lines_that_stands_for_itself(tab):
    import xml.etree.ElementTree as Tree

    svg = Tree.fromstring(tab.evaluate("chart.svg(document.title)"))
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in svg.iter(f"{space}text")]
    assert {"Person 1", "Person 2", "fear", "time in the video, min:s"} <= set(texts)
    times = [text for text in texts if re.match("[0-9]", text)]
    assert times == [f"0:0{tenths // 10}.{tenths % 10}" for tenths in range(0, 24, 2)]
    fear = SIX.on_white[Emotion.FEAR]
    areas = [path.get("d") for path in svg.iter(f"{space}path") if path.get("fill") == fear]
    assert areas
    assert max(len(area) for area in areas) > 500
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save as SVG").click()
    assert saved.value.suggested_filename == "a.svg"


def test_keys_of_the_page_play_seek_and_zoom(tab):
    tab.locator("h1").click()
    tab.keyboard.press("ArrowRight")
    wait_until(tab, "!video.seeking")
    assert tab.evaluate("video.currentTime") == pytest.approx(2.4, abs=0.1)
    tab.keyboard.press("ArrowLeft")
    wait_until(tab, "!video.seeking && video.currentTime < 0.1")
    tab.keyboard.press(" ")
    wait_until(tab, "!video.paused || video.ended")
    tab.keyboard.press(" ")
    wait_until(tab, "video.paused")


def test_on_paper_it_is_light_and_whole(tab):
    tab.emulate_media(color_scheme="dark", media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    wait_for_colour(tab, 0, 0.5, SIX.on_white[Emotion.FEAR])
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator(".zoom").is_visible()
    assert not tab.locator("video").is_visible()
    # Drawn as wide as paper is: wider, its words would be squeezed there.
    assert tab.evaluate("document.querySelector('canvas.chart').width / devicePixelRatio") <= 700
    tab.evaluate("dispatchEvent(new Event('afterprint'))")


@pytest.mark.parametrize(("frames", "shown"), [(12, False), (13, True)])
def test_who_is_seen_for_half_a_second_has_a_row(tmp_path, frames, shown):
    """Pictures are 40 ms apart: 12 are 0.48 s and 13 are 0.52 s."""
    seen = [[face("fear", 1)]] * 30 + [[face("fear", 1), face("anger", 2)]] * frames
    found = data(page(tmp_path / "a.html", seen))
    assert [person["name"] for person in found["people"]] == ["Person 1", "Person 2"][: 1 + shown]


def test_several_who_pass_by_are_counted(tmp_path):
    seen = [[face("fear", 1)]] * 30 + [[face("fear", 1), face("anger", 2), face("anger", 3)]] * 5
    found = data(page(tmp_path / "a.html", seen))
    assert found["left_out"] == "2 more people, each seen for less than half a second, are left out."


def test_where_all_pass_by_all_have_rows(tmp_path):
    found = data(page(tmp_path / "a.html", [[face("fear", 1)]] * 5))
    assert ([person["name"] for person in found["people"]], found["left_out"]) == (["Person 1"], "")


def test_times_have_three_digits(tmp_path):
    assert data(page(tmp_path / "a.html", TWO, origin=1 / 3))["begin"] == -0.333


def test_an_interrupted_page_without_a_frame_is_not_kept(tmp_path):
    assert write(tmp_path / "a.html", []).abort() is None
    assert write(tmp_path / "b.html", TWO[:1]).abort().name == "b.partial.html"


@pytest.mark.parametrize("more", [0, 2])
def test_faces_that_were_left_out_are_reported(tmp_path, more):
    sink = HtmlTimeline(tmp_path / "a.html", "clip.mp4")
    for number in range(30):
        one = replace(result(number, face("fear", 1)), left_out=more)
        sink.write(one, one.frame.image)
    sink.close()
    said = "Fear all the time. At least 2 more faces, in at least 30 frames: see --max-faces. Apparent"
    assert (said in (tmp_path / "a.html").read_text()) == bool(more)
