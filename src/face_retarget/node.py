"""ROS 2 node `robot_head`: a face in, commands for the joints of a robot head out."""

from __future__ import annotations

import math
from typing import Any

from builtin_interfaces.msg import Duration
from imusic.msg import FaceBlendshapes
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from face_model.face_message import FaceMessageError, read_face
from face_model.face_state import FaceState
from face_retarget.errors import RetargetError
from face_retarget.parameters import PARAMETERS
from face_retarget.robot import load_robot
from face_retarget.robot_head import RobotHead
from imusic_ros.health import OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, RELIABLE, SENSOR_DATA


class RobotHeadNode(ManagedNode):
    """Moves the joints of one robot head; config/robot_head.yaml explains the parameters.

    Faces are kept as bytes when they come and read when a command is due. Without faces the joints go to neutral, as
    the robot's file says, and commands go on.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("robot_head", PARAMETERS, **options)
        self._entities: list[tuple[Any, Any]] = []
        self._listening: Any = None
        self._timer: Any = None
        self._raw: bytes | None = None
        self._faces = self._refused = self._commands = 0
        self._said = (0, 0.0)
        self._face_s = -math.inf

    def configure(self) -> None:
        """Read the robot's file, make publishers."""
        try:
            settings, urdf = load_robot(str(self.value("robot")))
        except RetargetError as error:
            raise ConfigurationError(f"robot: {error}") from error
        self._head, self._urdf = RobotHead(settings), urdf
        self._neck, self._silent_s = bool(self.value("neck")), float(self.value("silent_s"))
        joints, trajectory = str(self.value("joints")), str(self.value("trajectory"))
        self._topic = self.topic("faces")
        if not joints and not trajectory:
            raise ConfigurationError("expected a topic in joints or trajectory, found none in both; name one")
        self._joints = self._publisher(JointState, self.topic("joints")) if joints else None
        self._trajectory: Any = None
        if trajectory:
            try:
                from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
            except ModuleNotFoundError as error:
                raise ConfigurationError(
                    f"trajectory: expected trajectory_msgs, found {error}; install it, or leave trajectory empty"
                ) from error
            self._trajectory = self._publisher(JointTrajectory, self.topic("trajectory"))
            self._plan = JointTrajectory(joint_names=list(self._head.names))
            horizon = Duration()
            horizon.sec, horizon.nanosec = divmod(round(1e9 * float(self.value("horizon_s"))), 1_000_000_000)
            self._plan.points = [JointTrajectoryPoint(time_from_start=horizon)]
        self._state = JointState(name=list(self._head.names))
        self._description = self._publisher(String, "robot_head/description", LATCHED)

    def activate(self) -> None:
        """Listen, and command at the rate."""
        # Joints go on from where they were: a node that was inactive for a while makes no leap.
        self._head.lose(self.now_s())
        self._raw = None
        self._listening = self.create_subscription(FaceBlendshapes, self._topic, self._on_face, SENSOR_DATA, raw=True)
        self._timer = self.create_timer(1.0 / float(self.value("rate_hz")), self._command)
        if self._urdf:
            self._description.publish(String(data=self._urdf))

    def deactivate(self) -> None:
        """Command no more; the joints stay where they are."""
        self.destroy_timer(self._timer)
        self.destroy_subscription(self._listening)

    def cleanup(self) -> None:
        """Release the publishers."""
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()

    def parameter_changed(self, name: str, value: Value) -> None:
        """From the next command on."""
        if name == "neck":
            self._neck = bool(value)
        elif name == "silent_s":
            self._silent_s = float(self.value(name))

    def health(self) -> Health:
        """Rate of faces, how many weights are followed, commands so far."""
        count, then_s = self._said
        now_s = self.now_s()
        self._said = (self._faces, now_s)
        values: dict[str, object] = {
            "robot": self._head.settings.name,
            "face_rate_hz": (self._faces - count) / max(now_s - then_s, 1e-3),
            "weights_followed": self._head.trusted,
            "refused": self._refused,
            "commands": self._commands,
        }
        if self._lost(now_s):
            return Health(WARN, "no face to follow: the joints go to neutral", values)
        return Health(OK, "following a face", values)

    # Faces in, commands out.

    def _on_face(self, raw: bytes) -> None:
        self._raw = raw
        self._faces += 1

    def _command(self) -> None:
        now_s = self.now_s()
        raw, self._raw = self._raw, None
        if raw is not None:
            self._observe(raw, now_s)
        elif self._lost(now_s):
            self._head.lose(now_s)
        places = self._head.step(now_s)
        self._commands += 1
        if self._joints is not None and self._joints.get_subscription_count():
            self._state.header.stamp = self.get_clock().now().to_msg()
            self._state.position = places.tolist()
            self._state.velocity = self._head.velocities.tolist()
            self._joints.publish(self._state)
        if self._trajectory is not None and self._trajectory.get_subscription_count():
            self._plan.points[0].positions = places.tolist()
            self._trajectory.publish(self._plan)

    def _observe(self, data: bytes, now_s: float) -> None:
        try:
            face = read_face(data)
        except FaceMessageError:
            self._refused += 1
            return
        if face.state not in (FaceState.TRACKING, FaceState.DEGRADED):
            self._head.lose(now_s)
            if face.state == FaceState.CALIBRATING:
                self._head.look_ahead()
            return
        self._face_s = now_s
        self._head.observe(now_s, face.weights, face.confidence, face.observable, face.head if self._neck else None)

    def _lost(self, now_s: float) -> bool:
        return now_s - self._face_s > self._silent_s

    def _publisher(self, kind: Any, topic: str, quality: Any = RELIABLE) -> Any:
        publisher = self.create_lifecycle_publisher(kind, topic, quality)
        self._entities.append((self.destroy_publisher, publisher))
        return publisher


def main() -> int:
    """Entry point of the executable `robot_head`."""
    return run(RobotHeadNode)


if __name__ == "__main__":
    raise SystemExit(main())
