"""ROS 2 node `imu_driver`: a hub on a serial port or UDP in, `imu/frame` out, with `imu/layout` and `imu/states`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future as Promise
from typing import Any

from imusic.msg import ImuFrame, SensorLayout, SensorStates
from imusic.srv import Identify
from rclpy.exceptions import InvalidTopicNameException
from sensor_msgs.msg import Imu
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from face_model.errors import FaceModelError, ImusicError
from face_model.frames import checked_frame, head_frame, sensor_frame
from face_model.imu_sample import ImuSample
from face_model.layout import load_layout
from face_model.user_folders import state_folder
from imu_driver import messages
from imu_driver.diagnostics import Reporter
from imu_driver.gyro_bias_keeper import GyroBiasKeeper
from imu_driver.hub import Hub, HubIdentity, Outcome
from imu_driver.hub_news import HubNews
from imu_driver.hub_thread import HubThread
from imu_driver.hubs import make_hub
from imu_driver.joined_hubs import JoinedHubs
from imu_driver.line_messages import LineMessages
from imu_driver.lines import Line, LineError, make_lines
from imu_driver.parameters import PARAMETERS
from imu_driver.part_noise import PartNoise, part_noise
from imu_driver.sensor_figures import SensorTally
from imu_driver.sensor_states import StatesWatch
from imu_driver.sensor_topics import sensor_topics
from imu_driver.stamps import Stamps
from imu_driver.topic_transport import TopicTransport
from imusic_ros.awaiting import Awaiting
from imusic_ros.health import ERROR, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.process import run
from imusic_ros.qos import LATCHED, SAMPLES, SENSOR_DATA

SUBSCRIBERS_PERIOD_S = 0.2
"""How often it is looked up which imu/<sensor>/data somebody wants: asking at each sample would cost too much."""

ANSWER_S = 3.0
"""A service answers within this: longer than a hub takes to end a command, repeated until it is given up."""

TOPICS = "imu_topics"
"""The kind of hub whose readings come by ROS."""


class ImuDriverNode(ManagedNode):
    """Publishes what a hub measures; config/imu_driver.yaml explains the parameters.

    A hub that is not there is no failed configuration: the node retries and says so in its diagnostics.
    """

    def __init__(self, **options: Any) -> None:
        self._topics: TopicTransport | None = None
        super().__init__("imu_driver", PARAMETERS, **options)
        self._entities: list[tuple[Any, Any]] = []
        self._awaiting = Awaiting(self)
        self._thread: HubThread | None = None
        self._hub: Hub | None = None
        self._message = messages.empty_frame()
        self._wanted: list[tuple[int, str, Any]] = []

    # Lifecycle.

    def configure(self) -> None:
        """Check everything that can be wrong without a hub; make publishers and services."""
        try:
            self._layout = load_layout(str(self.value("layout")))
        except (FaceModelError, OSError) as error:
            raise ConfigurationError(str(error)) from error
        self._topics = self._make_topics() if self.value("hub") == TOPICS else None
        try:
            self._lines = [Line(self._topics)] if self._topics is not None else make_lines(self.value)
        except LineError as error:
            raise ConfigurationError(str(error)) from error
        try:
            self._frame_id = checked_frame(head_frame(self.get_namespace(), str(self.value("frame_id"))))
        except ValueError as error:
            raise ConfigurationError(f"frame_id: {error}") from error
        self._message.header.frame_id = self._frame_id
        self._by_arrival = self.value("stamp_source") == "arrival"
        self._state_folder = self.folder("state_folder", state_folder())
        self._frames = self._publisher(ImuFrame, "imu/frame", SAMPLES)
        self._layouts = self._publisher(SensorLayout, "imu/layout", LATCHED)
        self._states = self._publisher(SensorStates, "imu/states", LATCHED)
        try:
            self._imus = [
                (i, sensor_frame(self.get_namespace(), s.name), self._publisher(Imu, f"imu/{s.name}/data", SENSOR_DATA))
                for i, s in enumerate(self._layout.sensors)
            ]
        except InvalidTopicNameException as error:
            raise ConfigurationError(f"layout {self._layout.name}: sensor names become topic names: {error}") from error
        self._line = LineMessages(self, self._frame_id)
        self._keep(lambda line: line.close(), self._line)
        self._service(Identify, "~/identify", self._on_identify)
        self._service(SetBool, "~/set_streaming", self._on_set_streaming)

    def activate(self) -> None:
        """Open the hub and begin to publish, now or as soon as it is there."""
        kind, rate_hz = str(self.value("hub")), int(self.value("rate_hz"))
        if self._topics is not None:
            self._topics.subscribe()
        self._now_s = self._topics.now_s if self._topics is not None else time.monotonic
        by_arrival, now_s = self._by_arrival, self._now_s
        hubs = [
            make_hub(kind, transport, self._layout, rate_hz, by_arrival=by_arrival, clock=now_s, name=name)
            for transport, name in self._lines
        ]
        hub: Hub = hubs[0] if len(hubs) == 1 else JoinedHubs(hubs, self._layout, rate_hz)
        # Topics have no hub with a name of its own: they are known by theirs.
        where = " ".join(self._topics.names) if self._topics is not None else ""
        self._biases = GyroBiasKeeper(self._state_folder, hubs, self.get_logger(), where)
        names = tuple(line.name for line in self._lines)
        self._told = self._line.follow(hub, kind, self._layout, rate_hz, self._by_arrival, names)
        tally = SensorTally(len(self._layout.sensors))
        thread = HubThread(hub, self._on_sample, lambda: self._line.after_step(self._message.header), tally)
        self._hub, self._thread = hub, thread
        self._met: HubIdentity | None = None
        self._noises: list[PartNoise | None] = [None] * len(self._layout.sensors)
        self._watch = StatesWatch()
        self._stamps = Stamps()
        self._reporter = Reporter(hub, thread, self._layout, self._now_s())
        self._news = HubNews(hub, self.get_logger())
        self._look_for_subscribers()
        self._subscribers_timer = self.create_timer(SUBSCRIBERS_PERIOD_S, self._look_for_subscribers)
        thread.start()

    def deactivate(self) -> None:
        """Stop the hub and close the connection."""
        self._biases.keep()
        thread, self._thread, self._hub = self._thread, None, None
        self.destroy_timer(self._subscribers_timer)
        if thread is not None:
            try:
                thread.stop()
            except TimeoutError as error:
                self.get_logger().error(str(error))
        if self._topics is not None:
            self._topics.unsubscribe()

    def cleanup(self) -> None:
        """Release publishers and services."""
        for destroy, entity in reversed(self._entities):
            destroy(entity)
        self._entities.clear()
        self._wanted = []

    def health(self) -> Health:
        """Connection, rates, losses and rejects by reason, clock, sensors. News of them are logged here."""
        if self._hub is None:
            return Health(ERROR, "no hub is running")
        report = self._reporter.report(self._now_s())
        self._news.log()
        self._biases.keep_if_due()
        sensors = {name: Health(one.level, one.message, one.values) for name, one in report.sensors.items()}
        return Health(report.level, report.message, report.values, sensors)

    @property
    def subscriptions(self) -> Iterator[Any]:
        """Those that executors look after: what a hub's thread takes by itself is not among them."""
        taken = self._topics.subscriptions if self._topics is not None else []
        return (subscription for subscription in super().subscriptions if subscription not in taken)

    def _make_topics(self) -> TopicTransport:
        names = self._layout.names
        try:
            topics = sensor_topics(self.value("topics"), names)
            own = {self.resolve_topic_name(f"imu/{name}/data") for name in names}
            resolved = {name: self.resolve_topic_name(topic) for name, topic in topics.items()}
        except (ValueError, InvalidTopicNameException) as error:
            raise ConfigurationError(f"topics: {error}") from error
        twice = sorted(own & set(resolved.values()))
        if twice:
            raise ConfigurationError(
                f"topics: expected topics of other drivers, found {twice[0]}, which this node publishes itself; "
                "give the driver a namespace of its own, or the topics other names"
            )
        return TopicTransport(self, {names.index(name): topic for name, topic in topics.items()})

    def _publisher(self, kind: Any, topic: str, qos: Any) -> Any:
        publisher = self.create_lifecycle_publisher(kind, topic, qos)
        self._keep(self.destroy_publisher, publisher)
        return publisher

    def _service(self, kind: Any, name: str, callback: Any) -> None:
        service = self.create_service(kind, name, callback, callback_group=self._awaiting.group)
        self._keep(self.destroy_service, service)

    def _keep(self, destroy: Any, entity: Any) -> None:
        self._entities.append((destroy, entity))

    # In the hub's thread.

    def _on_sample(self, sample: ImuSample) -> None:
        hub = self._hub
        if hub is None:  # deactivated meanwhile
            return
        identity = hub.identity
        if identity is not None and identity is not self._met:
            self._met = identity
            self._biases.recall()
            header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._frame_id)
            self._layouts.publish(messages.layout_message(self._layout, identity, hub.layout_id, header))
            self._noises = self._noises_of(identity)
        taken_s = sample.arrival_s if self._by_arrival else sample.host_time_s
        # The ROS clock is read once for a piece; a step of the wall clock is followed at once.
        read_s, read_ns = self._line.read if self._told else (self._now_s(), self.get_clock().now().nanoseconds)
        latency_ns = round(1e9 * (read_s - taken_s))
        seconds, nanoseconds = divmod(self._stamps.of(read_ns, latency_ns, self.is_simulated), 1_000_000_000)
        frame = self._message
        stamp = frame.header.stamp
        stamp.sec, stamp.nanosec = seconds, nanoseconds
        messages.fill_frame(frame, sample)
        self._frames.publish(frame)
        for index, sensors_frame, publisher in self._wanted:
            message = messages.imu_message(sample, index, stamp, sensors_frame, self._noises[index])
            if message is not None:
                publisher.publish(message)
        if self._watch.due(sample.status.tobytes(), sample.host_time_s):
            self._states.publish(messages.states_message(frame.header, sample, self._watch.lately))

    def _noises_of(self, identity: HubIdentity) -> list[PartNoise | None]:
        """What the datasheets say of each sensor's noise."""
        parts = {sensor.id: sensor.part for sensor in identity.sensors}
        try:
            return [part_noise(parts.get(sensor.id, "")) for sensor in self._layout.sensors]
        except ImusicError as error:
            self.get_logger().warning(f"covariances of imu/<sensor>/data are unknown (0): {error}")
            return [None] * len(self._layout.sensors)

    # In the executor.

    def _look_for_subscribers(self) -> None:
        self._wanted = [entry for entry in self._imus if entry[2].get_subscription_count() > 0]
        self._line.look()

    async def _on_identify(self, request: Identify.Request, response: Identify.Response) -> Identify.Response:
        if self._hub is None:
            response.success, response.message = False, "the driver is not active: activate it first"
            return response
        outcome = await self._ended(self._hub.identify(request.sensor_id))
        response.success, response.message = outcome.ok, outcome.message
        return response

    async def _on_set_streaming(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if self._hub is None:
            response.success, response.message = False, "the driver is not active: activate it first"
            return response
        outcome = await self._ended(self._hub.set_streaming(request.data))
        response.success, response.message = outcome.ok, outcome.message
        return response

    async def _ended(self, command: Promise[Outcome]) -> Outcome:
        late = Outcome(False, False, f"no answer from the hub within {ANSWER_S:g} s; see the driver's diagnostics")
        return await self._awaiting.result(command, ANSWER_S, late)


def main() -> int:
    """Entry point of the executable `imu_driver`."""
    return run(ImuDriverNode)


if __name__ == "__main__":
    raise SystemExit(main())
