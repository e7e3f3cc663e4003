"""The pictures of the page: which there are, and what is reported of them."""

import pytest

pytest.importorskip("axe_playwright_python", reason="needs the extra 'dev'")
pytest.importorskip("fastapi", reason="needs the extra 'web'")

from emotion.benchmarks import screens
from emotion.benchmarks.screens import Look, markdown
from emotion.web.http import app


def test_there_are_forty_pictures_and_more_in_both_schemes_enlarged_and_in_forced_colours():
    assert len(screens.VIEWS) * len(screens.WINDOWS) >= 40
    for width in (375, 768, 1280, 1920):
        for scheme in ("light", "dark"):
            window = screens.WINDOWS[f"{width}-{scheme}"]
            assert (window["viewport"]["width"], window["color_scheme"]) == (width, scheme)
    assert screens.WINDOWS["200%"]["device_scale_factor"] == 2
    assert screens.WINDOWS["forced"]["forced_colors"] == "active"


def test_the_cookie_is_that_of_the_page():
    assert screens.VISITOR == app.VISITOR


def test_what_was_found_is_reported_with_its_window():
    looks = [Look("about", "375-dark", (), 0), Look("about", "1920-light", ("color-contrast",), 12)]
    assert "| about | 2 | color-contrast (1920-light) | 12 px (1920-light) |" in markdown(looks)
    assert "| about | 1 | 0 | 0 |" in markdown(looks[:1])
