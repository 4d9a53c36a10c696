"""Parameters of the node robot_head: a face in, angles of a robot head's joints out."""

from imusic_ros.parameters import ParameterSpec

PARAMETERS = (
    ParameterSpec(
        "robot",
        "none",
        "Robot head to move: the name of a shipped one, demo_head, or the path of a YAML file; none: not started.",
        effect="config/robots/demo_head.yaml explains such a file; `imusic retarget robot FILE` checks one.",
    ),
    ParameterSpec(
        "rate_hz",
        50.0,
        "Commands per second.",
        1.0,
        200.0,
        unit="Hz",
        effect="As fast as the servos' bus takes them. Faces in between are not read.",
    ),
    ParameterSpec(
        "joints",
        "robot_head/joints",
        "Topic of the sensor_msgs/JointState commands, relative to the node's namespace.",
        effect="Positions in rad, with the velocities of the last step. Empty: none.",
    ),
    ParameterSpec(
        "trajectory",
        "",
        "Topic of the trajectory_msgs/JointTrajectory commands, as /head_controller/joint_trajectory; empty: none.",
        effect="For a joint_trajectory_controller of ros2_control: one point with positions only, no stamp (begin at "
        "once), to be reached within `horizon_s`. It must control the joints of the robot's file, all of them.",
    ),
    ParameterSpec(
        "horizon_s",
        0.04,
        "In what time a trajectory's point is to be reached, its time_from_start.",
        0.001,
        2.0,
        unit="s",
        effect="Two periods of `rate_hz`: each command replaces the one before on its way. Shorter jerks, longer lags.",
    ),
    ParameterSpec(
        "faces",
        "face/blendshapes",
        "Topic of the imusic/FaceBlendshapes that are followed, relative to the node's namespace.",
    ),
    ParameterSpec(
        "neck",
        True,
        "Let the wearer's head orientation move the joints that the robot's file gives to it.",
        live=True,
        effect="Off for a robot on whose own head the wearer's turns make no sense.",
    ),
    ParameterSpec(
        "silent_s",
        0.25,
        "Without a face for this long the face is lost: what the robot's file says under `lost` begins.",
        0.02,
        10.0,
        live=True,
        unit="s",
    ),
)
