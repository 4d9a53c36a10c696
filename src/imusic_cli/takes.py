"""`imusic takes`: options are read here; `face_recording.takes` does the work, and is imported when it is needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from imusic_cli.errors import CommandError, UsageError
from imusic_cli.take_export import export
from imusic_cli.take_options import End, Json, Namespace, Start, TakeName, Wearer, err, out_console
from imusic_cli.take_words import SHEET_WORDS, count_text, lines_of, many, row_of, sheet_of, size_text, summary_values
from imusic_cli.verbs import load_module

WIDE = 160
"""Columns of a table that goes into a file or another program."""

app = typer.Typer(no_args_is_help=True, help="Recordings: list, name, check, cut, export, make data sets of them.")


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
        print(json.dumps([summary_values(summary) for summary in summaries], indent=2))  # noqa: T201
        return
    table = Table(box=None, title=str(place), title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("take", "length", "wearer", "faces/s", "lost", "no face", "size", "state"):
        table.add_column(heading, no_wrap=heading not in ("wearer", "state"), overflow="fold")
    for summary in summaries:
        table.add_row(*row_of(summary))
    out_console.print(table, width=None if out_console.is_terminal else WIDE)
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
        told = {**summary_values(summary), **sheet_of(folder), "topics": {n: {"type": k, "count": c} for n, (k, c) in
                                                                  topics.items()}}  # fmt: skip
        print(json.dumps(told, indent=2))  # noqa: T201
        return
    table = Table(show_header=False, title=str(folder))
    table.add_row("file", summary.state)
    for key, value in sheet_of(folder).items():
        # The messages stand in the second table, what is missing below: once each.
        if key not in ("messages", "lost", "samples_without_face", "duration_s"):
            table.add_row(SHEET_WORDS.get(key, key), "\n".join(lines_of(value)))
    table.add_row("length", summary.length)
    table.add_row("faces", f"{count_text(summary.faces)}, {summary.rate_hz:.1f} per second")
    table.add_row("lost", count_text(summary.lost))
    table.add_row("samples without a face", count_text(summary.samples_without_face))
    table.add_row("size", size_text(summary.bytes))
    out_console.print(table)
    listed = Table("topic", "type", "messages")
    for name, (kind, count) in topics.items():
        listed.add_row(name, kind, count_text(count))
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
    err.print(f"written: {done.folder}: {many(done.messages, 'message')}{lead}", highlight=False, soft_wrap=True)
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
        told = f"{folder}, {summary.length}, {size_text(summary.bytes)}"
        if not typer.confirm(f"Delete {told}?", default=False, err=True):
            raise CommandError(f"{folder} stays")
    rest = remove_take(folder)
    err.print(f"removed: {folder}", highlight=False, soft_wrap=True)
    if rest:
        err.print(f"not of the take, and left: {', '.join(map(str, rest))}", highlight=False, soft_wrap=True)


app.command()(export)


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
