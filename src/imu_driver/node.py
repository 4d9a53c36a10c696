"""ROS 2 node `imu_driver`: a hub on a serial port or UDP in, `imu/frame` out, with `imu/layout` and `imu/states`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future as Promise
from pathlib import Path
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
from imu_driver import messages
from imu_driver.diagnostics import Reporter
from imu_driver.gyro_bias import PERIOD_S, GyroBiasError, GyroBiasFile, default_folder
from imu_driver.hub import FusingHub, Hub, HubIdentity, Outcome
from imu_driver.hub_key import HubKeyError, load_key
from imu_driver.hub_thread import HubThread
from imu_driver.hubs import INTRODUCTIONS, MANY_SENDERS, make_hub, sealed
from imu_driver.joined_hubs import JoinedHubs
from imu_driver.line_messages import LineMessages
from imu_driver.parameters import PARAMETERS
from imu_driver.part_noise import PartNoise, part_noise
from imu_driver.sensor_figures import SensorTally
from imu_driver.sensor_states import StatesWatch
from imu_driver.sensor_topics import sensor_topics
from imu_driver.serial_finder import AUTO, FoundSerialTransport
from imu_driver.serial_port import SerialTransport
from imu_driver.stamps import Stamps
from imu_driver.topic_transport import TopicTransport
from imu_driver.transport import Transport
from imu_driver.udp import UdpTransport, parse_address
from imu_driver.udp_senders import UdpSendersTransport, parse_senders
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

LOG_PERIOD_S = 10.0
"""The same kind of reject is logged at most this often."""


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
        self._said = ""
        self._rejects_said: dict[str, tuple[float, int]] = {}

    # Lifecycle.

    def configure(self) -> None:
        """Check everything that can be wrong without a hub; make publishers and services."""
        try:
            self._layout = load_layout(str(self.value("layout")))
        except (FaceModelError, OSError) as error:
            raise ConfigurationError(str(error)) from error
        self._lines = self._make_lines()
        try:
            self._frame_id = checked_frame(head_frame(self.get_namespace(), str(self.value("frame_id"))))
        except ValueError as error:
            raise ConfigurationError(f"frame_id: {error}") from error
        self._message.header.frame_id = self._frame_id
        self._by_arrival = self.value("stamp_source") == "arrival"
        state = str(self.value("state_folder"))
        self._state_folder = None if state == "none" else Path(state).expanduser() if state else default_folder()
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
        self._told = self._line.follow(hub, kind, self._layout, rate_hz, self._by_arrival)
        tally = SensorTally(len(self._layout.sensors))
        thread = HubThread(hub, self._on_sample, lambda: self._line.after_step(self._message.header), tally)
        self._hub, self._thread = hub, thread
        self._met: HubIdentity | None = None
        self._noises: list[PartNoise | None] = [None] * len(self._layout.sensors)
        self._watch = StatesWatch()
        self._stamps = Stamps()
        self._biases_kept_s = time.monotonic()
        self._reporter = Reporter(hub, thread, self._layout, self._now_s())
        self._said, self._rejects_said = hub.problem, {}  # that nothing was tried yet is no news
        self._look_for_subscribers()
        self._subscribers_timer = self.create_timer(SUBSCRIBERS_PERIOD_S, self._look_for_subscribers)
        thread.start()

    def deactivate(self) -> None:
        """Stop the hub and close the connection."""
        self._keep_biases()
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
        self._log_connection(self._hub)
        self._log_rejects(self._hub)
        if time.monotonic() - self._biases_kept_s > PERIOD_S:
            self._keep_biases()
        sensors = {name: Health(one.level, one.message, one.values) for name, one in report.sensors.items()}
        return Health(report.level, report.message, report.values, sensors)

    @property
    def subscriptions(self) -> Iterator[Any]:
        """Those that executors look after: what a hub's thread takes by itself is not among them."""
        taken = self._topics.subscriptions if self._topics is not None else []
        return (subscription for subscription in super().subscriptions if subscription not in taken)

    def _make_lines(self) -> list[tuple[Transport, str]]:
        """A transport for each hub, and the name of the hub that is wanted there."""
        self._topics = self._make_topics() if self.value("hub") == TOPICS else None
        if self._topics is not None:
            return [(self._topics, "")]
        kind, udp, port = str(self.value("hub")), str(self.value("udp")), str(self.value("port"))
        many = kind in MANY_SENDERS
        places = _parts(udp or MANY_SENDERS.get(kind, "")) or _parts(port)
        if not places:
            raise ConfigurationError("expected a serial port in `port` or HOST:PORT in `udp`, found neither")
        names = _parts(str(self.value("hub_id")))
        if places == [AUTO]:
            places = [AUTO] * max(1, len(names))  # each name is looked for
        if len(places) > 1 and many:
            raise ConfigurationError(f"udp: hubs of kind {kind} share one port, found {len(places)}")
        if names and len(names) != len(places):
            raise ConfigurationError(f"hub_id: expected a name for each of {len(places)} hubs, found {len(names)}")
        names = names or [""] * len(places)
        make = self._udp_line if udp or many else self._serial_line
        return [(self._with_key(make(place, name)), name) for place, name in zip(places, names, strict=True)]

    def _serial_line(self, port: str, name: str) -> Transport:
        kind, baud = str(self.value("hub")), int(self.value("baud"))
        if port != AUTO:
            return SerialTransport(port, baud)
        if kind not in INTRODUCTIONS:
            raise ConfigurationError(f"port: a hub of kind {kind} cannot be found by itself; set its port")
        return FoundSerialTransport(baud, INTRODUCTIONS[kind], name)

    def _udp_line(self, place: str, _: str) -> Transport:
        kind = str(self.value("hub"))
        many = kind in MANY_SENDERS
        try:
            bound = parse_address(place)
            senders = parse_senders(str(self.value("hub_address")))
        except ValueError as error:
            raise ConfigurationError(f"udp, hub_address: {error}") from error
        assert bound is not None
        return UdpSendersTransport(*bound, senders) if many else UdpTransport(*bound, senders)

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

    def _with_key(self, transport: Transport) -> Transport:
        """A transport that lets only a hub with the key through, if one is set."""
        file = str(self.value("key_file"))
        if not file:
            return transport
        try:
            return sealed(str(self.value("hub")), transport, load_key(file))
        except (HubKeyError, ValueError) as error:
            raise ConfigurationError(f"key_file: {error}") from error

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
            self._recall_biases(hub, identity)
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

    def _recall_biases(self, hub: Hub, identity: HubIdentity) -> None:
        """Let the driver's own fusion begin where it ended when this hub was here before."""
        if self._state_folder is None or identity.sends_orientation or not isinstance(hub, FusingHub):
            return
        try:
            known = GyroBiasFile.of(self._state_folder, identity).load(identity)
        except GyroBiasError as error:
            self.get_logger().warning(str(error))
            return
        if known:
            hub.use_gyro_bias(known)

    # In the executor.

    def _keep_biases(self) -> None:
        self._biases_kept_s = time.monotonic()
        hub, folder = self._hub, self._state_folder
        if hub is None or folder is None or not isinstance(hub, FusingHub):
            return
        biases, identity = hub.gyro_bias(), hub.identity
        if identity is None or not biases:  # the hub fuses, or was never there
            return
        try:
            GyroBiasFile.of(folder, identity).save(identity, biases)
        except GyroBiasError as error:
            self.get_logger().warning(str(error))

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

    def _log_connection(self, hub: Hub) -> None:
        trouble = hub.problem or "; ".join(hub.notices)
        say = trouble or f"connected: {hub.description}"
        if say != self._said:
            self._said = say
            # One call site for each severity: rclpy refuses another severity from the same line.
            if trouble:
                self.get_logger().warning(say)
            else:
                self.get_logger().info(say)

    def _log_rejects(self, hub: Hub) -> None:
        now, figures = time.monotonic(), hub.figures()
        for reason, count in figures.rejected.items():
            said_s, said = self._rejects_said.get(reason, (float("-inf"), 0))
            if count > said and now - said_s >= LOG_PERIOD_S:
                self._rejects_said[reason] = (now, count)
                new = count - said
                frames = "frame" if new == 1 else "frames"
                self.get_logger().warning(f"{new} {frames} rejected as {reason}, newest: {figures.last_reject}")


def _parts(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def main() -> int:
    """Entry point of the executable `imu_driver`."""
    return run(ImuDriverNode)


if __name__ == "__main__":
    raise SystemExit(main())
