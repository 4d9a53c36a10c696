"""`imusic wearer`: what is known of those who wear the sensors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.align import Align
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imusic_cli.errors import CommandError, UsageError
from imusic_cli.namespace import parsed_namespace

if TYPE_CHECKING:
    from face_inference.wearer.profile import ProfileLabel

app = typer.Typer(no_args_is_help=True, help="Teach a model who wears the sensors, and keep what it learned.")
out = Console(markup=False)
err = Console(stderr=True, markup=False)

Name = Annotated[str, typer.Argument(help="Whose profile.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Namespace = Annotated[
    str, typer.Option(help="ROS namespace of the running graph.", parser=parsed_namespace, metavar="NAME")
]
Model = Annotated[
    str, typer.Option(help="Model: a name or a folder; by default the one that the profile was learned with.")
]
WORN_WORDS = {
    "wearer": "wearer",
    "learn_while_worn": "learning while worn",
    "worn_s": "motion that was looked at, s",
    "worn_rounds_kept": "rounds of 20 s kept",
    "worn_rounds_rejected": "rounds that were no better on fresh motion",
    "wearer_fits": "the profile fits this gluing",
}
"""What each value is called here, by its name in the diagnostics."""


class Worn(str, Enum):
    """What to do about learning while worn."""

    SHOW = "show"
    ON = "on"
    OFF = "off"
    FORGET = "forget"


Fps = Annotated[
    float | None, typer.Option(help="The phone's frames per second, for a CSV whose timecodes do not tell them.")
]


@app.command()
def routine(
    name: Name,
    phone: Annotated[
        Path | None, typer.Option(help="Live Link Face CSV that a phone records meanwhile: its weights are the labels.")
    ] = None,
    fps: Fps = None,
    model: Model = "",
    namespace: Namespace = "",
    bell: Annotated[bool, typer.Option(help="Ring at each change, for eyes that are shut.")] = True,
    as_json: Json = False,
) -> None:
    """Guide the wearer through a minute of prompts in a running graph, and keep what it learned."""
    from imusic_cli.guide import follow_routine

    if phone is not None:
        err.print("Start the phone's recording now; it must see your whole face until the end. Then press Enter.")
        input()
    with _prompter(bell) as show:
        guided = follow_routine(name, namespace, show)
    if not guided.success:
        raise CommandError(guided.message)
    told: dict[str, Any] = asdict(guided)
    err.print(guided.message, style="green", highlight=False)
    if phone is not None:
        err.print(f"Stop the phone's recording and bring its CSV to {phone}. Then press Enter.", highlight=False)
        input()
        told["learned"] = _learned(name, [], [phone], model, namespace, fps, force=False, as_json=False)
    if as_json:
        print(json.dumps(told, indent=2))  # noqa: T201


@app.command()
def align(
    tolerant: Annotated[
        bool,
        typer.Option(help="Go on without sensors that do not turn with the skull, and where some seem exchanged."),
    ] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Go back to the layout's mountings, at once.")] = False,
    namespace: Namespace = "",
    bell: Annotated[bool, typer.Option(help="Ring at each change, for eyes that are shut.")] = True,
    as_json: Json = False,
) -> None:
    """Learn how each sensor is glued on from a nod and a shake of the head (10 s), in a running graph.

    Do it before the routine, whenever boards were glued on anew. A profile in use keeps what was learned.
    """
    from imusic.action import AlignSensors

    _aligned(AlignSensors.Goal(tolerant=tolerant, forget=forget), namespace, bell, as_json)


@app.command()
def neutral(namespace: Namespace = "", as_json: Json = False) -> None:
    """Take the neutral anew: relax, look ahead and keep still for two seconds, in a running graph."""
    from imusic.action import AlignSensors

    _aligned(AlignSensors.Goal(still_only=True), namespace, False, as_json)


@app.command()
def tap(
    taps: Annotated[int, typer.Option(help="How many to wait for.", min=1, max=50)] = 3,
    sensor: Annotated[str, typer.Option(help="Sensor that is tapped.")] = "mentalis",
    patience: Annotated[float, typer.Option(help="How long to wait for them, s.", min=1.0, max=300.0)] = 20.0,
    namespace: Namespace = "",
    as_json: Json = False,
) -> None:
    """Find taps on the chin's sensor, to align a video or another recording with the capture, in a running graph.

    Tap with a fingertip, not in step. Each tap goes into a recording under way, as a message on face/tap.
    """
    from imusic.action import FindTaps

    from imusic_cli.guide import find_taps

    goal = FindTaps.Goal(sensor=sensor, taps=taps, patience=patience)
    with err.status(f"Tap {taps} times on the sensor {sensor}, not in step.") as status:
        result = find_taps(
            goal, namespace, lambda told: status.update(f"{told.found} of {taps} taps, {told.time_left:.0f} s left")
        )
    stamps = [stamp.sec + 1e-9 * stamp.nanosec for stamp in result.stamps]
    if as_json:
        told = {"success": result.success, "message": result.message, "quality": result.quality}
        print(json.dumps(told | {"stamps": stamps, "heights": list(result.heights)}, indent=2))  # noqa: T201
    if not result.success:
        raise CommandError(result.message)
    err.print(result.message, style="green", highlight=False)
    if not as_json:
        for stamp, height in zip(stamps, result.heights, strict=True):
            out.print(f"{stamp:.3f}  {height:.0f} m/s2", highlight=False)


@app.command()
def learn(
    name: Name,
    takes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TAKE]...", help="Takes of one gluing: folders, parts of their names, or `last`."),
    ] = None,
    csv: Annotated[
        list[Path] | None,
        typer.Option(
            help="Live Link Face CSV that a phone recorded: one for each take, or, without takes, one of the routine."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write the profile even if it reads worse than before.")
    ] = False,
    model: Model = "",
    namespace: Namespace = "",
    fps: Fps = None,
    as_json: Json = False,
) -> None:
    """Learn a profile from natural motion beside a phone or a webcam; a running graph uses it at once."""
    from face_recording.takes.listing import find_take

    if not takes and not csv:
        raise UsageError("expected a take, or the --csv of a phone beside the routine, found neither; give one")
    folders = [find_take(take) for take in takes or ()]
    told = _learned(name, folders, list(csv or ()), model, namespace, fps, force, as_json)
    if told["refused"]:
        raise CommandError(told["refused"])


@app.command()
def use(name: Name, namespace: Namespace = "") -> None:
    """Let a running graph use a profile; '' means an unknown wearer."""
    from imusic_cli.guide import use_wearer

    answer = use_wearer(name, namespace)
    if answer is None:
        raise CommandError("expected a running graph, found none; start `imusic capture`, with the same --namespace")
    err.print(answer, highlight=False)


@app.command()
def worn(
    what: Annotated[
        Worn, typer.Argument(help="`show` how it goes; turn it `on` or `off`; `forget` what it learned.")
    ] = Worn.SHOW,
    namespace: Namespace = "",
    as_json: Json = False,
) -> None:
    """Say what a running graph learned while worn, switch it on or off, or forget it.

    It is on by default, begins after a routine or with a profile, and is kept in the profile apart from the rest.
    """
    from imusic_cli import guide

    if what is not Worn.SHOW:
        said = (
            guide.forget_worn(namespace) if what is Worn.FORGET else guide.learn_while_worn(what is Worn.ON, namespace)
        )
        err.print(said, style="green", highlight=False)
        if not as_json:
            return
    values = guide.worn(namespace)
    if as_json:
        print(json.dumps(values, indent=2))  # noqa: T201
        return
    table = Table(show_header=False)
    for key, value in values.items():
        table.add_row(WORN_WORDS[key], value)
    out.print(table)


@app.command("list")
def list_profiles(as_json: Json = False) -> None:
    """List the wearers who have a profile."""
    from face_inference.errors import ProfileError
    from face_inference.wearer.profile_folder import ProfileFolder

    folder = ProfileFolder()
    labels = []
    for name in folder.names():
        try:
            labels.append(folder.load(name).label)
        except ProfileError as error:  # one person's bad file hides nobody else
            err.print(f"not listed: {error}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(label) for label in labels], indent=2))  # noqa: T201
        return
    table = Table("wearer", "since", "learned from", "model", title=str(folder.path))
    for label in labels:
        table.add_row(label.wearer, label.created, label.source, label.model)
    out.print(table)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Say what a profile was learned from and how well."""
    from face_inference.wearer.profile_folder import ProfileFolder

    label = ProfileFolder().load(name).label
    if as_json:
        print(json.dumps(asdict(label), indent=2))  # noqa: T201
    else:
        out.print(_table_of(label))


