"""The sensors that the driver tells of: on the face, as units with their health, and as frames on `/tf_static`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from imusic.msg import SensorLayout, SensorStates
from std_msgs.msg import Header

from face_model.errors import FaceModelError
from face_model.frames import checked_frame, head_frame
from face_model.layout import Sensor
from face_model.rig import FaceRig
from face_model.skin import place_on_skin
from face_viz.sensor_frames import sensor_transforms
from face_viz.shown_sensors import SensorStatus, ShownSensors, on_rig
from face_viz.viewer_messages import sensor_of, units_of
from imusic_ros.managed_node import ManagedNode
from imusic_ros.qos import LATCHED
from imusic_ros.transforms import Transforms

Show = Callable[[ShownSensors | None], None]
TellUnits = Callable[[Mapping[str, Any]], None]


class WornLayout:
    """Listens to `imu/layout`, and to `imu/states` while somebody looks; made when the node is configured.

    Args:
        node: that it belongs to; whether it publishes frames is a parameter of it.
        rig: the face.
        show: gets the sensors that can be drawn whenever they or their states change; None: none can.
        tell_units: gets what the page says of each unit.

    Attributes:
        message: the newest layout; None: none came.
        sensors: that are drawn; None: none.
    """

    def __init__(self, node: ManagedNode, rig: FaceRig, show: Show, tell_units: TellUnits) -> None:
        self.message: SensorLayout | None = None
        self.sensors: ShownSensors | None = None
        self._node, self._rig, self._show, self._tell_units = node, rig, show, tell_units
        self._drawn: list[int] = []
        self._states: SensorStates | None = None
        self._transforms: Transforms | None = None
        if node.value("sensor_frames"):
            self._transforms = Transforms(node, static=True, what="frames of the sensors")
        self._layouts = node.create_subscription(SensorLayout, "imu/layout", self._on_layout, LATCHED)
        self._listening: Any = None

    def close(self) -> None:
        """Give everything back."""
        self.listen(False)
        self._node.destroy_subscription(self._layouts)
        if self._transforms is not None:
            self._transforms.close()

    @property
    def lacks_transforms(self) -> bool:
        """Whether frames are wanted and cannot be published."""
        return self._transforms is not None and not self._transforms.available

    def listen(self, on: bool) -> None:
        """To how the sensors are: once a second, a hundredth of what taking every ImuFrame would cost."""
        if on and self._listening is None:
            self._listening = self._node.create_subscription(SensorStates, "imu/states", self._on_states, LATCHED)
        elif not on and self._listening is not None:
            self._node.destroy_subscription(self._listening)
            self._listening = None

    def publish_frames(self) -> None:
        """Where the sensors are: told once, latched, and anew with each layout."""
        if self._transforms is None or self.sensors is None or self.message is None:
            return
        given, place = self.message.header, self._node.get_namespace()
        header = Header(stamp=given.stamp, frame_id=head_frame(place, given.frame_id))
        try:
            checked_frame(header.frame_id)
        except ValueError as error:
            self._warn(f"no frames of the sensors of the layout {self.message.name}: {error}")
            return
        self._transforms.send(sensor_transforms(header, place, self.sensors))

    def _on_layout(self, message: SensorLayout) -> None:
        self.message = message
        self._drawn, sensors = self._drawable(message)
        statuses = [SensorStatus.VALID if message.sensors[i].present else SensorStatus.MISSING for i in self._drawn]
        try:
            self.sensors = on_rig(self._rig, message.name, sensors, statuses)
        except (ValueError, FaceModelError) as error:
            self._warn(f"no sensors are drawn of the layout {message.name}: {error}")
            self.sensors = None
        self._show(self.sensors)
        self._tell_units(units_of(message, self._states))
        self.publish_frames()
        if self._states is not None:
            self._on_states(self._states)

    def _drawable(self, message: SensorLayout) -> tuple[list[int], list[Sensor]]:
        """The sensors that have a place on this face, and their indices; a warning names the others."""
        indices, sensors, problems = [], [], []
        for i, mount in enumerate(message.sensors):
            try:
                sensor = sensor_of(mount)
                if sensor.place is not None:
                    place_on_skin(self._rig, sensor.place)
            except (ValueError, FaceModelError) as error:
                problems.append(f"{mount.name} ({error})")
                continue
            indices.append(i)
            sensors.append(sensor)
        if problems:
            self._warn(f"sensors that are not drawn: {'; '.join(problems)}")
        return indices, sensors

    def _on_states(self, message: SensorStates) -> None:
        self._states = message
        layout, sensors, status = self.message, self.sensors, message.status
        if layout is None:
            return
        self._tell_units(units_of(layout, message))
        if sensors is None or message.layout_id != layout.layout_id or len(status) != len(layout.sensors):
            return  # nothing to draw, or of a layout that is still to come
        shown = sensors.with_statuses([SensorStatus.of(status[i]) for i in self._drawn])
        if not np.array_equal(shown.statuses, sensors.statuses):
            self.sensors = shown
            self._show(shown)

    def _warn(self, text: str) -> None:
        self._node.get_logger().warning(text)
