"""A browser with a fake camera, and a server for it; imports wait, since what they need may be missing."""

import pytest


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    from emotion.benchmarks.browser import camera_clip
    from tests.emotion.test_videos import DEMO
    from tests.helpers.browser_page import LAUGHS_FROM

    return camera_clip(tmp_path_factory.mktemp("camera") / "laughs.mjpeg", DEMO, LAUGHS_FROM, 19.0)


@pytest.fixture(scope="module")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright, camera):
    from emotion.benchmarks.browser import launch

    with launch(playwright, camera) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from emotion.benchmarks.browser import server

    with server(tmp_path_factory.mktemp("jobs"), "--viewers", 1, "--provider", "cpu") as address:
        yield address


@pytest.fixture
def visit(browser, address):
    """Open the page as somebody new; at the end nothing may have gone wrong in it."""
    from emotion.benchmarks.browser import Visitor

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
    from tests.helpers.browser_page import cut

    return cut(tmp_path_factory.mktemp("short") / "short laugh.mp4", 18.0)
