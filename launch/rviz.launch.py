"""RViz with the face of one wearer.

ros2 launch imusic rviz.launch.py namespace:=alice
"""

import tempfile
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration

from face_viz.views import view


def generate_launch_description() -> LaunchDescription:
    """The view is written for the namespace, because RViz knows no relative names."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="The wearer's namespace."),
            DeclareLaunchArgument("frame_id", default_value="", description="Of the head; empty: of the namespace."),
            DeclareLaunchArgument("use_sim_time", default_value="false", description="Take the time from /clock."),
            OpaqueFunction(function=_show),
        ]
    )


def _show(context: LaunchContext) -> list[ExecuteProcess]:
    def given(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    file = Path(tempfile.mkdtemp(prefix="imusic_")) / "face.rviz"
    file.write_text(view("rviz/face.rviz", given("namespace"), given("frame_id")), encoding="utf-8")
    sim_time = f"use_sim_time:={given('use_sim_time').lower()}"
    return [ExecuteProcess(cmd=["rviz2", "-d", str(file), "--ros-args", "-p", sim_time], output="screen")]
