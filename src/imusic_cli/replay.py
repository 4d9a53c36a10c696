"""`imusic replay`: a recording through inference again, or as it was published, with the page beside it."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

import typer

from face_recording.replay.errors import ReplayError
from face_recording.replay.timeline import checked_rate
from imusic_cli.errors import UsageError
from imusic_cli.namespace import parsed_namespace

LONGEST_S: Final = 1e6
"""Of the player's parameters `start` and `duration`."""


class From(str, Enum):
    """What is played; see `face_recording.replay.events.Level`."""

    AUTO = "auto"
    WEIGHTS = "weights"
    FRAMES = "frames"
    BYTES = "bytes"


def replay(
    take: Annotated[
        str,
        typer.Argument(
            help="Recording: a take's name, a part of it, `last`; or the path of a take, a bag, an .mcap or .db3 file."
        ),
    ],
    source: Annotated[
        From,
        typer.Option(
            "--from",
            help="weights: what was published. frames: samples, of which inference computes the faces again. bytes: "
            "what came from the hub; driver and inference compute everything again. auto: frames where there are any.",
        ),
    ] = From.AUTO,
    rate: Annotated[
        float, typer.Option(help="Speed: 1 as recorded, 0.1 to 20; 0: as fast as possible, and nothing is lost.")
    ] = 1.0,
    start: Annotated[float, typer.Option(help="Where to begin, s after the first face.")] = 0.0,
    duration: Annotated[float, typer.Option(help="How much is played, s; 0: to the end.")] = 0.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    paused: Annotated[bool, typer.Option("--paused", help="Wait for the space bar at the beginning.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Compare the faces with the recorded ones, bit for bit, and end; exit status 1 if one "
            "differs, or it is ended before.",
        ),
    ] = False,
    namespace: Annotated[
        str | None,
        typer.Option(help="Whose topics, where the recording holds several wearers; / is the root.", metavar="NAME"),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            help="ROS namespace to play into; by default the one that was recorded.",
            parser=parsed_namespace,
            metavar="NAME",
        ),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="The web page beside it.")] = True,
    page_port: Annotated[int | None, typer.Option(help="TCP port of the page; by default the first free one.")] = None,
    affect: Annotated[
        bool, typer.Option("--affect", help="Action units, expressions, events and words of the faces, computed again.")
    ] = False,
    fusion: Annotated[
        bool, typer.Option("--fusion", help="One face from the sensors and a recorded phone or webcam, computed again.")
    ] = False,
    face: Annotated[str, typer.Option(help="Face on the page: head, or the path of a rig.")] = "",
    model: Annotated[str, typer.Option(help="Model of inference; by default imusic.")] = "",
    engine: Annotated[str, typer.Option(help="Engine of inference; bits are equal on the same engine only.")] = "",
) -> None:
    """Replay a recording, with the wearer's neutral and all that was learned, as it was.

    In a terminal: space pauses, left and right jump 5 s (up and down 30 s), + and - change the speed, 0 begins anew.
    """
    from face_recording.bag_reader import Bag, NamespaceError
    from face_recording.replay.choice import choice_of
    from face_recording.replay.events import Level
    from face_recording.takes.listing import find_take

    check_options(rate, start, duration)
    file = find_take(take)
    with Bag(file) as bag:
        try:
            choice = choice_of(bag, namespace, source.value, start, duration, check, dashes="--")
        except (ReplayError, NamespaceError) as error:
            raise UsageError(str(error)) from error
    wearer, again = choice.namespace, choice.level is not Level.WEIGHTS
    # After what is refused at once: these load ROS.
    from imusic_cli.replay_keys import ReplayKeys
    from imusic_cli.run import run_graph

    values: dict[str, object] = {
        "file": str(file.resolve()),
        "recorded": f"/{wearer}",
        "level": choice.level.value,
        "speed": rate,
        "start": start,
        "duration": duration,
        "loop": loop,
        "paused": paused,
        "check": check,
        "finish": check and not loop,
        "affect": affect,
        "fusion": fusion,
        "face": face,
        "page_port": page_port,
    }
    if again:
        values |= {"model": model, "engine": engine}
    place = wearer if into is None else into
    keys = ReplayKeys(place, loop, check)
    graph = "replay" if again else "replay_weights"
    leave_out = () if page else ("face_viz",)
    raise typer.Exit(
        run_graph(graph, values, place, leave_out=leave_out, ends_with="player", beside=("imu_driver",), attendant=keys)
    )


def check_options(rate: float, start: float, duration: float) -> None:
    """Refuse at once what the player would refuse after it was started.

    Raises:
        UsageError: an option is out of bounds.
    """
    try:
        checked_rate(rate)
    except ReplayError as error:
        raise UsageError(f"--rate: {error}") from error
    for option, value in (("--start", start), ("--duration", duration)):
        if not 0.0 <= value <= LONGEST_S:
            raise UsageError(f"{option}: expected 0 to {LONGEST_S:g} s, found {value:g}; choose another")
