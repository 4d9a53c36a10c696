"""One wearer's driver and web page, without inference: inference.launch.py computes the faces of all wearers.

ros2 launch imusic sensors.launch.py namespace:=alice port:=/dev/ttyUSB0
"""

from launch import LaunchDescription

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """What runs is listed in config/graph.yaml; `--show-args` lists the arguments."""
    return graph_description("sensors")
