"""Two wearers on two domains of one machine: `ros2 launch examples/two_wearers.launch.py`.

For hubs instead of simulated faces, include capture.launch.py with `udp` or `port` of each, and with `page_port` 0 (the
next free one). On two hosts each runs its own half:
ROS_DOMAIN_ID=1 ros2 launch imusic capture.launch.py namespace:=alice udp:=0.0.0.0:5055
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import GroupAction, IncludeLaunchDescription, SetEnvironmentVariable

WEARERS = {"alice": "1", "bob": "2"}
"""Namespace and domain."""


def generate_launch_description() -> LaunchDescription:
    """A group has an environment of its own, which ends with it."""
    demo = str(Path(get_package_share_directory("imusic")) / "launch" / "demo.launch.py")
    return LaunchDescription(
        GroupAction(
            [
                SetEnvironmentVariable("ROS_DOMAIN_ID", domain),
                IncludeLaunchDescription(demo, launch_arguments=[("namespace", name)]),
            ]
        )
        for name, domain in WEARERS.items()
    )
