"""A simulated face: hub on a pseudo-terminal, driver, inference, web page. No hardware needed."""

from imusic_ros.launching import graph_description
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """`ros2 launch imusic demo.launch.py`; what runs is listed in config/graph.yaml."""
    return graph_description("demo")
