"""`imusic takes export`: the faces of a take as a file of another tool."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from imusic_cli.errors import UsageError
from imusic_cli.take_options import End, Namespace, Start, TakeName, Wearer, err
from imusic_cli.take_words import many, size_text

TELL_S = 0.3
"""Between two words on how far an export is, for programs."""


def export(
    take: TakeName,
    to: Annotated[
        str | None,
        typer.Option(
            help="livelink-csv, glb, vrma, joints, flame, json, npz, parquet, video or gif; by default by the suffix."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File to write. [the take's name, here]")] = None,
    wearer: Wearer = None,
    namespace: Namespace = None,
    start: Start = 0.0,
    end: End = None,
    fps: Annotated[
        str | None,
        typer.Option(
            help="Faces per second, or `recorded`. [60 for CSV, 50 for joints, 30 for video, 20 for GIF, else recorded]"
        ),
    ] = None,
    rig: Annotated[str, typer.Option(help="For glb, video, gif: `head`, or a rig file.")] = "head",
    correctives: Annotated[
        bool, typer.Option(help="For glb: also the rig's correctives, as further morph targets.")
    ] = False,
    width: Annotated[int, typer.Option(help="For video and gif, pixels.")] = 640,
    curves: Annotated[
        str, typer.Option(help="For video and gif: shapes such as jawOpen,mouthSmile. [those that move most]")
    ] = "",
    robot: Annotated[str, typer.Option(help="For joints: a robot head's name or YAML file.")] = "demo_head",
    map_file: Annotated[
        Path | None, typer.Option("--map", help="For flame: what `imusic retarget flame` wrote.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print progress and result as JSON objects, a line each, and nothing else there."),
    ] = False,
) -> None:
    """Write the faces of a take as a file of another tool."""
    from face_recording.take_folder import safe_name
    from face_recording.takes.exporting import FORMATS, Export, check_export, format_of
    from face_recording.takes.exporting import export as export_take
    from face_recording.takes.listing import find_take

    kind = format_of(to, out)
    folder = find_take(take)
    suffix = next(
        (s for s in FORMATS[kind].suffixes if to and to.lower().lstrip(".") == s[1:]), FORMATS[kind].suffixes[0]
    )
    path = out or Path(f"{safe_name((folder if folder.is_dir() else folder.parent).resolve().name) or 'take'}{suffix}")
    shapes = tuple(word.strip() for word in curves.split(",") if word.strip())
    asked = Export(kind, path.expanduser(), wearer, namespace, start, end, _rate(fps), rig, correctives, width, shapes,
                   robot, map_file)  # fmt: skip
    check_export(asked, force)
    with _telling() if as_json else _drawing(kind) as progress:
        done = export_take(folder, asked, progress)
    if as_json:
        told = {"path": str(done.path), "faces": done.faces, "bytes": done.path.stat().st_size, "notes": done.notes}
        print(json.dumps(told), flush=True)  # noqa: T201
        return
    size = size_text(done.path.stat().st_size)
    err.print(f"written: {done.path}: {many(done.faces, 'face')}, {size}", highlight=False, soft_wrap=True)
    for note in done.notes:
        err.print(note, highlight=False, soft_wrap=True)


def _rate(text: str | None) -> float | None:
    from face_recording.takes.exporting import RECORDED

    if text is None:
        return None
    if text.strip().lower() == "recorded":
        return RECORDED
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not rate > 0.0:
        raise UsageError(f"expected frames per second, or `recorded`, for --fps, found {text}; give one of them")
    return rate


@contextmanager
def _telling() -> Iterator[Any]:
    """Tells programs how many pictures are drawn, a few times a second."""
    told_s = 0.0

    def tell(done: int, of: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_S or done == of:
            told_s = now_s
            print(json.dumps({"done": done, "of": of}), flush=True)  # noqa: T201

    yield tell


@contextmanager
def _drawing(kind: str) -> Iterator[Any]:
    """Shows how many pictures are drawn; for other formats, that something is done."""
    from face_recording.takes.exporting import FORMATS

    if not FORMATS[kind].has_picture:
        with err.status("exporting"):
            yield lambda done, of: None
        return
    columns = (TextColumn("drawing", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("drawing", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
