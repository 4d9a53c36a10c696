"""A self-contained HTML page made of sections."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from face_model.outputs import write_whole
from imu_sim.errors import ImuSimError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True)
class Figure:
    """A picture with what it shows.

    Attributes:
        png: the picture, encoded as PNG.
        caption: one or two sentences, plain text.
    """

    png: bytes
    caption: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading.

    Attributes:
        caption: what it lists, plain text.
        header: titles of the columns.
        rows: cells, each row as long as the header; numbers are right-aligned by the page.
        folded: whether the reader must open it to see it: for long tables.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False

    def __post_init__(self) -> None:
        wrong = [row for row in self.rows if len(row) != len(self.header)]
        if wrong:
            raise ImuSimError(f"table {self.caption!r}: expected rows of {len(self.header)} cells, found {wrong[0]!r}")


@dataclass(frozen=True)
class Section:
    """A part of the page: text, then figures, then tables.

    Attributes:
        title: heading.
        text: paragraphs, plain text.
        figures: in order.
        tables: in order.
    """

    title: str
    text: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()


def drawn(figure: MatplotlibFigure, caption: str) -> Figure:
    """A matplotlib figure as a picture; the figure is closed."""
    from matplotlib import pyplot

    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    pyplot.close(figure)
    return Figure(data.getvalue(), caption)


def write_report(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page; folders are made as needed.

    Raises:
        ImuSimError: a folder cannot be made.
        OutputError: the disk is full or the folder cannot be written.
    """
    body = "\n".join(_section(section) for section in sections)
    contents = "".join(f'<li><a href="#{_anchor(s)}">{escape(s.title)}</a></li>' for s in sections)
    page = _PAGE.format(title=escape(title), contents=contents, body=body)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImuSimError(f"expected to write {path}, found: {error}; give another --out") from error
    write_whole(path, lambda part: part.write_text(page, encoding="utf-8"))


def _section(section: Section) -> str:
    parts = [f'<section id="{_anchor(section)}"><h2>{escape(section.title)}</h2>']
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
    for figure in section.figures:
        data = base64.b64encode(figure.png).decode("ascii")
        caption = escape(figure.caption)
        image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
        parts.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    parts += [_table(table) for table in section.tables]
    return "\n".join([*parts, "</section>"])


def _table(table: Table) -> str:
    header = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>\n" for row in table.rows)
    if table.folded:
        return (
            f"<details><summary>{escape(table.caption)}</summary>"
            f"<table><thead><tr>{header}</tr></thead><tbody>\n{rows}</tbody></table></details>"
        )
    return (
        f"<table><caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{header}</tr></thead><tbody>\n{rows}</tbody></table>"
    )


def _cell(text: str) -> str:
    number = text[:1].isdigit() or (text[:1] in "+-−" and text[1:2].isdigit())
    return f'<td class="number">{escape(text)}</td>' if number else f"<td>{escape(text)}</td>"


def _anchor(section: Section) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in section.title.lower()).split())


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }}
h1, h2 {{ line-height: 1.2; }}
h2 {{ margin-top: 3rem; border-bottom: 1px solid #ccd3dc; padding-bottom: .3rem; }}
figure {{ margin: 2rem 0; }}
img {{ max-width: 100%; height: auto; }}
figcaption, caption, summary {{ color: #4a5666; text-align: left; }}
table {{ border-collapse: collapse; font-size: .9rem; margin: 1.5rem 0; }}
th, td {{ padding: .2rem .7rem; border-bottom: 1px solid #e3e7ec; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul>{contents}</ul>
{body}
</body>
</html>
"""