@app.command()
def remove(name: Name) -> None:
    """Delete a profile."""
    from face_inference.wearer.profile_folder import ProfileFolder

    ProfileFolder().remove(name)
    err.print(f"removed: {name}", highlight=False)


def _learned(
    name: str,
    takes: list[Path],
    csvs: list[Path],
    model: str,
    namespace: str,
    fps: float | None,
    force: bool,
    as_json: bool,
) -> dict[str, Any]:
    """Learn, tell it to people, or to programs, and have a running graph use it."""
    from face_inference.wearer.profile_folder import ProfileFolder
    from imusic_cli.guide import use_wearer
    from imusic_cli.learning import learn as learn_profile

    with err.status("aligning, learning, judging on what was not learned from"):
        learned = learn_profile(name, takes, ProfileFolder(), model, csvs, fps, force)
    for source in learned.sources:
        words = source.rows.summary if source.pairing is None else source.pairing.summary
        err.print(f"{source.name}: {words}", highlight=False, soft_wrap=True)
    table = Table("region", "before: off by", "r", "now: off by", "r")
    for region, after in learned.learning.after.regions.items():
        before = learned.standard.regions.get(region)
        was = ("", "") if before is None else (f"{before.mae:.3f}", f"{before.r:.2f}")
        table.add_row(region, *was, f"{after.mae:.3f}", f"{after.r:.2f}")
    err.print(table)
    err.print(learned.summary, style="green" if learned.written else "yellow", highlight=False, soft_wrap=True)
    for advice in learned.advice:
        err.print(f"- {advice}", highlight=False, soft_wrap=True)
    answer = use_wearer(name, namespace, patience_s=3.0) if learned.written else None
    if learned.written:
        err.print(answer or "no graph is running: the next one can be started with this profile", highlight=False)
    told = learned.content() | {"in_use": answer is not None}
    if as_json:
        print(json.dumps(told, indent=2))  # noqa: T201
    return told


