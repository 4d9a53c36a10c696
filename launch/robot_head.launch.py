"""RViz with a robot head, moved as the node robot_head commands it: beside a graph that was started with `robot:=NAME`.

ros2 launch imusic robot_head.launch.py robot:=demo_head namespace:=alice
"""

import shutil
import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from face_retarget.errors import RetargetError
from face_retarget.robot import load_robot
from face_retarget.robot_view import robot_view
from imusic_ros.graph import checked_namespace


def generate_launch_description() -> LaunchDescription:
    """robot_state_publisher turns joint angles into transforms; RViz draws the URDF."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("robot", default_value="demo_head", description="A robot head's name or YAML file."),
            DeclareLaunchArgument("namespace", default_value="", description="The wearer's namespace."),
            OpaqueFunction(function=_show),
        ]
    )


def _show(context: LaunchContext) -> list[Action]:
    def given(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    settings, urdf = load_robot(given("robot"))
    if not urdf:
        raise RetargetError(f"expected the URDF of {settings.name}, found none named in its file; name one under urdf")
    if shutil.which("rviz2") is None:
        raise RetargetError(
            "expected the program rviz2, found none: sudo apt install ros-$ROS_DISTRO-rviz2, or look at the page"
        )
    namespace = checked_namespace(given("namespace")).strip("/")
    folder = Path(tempfile.mkdtemp(prefix="imusic_"))
    file = folder / "robot_head.rviz"
    file.write_text(robot_view(urdf, namespace), encoding="utf-8")
    return [
        Node(
            package="robot_state_publisher",
            executable="robot_state_publisher",
            namespace=namespace,
            parameters=[{"robot_description": urdf, "frame_prefix": f"{namespace}/" if namespace else ""}],
            remappings=[("joint_states", "robot_head/joints")],
            output="screen",
        ),
        ExecuteProcess(
            cmd=["rviz2", "-d", str(file)],
            name="rviz2",
            output="screen",
            on_exit=lambda _event, _context: shutil.rmtree(folder, ignore_errors=True),
        ),
    ]
