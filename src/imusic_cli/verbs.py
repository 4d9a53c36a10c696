"""The verbs of `imusic`: what the first screen lists, and where each verb is found when it is called."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from imusic_cli.errors import CommandError, UsageError

RUN = "Run"
WEARER = "Wearers and faces"
SEVERAL = "Several wearers, other machines"
LABORATORY = "Laboratory: what made the model"


def load_module(name: str) -> Any:
    """A module that may belong to the laboratory, which is found by name, because what runs does without it.

    Raises:
        CommandError: its package is not installed.
        ModuleNotFoundError: a library that it needs is not installed.
    """
    package = name.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise CommandError(
            f"expected the laboratory's package {package}, found none: `pip install` brings what runs only; "
            "use a checkout (make setup) or a ROS 2 workspace"
        )
    return importlib.import_module(name)


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        group: heading that it stands under.
        summary: one line.
        module: that holds it; its top package says whether it belongs to the laboratory.
        attribute: a function, or a `typer.Typer`.
    """

    group: str
    summary: str
    module: str
    attribute: str

    def load(self) -> Any:
        """The function or the group of verbs.

        Raises:
            CommandError: it belongs to the laboratory, which is not installed.
            ModuleNotFoundError: a library that it needs is not installed.
        """
        return getattr(load_module(self.module), self.attribute)


VERBS = {
    "demo": Verb(RUN, "Watch a simulated face: no hardware needed.", "imusic_cli.graph_verbs", "demo"),
    "capture": Verb(RUN, "Capture a face from a hub.", "imusic_cli.graph_verbs", "capture"),
    "reference": Verb(RUN, "A phone's or a webcam's face beside the sensors.", "imusic_cli.graph_verbs", "reference"),
    "stream": Verb(RUN, "The face to animation tools, avatars and web pages.", "imusic_cli.graph_verbs", "stream"),
    "record": Verb(RUN, "Record a running graph, to be replayed.", "imusic_cli.record", "record"),
    "replay": Verb(RUN, "Play a recording back, computed again bit for bit.", "imusic_cli.replay", "replay"),
    "takes": Verb(RUN, "Recordings: list, check, cut, export to animation tools.", "imusic_cli.takes", "app"),
    "key": Verb(RUN, "Make the key of a hub on Wi-Fi.", "imusic_cli.key", "key"),
    "doctor": Verb(RUN, "Say what is missing on this machine and what to do.", "imusic_cli.doctor_verb", "doctor"),
    "diagnostics": Verb(RUN, "What a running graph says of itself.", "imusic_cli.diagnostics", "diagnostics"),
    "wearer": Verb(WEARER, "Teach a model who wears the sensors.", "imusic_cli.wearer", "app"),
    "rig": Verb(WEARER, "Bring a face of your own (glTF or OBJ): check it, look at it.", "imusic_cli.rig", "app"),
    "retarget": Verb(WEARER, "Robot heads, FLAME and SMPL-X, glTF: what a face moves.", "imusic_cli.retarget", "app"),
    "views": Verb(WEARER, "Files that show a face in RViz and Foxglove.", "imusic_cli.views", "views"),
    "sensors": Verb(SEVERAL, "One of several wearers: driver and page.", "imusic_cli.graph_verbs", "sensors"),
    "inference": Verb(SEVERAL, "The faces of several wearers in one process.", "imusic_cli.graph_verbs", "inference"),
    "build-engine": Verb(SEVERAL, "Build a model's TensorRT engine ahead.", "imusic_cli.build_engine", "build_engine"),
    "simulate": Verb(LABORATORY, "Be a hub, with faults on demand.", "imu_sim.hub.verb", "simulate"),
    "fault": Verb(LABORATORY, "Tell a simulated hub what shall go wrong.", "imu_sim.hub.fault_verb", "fault"),
    "dataset": Verb(LABORATORY, "Data sets of simulated takes.", "face_dataset.verb", "app"),
    "train": Verb(LABORATORY, "Train a model and write its folder.", "face_training.verb", "train"),
    "evaluate": Verb(LABORATORY, "How good models are on people they never saw.", "face_evaluation.verb", "evaluate"),
    "realism": Verb(LABORATORY, "What is simulated, beside what was recorded.", "imu_sim.realism.verb", "realism"),
    "bench": Verb(LABORATORY, "Measure this machine.", "imusic_bench.verb", "app"),
}
"""In the order of the first screen."""


class VerbGroup(TyperGroup):
    """Loads a verb when it is called; its own list of verbs imports none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the first screen."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What a list of verbs needs to know of one, or None."""
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        return TyperCommand(cmd_name, help=verb.summary, rich_help_panel=verb.group)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """The verb that was called, loaded; one that is nearly a verb is asked after."""
        if args and args[0] not in VERBS and (near := get_close_matches(args[0], VERBS, 1)):
            raise UsageError(f"expected a verb, found {args[0]!r}: did you mean {near[0]!r}?")
        name, _, rest = super().resolve_command(ctx, args)
        return name, command_of(str(name)), rest


def command_of(name: str) -> Any:
    """A verb as a command that can be run; errors as of `Verb.load`."""
    loaded = VERBS[name].load()
    if not isinstance(loaded, typer.Typer):
        function, loaded = loaded, typer.Typer(add_completion=False)
        settings = getattr(function, "context_settings", None)
        loaded.command(name, context_settings=settings)(function)
    command: Any = get_command(loaded)
    command.name = name
    return command
