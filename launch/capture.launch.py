"""A face from a real hub: driver, inference, web page.

ros2 launch imusic capture.launch.py port:=/dev/ttyUSB0
ros2 launch imusic capture.launch.py udp:=0.0.0.0:5055 namespace:=alice model:=/path/to/model
"""

from launch import LaunchDescription

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """What runs is listed in config/graph.yaml; `--show-args` lists the arguments."""
    return graph_description("capture")
