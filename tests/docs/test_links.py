"""Every link of the documents leads somewhere: to a file, and to a heading of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "firmware" / "README.md"]
COMING = {"python.md"}
"""Named in the index before they are written; to be emptied when they are."""


def links(page: Path) -> list[str]:
    """Targets of links and pictures that are not addresses of the web."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if target.parent == ROOT / "docs" and target.name in COMING:
            continue
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES if page.parent == ROOT / "docs"} - {"README.md"}
    assert not {name for name in pages if f"({name})" not in index}


def missing_paths(page: Path, bases: list[Path]) -> list[str]:
    """Files in backquotes that stand in none of the folders."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    paths = re.findall(r"`([\w.-][\w./-]*/[\w.-]+\.(?:py|yaml|msg|srv|action|md|csv))`", prose)
    real = [path for path in paths if "NAME" not in path]
    return [f"{page.name}: {path}" for path in real if not any((base / path).exists() for base in bases)]


def test_paths_in_the_prose_exist() -> None:
    """From the top or from a room, so that a file that was renamed is named by its new name."""
    rooms = [path.parent for layer in ("src", "lab") for path in ROOT.glob(f"{layer}/*/__init__.py")]
    bases = [ROOT, ROOT / "docs", ROOT / "src", ROOT / "lab", *rooms]
    # The changelog names what was.
    assert not [path for page in PAGES if page.name != "CHANGELOG.md" for path in missing_paths(page, bases)]
