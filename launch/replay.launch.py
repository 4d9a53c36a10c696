"""A recording through inference again, with the page: what `imusic replay` does, by `ros2 launch`.

Replay: ros2 launch imusic replay.launch.py file:=FOLDER
"""

from launch import LaunchDescription

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """All nodes but the player follow its /clock. Several wearers in the recording: recorded:=NAME says which."""
    return graph_description("replay", other={("level", "weights"): "replay_weights"})
