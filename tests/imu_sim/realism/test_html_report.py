from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from imu_sim.errors import ImuSimError
from imu_sim.realism.html_report import Figure, Section, Table, drawn, write_report


class Outline(HTMLParser):
    """Headings, links, cells and images of a page; unclosed elements are kept in `open`."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: dict[str, list[str]] = {}
        self.attributes: dict[str, list[dict[str, str | None]]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.setdefault(tag, []).append(dict(attrs))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def test_the_page_holds_every_section_figure_and_cell(tmp_path: Path) -> None:
    sections = [
        Section("First part", ("Less < more & so on.",), (Figure(b"\x89PNG", 'a "figure"'),)),
        Section("Second", tables=(Table("numbers", ("name", "value"), (("a", "1.5"), ("b", "-2"))),)),
        Section("Third", tables=(Table("long", ("x",), (("y",),), folded=True),)),
    ]
    path = tmp_path / "new" / "page.html"
    write_report(path, "A title", sections)
    page = Outline()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.text["h1"] == ["A title"]
    assert page.text["h2"] == ["First part", "Second", "Third"]
    assert page.text["a"] == ["First part", "Second", "Third"]
    anchors = [s["id"] for s in page.attributes["section"]]
    assert [a["href"] for a in page.attributes["a"]] == [f"#{anchor}" for anchor in anchors]
    assert "Less < more & so on." in "".join(page.text["p"])
    (image,) = page.attributes["img"]
    assert image["alt"] == 'a "figure"'
    assert base64.b64decode(str(image["src"]).partition(",")[2]) == b"\x89PNG"
    assert page.text["td"] == ["a", "1.5", "b", "-2", "y"]
    assert [cell.get("class") for cell in page.attributes["td"]] == [None, "number", None, "number", None]
    assert page.text["summary"] == ["long"]
    # Nothing is loaded from elsewhere.
    assert not re.search(r"(src|href)=\"(?!#|data:)", path.read_text(encoding="utf-8"))


def test_rows_of_another_length_and_folders_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImuSimError, match="rows of 2 cells"):
        Table("x", ("a", "b"), (("1",),))
    (tmp_path / "file").write_text("")
    with pytest.raises(ImuSimError, match="give another --out"):
        write_report(tmp_path / "file" / "page.html", "t", [])


def test_a_drawn_figure_is_a_picture_and_is_closed() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="no matplotlib: pip install matplotlib")
    before = pyplot.get_fignums()
    figure, axis = pyplot.subplots(figsize=(2.0, 1.0))
    axis.plot([0, 1])
    found = drawn(figure, "a line")
    assert found.png.startswith(b"\x89PNG\r\n")
    assert len(found.png) > 500
    assert pyplot.get_fignums() == before
