"""A recording through inference again, with the page: what `imusic replay` does, by `ros2 launch`.

Replay: ros2 launch imusic replay.launch.py file:=TAKE
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration

from face_recording.bag_reader import Bag
from face_recording.replay.choice import choice_of
from face_recording.takes.listing import find_recording
from imusic_ros.graph import load_graph
from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """All nodes but the player follow its /clock. Several wearers in the recording: recorded:=NAME says which."""
    return graph_description(
        "replay", OpaqueFunction(function=_find), other={("level", "weights"): "replay_weights"}, ends_with="player"
    )


def _find(context: LaunchContext) -> None:
    """Find the recording by a take's name, and refuse what cannot be played before anything starts."""
    arguments = {a.name: a for a in load_graph("replay").arguments}

    def given(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    if given("autostart").lower() not in {"true", "1"}:
        return  # a manager may name it later
    file = find_recording(given("file"))
    level, recorded, check = (arguments[name].parsed(given(name)) for name in ("level", "recorded", "check"))
    start_s, duration_s = (float(arguments[name].parsed(given(name))) for name in ("start", "duration"))
    with Bag(file) as bag:
        choice_of(bag, str(recorded) or None, str(level), start_s, duration_s, bool(check))
    context.launch_configurations["file"] = str(file.resolve())
