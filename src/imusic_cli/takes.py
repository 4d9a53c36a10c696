"""`imusic takes`: options are read here; `face_recording.takes` does the work, and is imported when it is needed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from imusic_cli.errors import CommandError, UsageError
from imusic_cli.verbs import load_module

if TYPE_CHECKING:
    from face_recording.takes.listing import TakeSummary

TELL_S = 0.3
"""Between two words on how far an export is, for programs."""

app = typer.Typer(no_args_is_help=True, help="Recordings: list, name, check, cut, export, make data sets of them.")
out_console = Console(markup=False)
err = Console(stderr=True, markup=False)

TakeName = Annotated[str, typer.Argument(metavar="TAKE", help="A take: its folder, a part of its name, or `last`.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Wearer = Annotated[str | None, typer.Option(help="Whose face, where several are recorded.")]
Namespace = Annotated[str | None, typer.Option(help="Whose face, by ROS namespace.")]
Start = Annotated[float, typer.Option(help="s after the first face.")]
End = Annotated[float | None, typer.Option(help="s after the first face; by default the take's end.")]


@app.command("list")
def list_takes(
    folder: Annotated[Path | None, typer.Argument(help="Folder of takes. [$IMUSIC_TAKES, or ~/imusic_takes]")] = None,
    as_json: Json = False,
) -> None:
    """List the takes, the oldest first."""
    from face_recording.take_folder import takes_folder
    from face_recording.takes.listing import all_summaries

    place = folder or takes_folder()
    if folder is not None and not folder.is_dir():
        raise CommandError(f"expected a folder of takes at {folder}, found none; check the path")
    summaries = list(all_summaries(place))
    if as_json:
        print(json.dumps([_plain(summary) for summary in summaries], indent=2))  # noqa: T201
        return
    table = Table(box=None, title=str(place), title_justify="left", padding=(0, 2, 0, 0))
    table.add_column("take", overflow="fold")
    for heading in ("length", "wearer", "faces/s", "lost", "no face", "size", "state"):
        table.add_column(heading, no_wrap=heading not in ("wearer", "state"), overflow="fold")
    for summary in summaries:
        table.add_row(*_row(summary))
    out_console.print(table)
    if not summaries:
        err.print("no take yet; record one: imusic record", highlight=False)


@app.command()
def show(take: TakeName, as_json: Json = False) -> None:
    """Say what is known of a take: its sheet, its topics, its size."""
    from face_recording.takes.listing import find_take, summarise
    from face_recording.takes.reading import opened

    folder = find_take(take)
    summary = summarise(folder)
    with opened(folder) as bag:
        topics = {name: (topic.kind, topic.count) for name, topic in sorted(bag.topics.items())}
    if as_json:
        told = {**_plain(summary), **_sheet_of(folder), "topics": {n: {"type": k, "count": c} for n, (k, c) in
                                                                  topics.items()}}  # fmt: skip
        print(json.dumps(told, indent=2))  # noqa: T201
        return
    table = Table(show_header=False, title=str(folder))
    table.add_row("file", summary.state)
    for key, value in _sheet_of(folder).items():
        # The messages stand in the second table, what is missing below: once each.
        if key not in ("messages", "lost", "samples_without_face", "duration_s"):
            table.add_row(_SHEET_WORDS.get(key, key), "\n".join(_lines(value)))
    table.add_row("length", summary.length)
    table.add_row("faces", f"{_count(summary.faces)}, {summary.rate_hz:.1f} per second")
    table.add_row("lost", _count(summary.lost))
    table.add_row("samples without a face", _count(summary.samples_without_face))
    table.add_row("size", _size(summary.bytes))
    out_console.print(table)
    listed = Table("topic", "type", "messages")
    for name, (kind, count) in topics.items():
        listed.add_row(name, kind, _count(count))
    out_console.print(listed)


@app.command()
def name(
    take: TakeName,
    wearer: Annotated[str | None, typer.Option(help="Who wore the sensors.")] = None,
    name: Annotated[str | None, typer.Option(help="What the take is called.")] = None,
    notes: Annotated[str | None, typer.Option(help="What is worth knowing of it.")] = None,
) -> None:
    """Say who wore the sensors, what a take is called, and what is worth knowing; '' takes it back."""
    from face_recording.take_sheet import TakeSheet, read_sheet, write_sheet
    from face_recording.takes.listing import find_take

    folder = find_take(take)
    given: dict[str, Any] = {
        key: value for key, value in {"wearer": wearer, "name": name, "notes": notes}.items() if value is not None
    }
    if not given:
        raise UsageError("expected --wearer, --name or --notes, found none of them; say what to write")
    if not folder.is_dir():
        raise CommandError(f"expected the folder of a take, found the file {folder}; name its folder")
    write_sheet(folder, replace(read_sheet(folder) or TakeSheet(), **given))
    err.print(f"written: {folder / 'take.yaml'}", highlight=False, soft_wrap=True)


@app.command()
def trim(
    take: TakeName,
    start: Start = 0.0,
    end: End = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", help="A name in the folder of takes, or a path (./x). [beside the take, ..._START-END]"
        ),
    ] = None,
) -> None:
    """Make a new take of a part, which replays bit for bit like the whole."""
    from face_model.share import is_path
    from face_recording.take_folder import takes_folder
    from face_recording.takes.listing import find_take
    from face_recording.takes.trimming import trim as trim_take

    folder = find_take(take)
    until = "end" if end is None else f"{end:g}"
    whole = (folder if folder.is_dir() else folder.parent).resolve()
    target = whole.with_name(f"{whole.name}_{start:g}-{until}")
    if out is not None:
        if not out:
            raise UsageError(
                "expected a name or a path for -o, found nothing; leave it out for a folder beside the take"
            )
        target = Path(out).expanduser() if is_path(out) else takes_folder() / out
        if not is_path(out):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with err.status("cutting"):
        done = trim_take(folder, target, start, end)
    lead = f", with {done.lead_in_s:.1f} s of lead-in before it for replays" if done.lead_in_s > 0.05 else ""
    err.print(f"written: {done.folder}: {_many(done.messages, 'message')}{lead}", highlight=False, soft_wrap=True)
    for note in done.notes:
        err.print(note, highlight=False, soft_wrap=True)


@app.command()
def check(
    take: TakeName,
    namespace: Namespace = None,
    mend: Annotated[bool, typer.Option(help="First mend a take whose recorder was killed.")] = False,
    as_json: Json = False,
) -> None:
    """Say how good a take is; the exit status is 1 where something is not as it should be."""
    from face_recording.takes.checking import check as check_take
    from face_recording.takes.listing import find_take

    folder = find_take(take)
    if mend:
        from face_recording.repair import repair

        done = repair(folder) if folder.is_dir() else None
        if done is not None:
            err.print(f"mended: {', '.join(done.mended) or 'its metadata'}", highlight=False, soft_wrap=True)
    with err.status("reading"):
        verdict = check_take(folder, namespace)
    if as_json:
        print(verdict.to_json())  # noqa: T201
    else:
        table = Table("", "about", "found", title=str(folder))
        colors = {"good": "green", "remark": "cyan", "warning": "yellow", "bad": "red"}
        for finding in verdict.findings:
            grade = finding.grade.value
            table.add_row(Text(grade, colors[grade]), finding.about, finding.text)
        out_console.print(table)
        out_console.print(Text(verdict.words, "green" if verdict.usable else "red"))
    raise typer.Exit(0 if verdict.usable else 1)


@app.command()
def remove(
    take: TakeName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a take."""
    from face_recording.takes.listing import find_take, remove_take, summarise

    folder = find_take(take)
    if not yes:
        summary = summarise(folder)
        told = f"{folder}, {summary.length}, {_size(summary.bytes)}"
        if not typer.confirm(f"Delete {told}?", default=False, err=True):
            raise CommandError(f"{folder} stays")
    rest = remove_take(folder)
    err.print(f"removed: {folder}", highlight=False, soft_wrap=True)
    if rest:
        err.print(f"not of the take, and left: {', '.join(map(str, rest))}", highlight=False, soft_wrap=True)


