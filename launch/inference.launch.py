"""Inference for several wearers in one process, beside a sensors.launch.py in each wearer's namespace.

ros2 launch imusic inference.launch.py wearers:=alice,bob
"""

from launch import LaunchDescription

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """What runs is listed in config/graph.yaml; `--show-args` lists the arguments."""
    return graph_description("inference")
