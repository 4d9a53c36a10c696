"""RViz with the face of one wearer: drawn by the package's plugin where it was built, else as markers.

ros2 launch imusic rviz.launch.py namespace:=alice
"""

import shutil
import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from face_viz.errors import VizError
from face_viz.views import rviz_view, view
from imusic_ros.graph import checked_namespace


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

    if shutil.which("rviz2") is None:
        raise VizError(
            "expected the program rviz2, found none: sudo apt install ros-$ROS_DISTRO-rviz2, or look at the page"
        )
    text = view(rviz_view(), checked_namespace(given("namespace")), given("frame_id"))
    folder = Path(tempfile.mkdtemp(prefix="imusic_"))
    file = folder / "face.rviz"
    file.write_text(text, encoding="utf-8")
    return [
        ExecuteProcess(
            cmd=["rviz2", "-d", str(file), "--ros-args", "-p", f"use_sim_time:={given('use_sim_time').lower()}"],
            name="rviz2",
            output="screen",
            on_exit=lambda _event, _context: shutil.rmtree(folder, ignore_errors=True),
        )
    ]