@app.command()
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
    err.print(f"written: {done.path}: {_many(done.faces, 'face')}, {_size(done.path.stat().st_size)}", highlight=False,
              soft_wrap=True)  # fmt: skip
    for note in done.notes:
        err.print(note, highlight=False, soft_wrap=True)


@app.command()
def dataset(
    takes: Annotated[list[str], typer.Argument(metavar="TAKE...", help="Takes with a reference beside the sensors.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the data set; made anew.")],
    split: Annotated[str, typer.Option(help="What they are for: train, validation or test.")] = "test",
    namespace: Namespace = None,
    model: Annotated[str, typer.Option(help="Model whose sensors are worn: a name or a folder.")] = "imusic",
    licence: Annotated[str, typer.Option(help="Of the recordings, for the data set's manifest.")] = "",
) -> None:
    """Make a data set, labelled by the phone or webcam beside the sensors, for `imusic evaluate` and `imusic train`."""
    from face_recording.takes.listing import find_take

    store = load_module("face_evaluation.take_datasets").store_takes
    folders = [find_take(take) for take in takes]
    with err.status("reading") as status:
        for line in store(out, folders, split, namespace, model, licence, status.update):
            err.print(line, highlight=False, soft_wrap=True)


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


def _sheet_of(folder: Path) -> dict[str, Any]:
    from face_recording.take_sheet import TakeSheetError, read_sheet

    try:
        sheet = read_sheet(folder) if folder.is_dir() else None
    except TakeSheetError:
        return {}
    if sheet is None:
        return {}
    values = asdict(sheet)
    other: dict[str, Any] = values.pop("other")
    return {key: value for key, value in {**values, **other}.items() if value != ""}