def _table_of(label: ProfileLabel) -> Table:
    table = Table(show_header=False)
    for key, value in asdict(label).items():
        table.add_row(key, ", ".join(value) if isinstance(value, tuple) else str(value))
    return table


def _aligned(goal: Any, namespace: str, bell: bool, as_json: bool) -> None:
    """Follow an alignment, tell its result to people, or to programs."""
    from imusic_cli.guide import align_sensors

    with _prompter(bell) as show:
        result = align_sensors(goal, namespace, lambda told: show(told.prompt))
    rows = [
        {"sensor": name, "aligned": known, "turn_deg": turn, "residual_deg": residual, "deviation_deg": deviation}
        for name, known, turn, residual, deviation in zip(
            result.sensors,
            result.aligned,
            (math.degrees(each) for each in result.turn),
            (math.degrees(each) for each in result.residual),
            (math.degrees(each) for each in result.deviation),
            strict=True,
        )
    ]
    if as_json:
        told = {name: getattr(result, name) for name in ("success", "message", "stillness")}
        told |= {name: list(getattr(result, name)) for name in ("exchanged", "misplaced")}
        print(json.dumps(told | {"sensors": rows}, indent=2))  # noqa: T201
    if not result.success:
        raise CommandError(result.message)
    if any(row["aligned"] for row in rows) and not goal.still_only:
        table = Table("sensor", "turned by", "residual", "known to")
        for row in rows:
            cells = [f"{row[key]:.1f} deg" for key in ("turn_deg", "residual_deg", "deviation_deg")]
            table.add_row(row["sensor"], *(cells if row["aligned"] else ["as in the layout", "", ""]))
        err.print(table)
    warned = bool(result.exchanged or result.misplaced)
    err.print(result.message, style="yellow" if warned else "green", highlight=False, soft_wrap=True)


@contextmanager
def _prompter(bell: bool) -> Iterator[Any]:
    """Shows each prompt large, with the time that is left of it."""
    phase: tuple[int, bool] | None = None
    longest_s = 1.0
    with Live(Panel("waiting for the first sample"), console=err, transient=True) as live:

        def show(prompt: Any) -> None:
            nonlocal phase, longest_s
            if not prompt.text:
                return
            if phase != (prompt.number, prompt.hold):
                phase, longest_s = (prompt.number, prompt.hold), max(prompt.phase_left, 0.1)
                if bell:
                    err.bell()
            words = Text(prompt.text, style="bold green" if prompt.hold else "dim", justify="center")
            bar = ProgressBar(total=longest_s, completed=prompt.phase_left, width=40)
            number = f"{prompt.number} of {prompt.count}, " if prompt.count else ""
            title = f"{number}{prompt.routine_left:.0f} s left"
            live.update(Panel(Group(Text(), words, Text(), Align.center(bar)), title=title, width=72, height=8))

        yield show
