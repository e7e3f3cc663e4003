"""The documents as a web site: ``python -m docs.site [FOLDER]``, by default into ``build/site``.

Zensical builds it from a copy of the documents, to which the cards of the models, the change log and the
guide for contributors are added. Then every link, anchor and picture is looked up, and nothing may
be loaded from elsewhere: it can be read without a network, also from the disk. Needs the extra `docs`.
"""

import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
ADDED = {
    "models/zoo/MODEL_CARD.md": "reference/model-card.md",
    "models/zoo/lite/MODEL_CARD.md": "reference/model-card-lite.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "LICENSE.txt",
    "NOTICE": "NOTICE.txt",
    "CITATION.cff": "CITATION.cff.txt",
}
"""Files of the repository that the site has too, and where."""
# Browsers let no worker be loaded from the disk, by which the search runs; this stands in its place there.
_SHIM = "https://unpkg.com/iframe-worker/shim"
_LINK = re.compile(r"(?<!\\)(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def stage(folder: Path) -> None:
    """Copy what the site is built from, with links that fit there."""
    docs = folder / "docs"
    ignored = shutil.ignore_patterns(
        "__pycache__", "zensical.toml", "[a-z]*_[a-z]*.py", "site.py", "pictures.py", "requirements.txt"
    )
    shutil.copytree(ROOT / "docs", docs, ignore=ignored)
    # The examples are shown, whatever they are called.
    shutil.copytree(ROOT / "docs" / "examples", docs / "examples", dirs_exist_ok=True)
    # Docstrings are read where they stand; the code never runs, so nothing of it has to be installed.
    settings = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    settings = settings.replace('paths = ["code"]', f"paths = [{json.dumps(str(ROOT))}]")
    (folder / "zensical.toml").write_text(settings, encoding="utf-8")
    for name, place in ADDED.items():
        shutil.copy(ROOT / name, docs / place)
    was = {place: name for name, place in ADDED.items()}
    for page in docs.rglob("*.md"):
        place = page.relative_to(docs).as_posix()
        text = page.read_text(encoding="utf-8")
        if place in was:
            text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
        page.write_text(relinked(text, was.get(place, f"docs/{place}"), place), encoding="utf-8")


def relinked(text: str, source: str, place: str) -> str:
    """The links of a page that lay at `source` in the repository, for its `place` in the site.

    A link to a file that the site does not have becomes plain text.
    """

    def link(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        path, hash_, anchor = target.partition("#")
        if not path or urlsplit(target).scheme:
            return found[0]
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        there = ADDED.get(whole) or (whole.removeprefix("docs/") if whole.startswith("docs/") else None)
        if there is None:
            return words
        return f"{mark}[{words}]({posixpath.relpath(there, posixpath.dirname(place) or '.')}{hash_}{anchor})"

    return _LINK.sub(link, text)


class _Page(HTMLParser):
    """What a page links to, loads, and can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down one tag."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "stylesheet" in given.get("rel", ""):
            self.loads.append(given["href"])
        elif tag in ("script", "img", "source", "iframe", "video") and given.get("src"):
            self.loads.append(given["src"])


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _wrong_target(page: Path, target: str, pages: Mapping[Path, _Page]) -> str:
    """What is wrong with a link from a page of the site; empty where it is right, or leads elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return ""
    there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    there = there / "index.html" if there.is_dir() else there
    if not there.exists():
        return "is not there"
    if parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
        return "has no such place"
    return ""


def problems(site: Path) -> Iterator[str]:
    """What is wrong with a built site: what leads nowhere, and what is loaded from elsewhere."""
    pages = {
        path.resolve(): _read(path)
        for path in sorted(site.rglob("*.html"))
        if "records/reports" not in path.as_posix()
    }
    for path, page in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        if name == "404.html":
            continue
        for target in page.loads:
            if urlsplit(target).netloc:
                yield f"{name} loads {target}"
        for target in [*page.links, *page.loads]:
            if wrong := _wrong_target(path, target, pages):
                yield f"{name}: {target} {wrong}"
    for style in site.rglob("*.css"):
        for address in re.findall(
            r"(?:url\(|@import )[\"']?(https?://[^\"')]+)", style.read_text(encoding="utf-8")
        ):
            yield f"{style.relative_to(site)} loads {address}"


def bring_home(site: Path) -> None:
    """Let pages load from the site the script that Zensical has them load from elsewhere."""
    for page in site.rglob("*.html"):
        up = "../" * (len(page.relative_to(site).parts) - 1)
        text = page.read_text(encoding="utf-8")
        # What begins a block of code in docstrings has no meaning in Markdown.
        text = text.replace(_SHIM, f"{up}iframe-worker.js").replace("<p>::</p>", "")
        page.write_text(text, encoding="utf-8")


def build(target: Path) -> None:
    """Build the site into a folder; what was there before is gone."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        stage(folder)
        command = [sys.executable, "-m", "zensical", "build", "--clean", "--config-file", "zensical.toml"]
        subprocess.run(command, cwd=folder, check=True)
        bring_home(folder / "site")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "site", target)


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"
    build(where)
    found = list(problems(where))
    print(*found, f"{where / 'index.html'}: {len(found)} problems", sep="\n")
    raise SystemExit(1 if found else 0)
