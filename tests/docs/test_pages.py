"""The pages hold together: links lead somewhere, guides are short, and made pages say what the code says."""

import re
import tomllib
from urllib.parse import unquote

import numpy as np
import pytest

import emotion
from docs import make_reference, site
from emotion.models.manifest import DEFAULT, LITE, ZOO
from emotion.models.small_files import read_json
from emotion.models.voting.vote import VoteWeights
from tests.helpers.paths import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *PAGES, *sorted((ROOT / "models/zoo").rglob("*.md"))]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def name(path):
    return path.relative_to(ROOT).as_posix()


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^[ ]*```.*?^[ ]*```$", "", text, flags=re.S | re.M))


def anchors(text):
    """Those of a document's headings."""
    body = re.sub(r"^[ ]*```.*?^[ ]*```$", "", text, flags=re.S | re.M)
    titles = re.findall(r"^#+ (.+)$", body, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    wrong = []
    for target in LINK.findall(without_code(document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / unquote(path)).resolve() if path else document
        if not there.exists() or (
            anchor and there.suffix == ".md" and anchor not in anchors(there.read_text("utf-8"))
        ):
            wrong.append(target)
    assert wrong == []


def test_each_page_has_its_place_in_the_site():
    settings = tomllib.loads((ROOT / "docs/zensical.toml").read_text())["project"]

    def listed(entry):
        if isinstance(entry, str):
            yield entry
        for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            yield from listed(inner)

    shown = set(listed(settings["nav"]))
    there = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES if "records" not in page.parts}
    assert shown == there | {place for place in site.ADDED.values() if place.startswith("reference/")}
    assert settings["theme"]["font"] is False


def test_a_guide_is_no_longer_than_a_screen():
    guides = [page for page in PAGES if page.parent.name == "how-to" and page.name != "index.md"]
    assert len(guides) > 20
    for guide in guides:
        text = guide.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60, guide.name
        assert len(text.split()) <= 350, guide.name
        assert re.match(r"# .*\?\n", text), f"{guide.name} answers one question, which is its title"
        assert guide.name in (ROOT / "docs/how-to/index.md").read_text()


def test_what_is_made_from_the_code_is_up_to_date():
    """If it is not: ``python -m docs.make_reference``."""
    pytest.importorskip("fastapi", reason="needs the extra 'web'")
    assert [name(path) for path in make_reference.out_of_date()] == []


def test_each_public_name_of_python_is_described():
    page = (ROOT / "docs/reference/python-api.md").read_text()
    described = {place.rpartition(".")[2] for place in re.findall(r"^::: (\S+)$", page, re.M)}
    errors = set(re.findall(r"`emotion\.(\w+Error)`", (ROOT / "docs/reference/exit-codes.md").read_text()))
    assert {name for name in emotion.__all__ if not name.startswith("__")} <= described | errors


def test_the_worked_example_is_what_the_vote_says():
    """Computed here as the page explains it, and by the code that votes; the page shows both alike."""
    weights = VoteWeights.read(DEFAULT)
    stored = read_json(DEFAULT / "weights.json")
    rule = stored["rules"][stored["rule"]]
    said = np.array(list(make_reference.EXAMPLE.values()))
    np.testing.assert_allclose(said.sum(axis=1), 1)
    scores = []
    for e in range(6):
        score = np.exp(rule["bias"][e])
        for term in range(3):
            score *= said[term][e] ** rule["coefficients"][6 * term + e][e]
        scores.append(score)
    vote = np.array(scores) / sum(scores)
    regions, blendshapes = said[:2, None].astype(np.float32), said[2:].astype(np.float32)
    np.testing.assert_allclose(weights.vote(regions, None, blendshapes)[0], vote, atol=1e-4)
    page = (ROOT / "docs/explanation/vote.md").read_text()
    assert f"| **vote** | {' | '.join(f'**{share:.1%}**' for share in vote)} |" in page


def test_the_vote_with_a_region_half_seen_is_what_the_page_says():
    weights = VoteWeights.read(DEFAULT)
    said = np.array(list(make_reference.EXAMPLE.values()), np.float32)
    eyes, lips = 0.9, 0.4
    product = weights.vote(said[:2, None], None, said[2:])[0]
    parts = eyes * lips * product + eyes * (1 - lips) * said[0] + (1 - eyes) * lips * said[1]
    by_the_page = parts / (1 - (1 - eyes) * (1 - lips))
    by_the_code = weights.vote(said[:2, None], np.array([[eyes, lips]], np.float32), said[2:])[0]
    np.testing.assert_allclose(by_the_code, by_the_page, atol=1e-5)


def test_the_release_is_reported_alike_everywhere():
    version = emotion.__version__
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {version}\n" in citation
    changes = re.search(
        rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert changes is not None
    assert f"date-released: {changes[1]}\n" in citation
    assert f"emotion_live-{version}-py3-none-any.whl" in (ROOT / "docs/how-to/install.md").read_text()


def test_the_change_log_keeps_its_form():
    text = (ROOT / "CHANGELOG.md").read_text()
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        found = re.findall(r"^### (\w+)$", part, re.M)
        assert set(found) <= kinds
        assert len(found) == len(set(found)), "a kind of change stands once in a release"


def rows(table):
    """Cells of a Markdown table by row, without bold type; the head is under ``""``."""
    cells = [re.split(r" *\| *", line.strip("| ")) for line in table.splitlines() if line.startswith("|")]
    return {row[0].replace("*", ""): [cell.replace("*", "") for cell in row[1:]] for row in cells}


def test_the_readme_has_the_scores_of_the_cards():
    readme = rows(re.search(r"^\| accuracy .*?\n\n", (ROOT / "README.md").read_text(), re.S | re.M)[0])
    for column, set_ in ((1, "web-faces/test"), (2, "FER+ test")):
        for folder, names in (
            (LITE, {"eyes": "eyes", "lips": "lips", "blendshapes": "blendshapes", "vote": "vote"}),
            (ZOO, {"eyes": "eyes of `--models standard`", "vote": "vote of `--models standard`"}),
        ):
            card = (folder / "MODEL_CARD.md").read_text()
            scores = rows(card.partition(f"<!-- scores of {set_} -->")[2].partition("<!-- end")[0])
            for predictor, row in names.items():
                assert scores[predictor][0].startswith(readme[row][column])
            if folder == LITE:
                assert f"{float(readme['calibration error of the vote'][column]):.3f} " in scores["vote"][-1]


@pytest.mark.parametrize("folder", [LITE, ZOO], ids=["lite", "standard"])
def test_cards_begin_as_hubs_read_them(folder):
    text = (folder / "MODEL_CARD.md").read_text()
    head = re.match(r"---\n(.*?)\n---\n", text, re.S)
    assert head is not None
    for line in (
        "license: other",
        "license_name: research-only",
        "pipeline_tag: image-classification",
        "library_name: onnx",
    ):
        assert line in head[1].splitlines()
    for set_, scores in read_json(folder / "weights.json")["scores"].items():
        assert f"name: {set_}\n" in head[1]
        assert f"value: {scores['accuracy']:.4f}\n" in f"{head[1]}\n"


def test_links_fit_where_a_page_lies_in_the_site():
    text = (
        "[card](models/zoo/MODEL_CARD.md#scores) [code](emotion/api.py) [web](https://x.org) [here](#a) "
        "[p](docs/index.md)"
    )
    assert site.relinked(text, "CONTRIBUTING.md", "contributing.md") == (
        "[card](reference/model-card.md#scores) code [web](https://x.org) [here](#a) [p](index.md)"
    )


def test_a_site_with_a_dead_link_or_something_from_elsewhere_is_reported(tmp_path):
    (tmp_path / "b.html").write_text("<h1 id='top'>b</h1>")
    (tmp_path / "a.html").write_text(
        "<a href='b.html#top'></a><a href='b.html#none'></a><a href='c.html'></a><script src='https://x.org/a.js'></script>"
        "<a href='https://x.org/'></a>"
    )
    (tmp_path / "a.css").write_text("@import 'https://fonts.org/a.css';")
    assert sorted(site.problems(tmp_path)) == [
        "a.css loads https://fonts.org/a.css",
        "a.html loads https://x.org/a.js",
        "a.html: b.html#none has no such place",
        "a.html: c.html is not there",
    ]


def test_links_of_the_copy_that_the_site_is_built_from_lead_somewhere(tmp_path):
    site.stage(tmp_path)
    docs = tmp_path / "docs"
    wrong = []
    for page in docs.rglob("*.md"):
        for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
            path = unquote(target.partition("#")[0])
            if path and not re.match(r"[a-z]+:", path) and not (page.parent / path).exists():
                wrong.append((page.relative_to(docs).as_posix(), target))
    assert wrong == []
    assert not list(docs.glob("*.py"))
    assert (docs / "examples" / "own_loop.py").is_file()
