"""A recorded face: plays a bag of `imu/frame` and `imu/layout` through inference and shows it.

Record: ros2 bag record /imu/frame /imu/layout /face/blendshapes
Replay: ros2 launch imusic replay.launch.py bag:=FOLDER
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration

from imusic_ros.launching import graph_description


def generate_launch_description() -> LaunchDescription:
    """Nodes run on the bag's clock, so that ages are those of the recording."""
    return graph_description(
        "replay",
        DeclareLaunchArgument("bag", description="Folder of the recorded bag."),
        DeclareLaunchArgument("rate", default_value="1.0", description="Speed of the replay, 1: as recorded."),
        DeclareLaunchArgument("start_delay", default_value="3.0", description="Time for the nodes to start first, s."),
        OpaqueFunction(function=_play),
    )


def _play(context: LaunchContext) -> list[ExecuteProcess]:
    def given(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    namespace = given("namespace").strip("/")
    topics = [f"/{namespace}/{topic}".replace("//", "/") for topic in ("imu/frame", "imu/layout")]
    command = ["ros2", "bag", "play", given("bag"), "--clock", "100", "--rate", given("rate")]
    return [ExecuteProcess(cmd=[*command, "--delay", given("start_delay"), "--topics", *topics], output="screen")]