_SHEET_WORDS = {"state": "recording", "imusic": "recorded with imusic"}


def _lines(value: Any, indent: str = "") -> Iterator[str]:
    """A value of `take.yaml` as people read it: a line for each entry of what is nested."""
    entries = value.items() if isinstance(value, dict) else [("-", entry) for entry in value] if isinstance(
        value, list) else None  # fmt: skip
    if entries is None:
        yield f"{indent}{value}"
        return
    if not entries:
        yield f"{indent}none"
    for key, entry in entries:
        if isinstance(entry, dict | list) and entry:
            yield f"{indent}{key}"
            yield from _lines(entry, indent + "  ")
        else:
            yield f"{indent}{key}: {'none' if isinstance(entry, dict | list) else entry}"


def _plain(summary: TakeSummary) -> dict[str, Any]:
    return asdict(summary) | {"folder": str(summary.folder)}


def _row(summary: TakeSummary) -> list[str | Text]:
    from face_recording.take_folder import safe_name

    whole = summary.state == "whole"
    # The recorder's folders begin with date and time.
    began = "" if summary.folder.name[:4].isdigit() else f" ({summary.created[:16].replace('T', ' ')})"
    named = f" “{summary.name}”" if summary.name and safe_name(summary.name) not in summary.folder.name else ""
    return [
        f"{summary.folder.name}{began}{named}",
        summary.length,
        ", ".join(summary.wearers),
        f"{summary.rate_hz:.1f}",
        _count(summary.lost),
        _count(summary.samples_without_face),
        _size(summary.bytes),
        Text(summary.state, "" if whole else "yellow"),
    ]


def _count(number: int) -> str:
    return "?" if number < 0 else str(number)


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number < 1e9 else f"{number / 1e9:.2f} GB"


@app.command()
def pair(
    take: TakeName,
    csv: Annotated[
        Path | None, typer.Argument(help="Live Link Face CSV of the same face. [the take's own face/reference]")
    ] = None,
    model: Annotated[str, typer.Option(help="Model whose sensors the take has: a name or a folder.")] = "",
    wearer: Wearer = None,
    namespace: Namespace = None,
    fps: Annotated[float | None, typer.Option(help="Of the CSV, where its timecodes do not tell.")] = None,
    mark: Annotated[
        list[float] | None,
        typer.Option(help="When the chin unit was tapped, s on the camera's clock; once for each tap."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a take and a phone's or webcam's view of it onto one clock; writes pairing.yaml beside the take."""
    from face_inference.model_folder import load_model
    from face_recording.takes.listing import find_take
    from face_recording.takes.pairing import pair_take, write_pairing
    from imusic_cli.learning import DEFAULT_MODEL

    folder = find_take(take)
    description = load_model(model or DEFAULT_MODEL).description
    found = pair_take(folder, description, csv, wearer=wearer, namespace=namespace, fps=fps, marks_s=tuple(mark or ()))
    if folder.is_dir():
        err.print(f"written: {write_pairing(folder, found)}", highlight=False, soft_wrap=True)
    err.print(found.summary, style="yellow" if found.quality == "poor" else "green", highlight=False, soft_wrap=True)
    for note in found.notes:
        err.print(note, style="yellow", highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(found.content(), indent=2))  # noqa: T201
