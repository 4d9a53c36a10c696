"""A simulated face: hub on a pseudo-terminal, driver, inference, web page. No hardware needed."""

from launch import LaunchDescription

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """`ros2 launch imusic demo.launch.py`; what runs is listed in config/graph.yaml."""
    return graph_description("demo")
