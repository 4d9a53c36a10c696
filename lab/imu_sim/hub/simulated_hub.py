"""A hub made of software: host bytes in, hub bytes out, as docs/protocol.md has it. To a driver it is hardware."""

from __future__ import annotations

import numpy as np

from face_model import arkit
from face_model.layout import SensorLayout
from imu_driver.hubs.imusic_v1.protocol import (
    VERSION,
    Ack,
    Fields,
    Hello,
    HelloRequest,
    HubFlags,
    HubPacket,
    Identify,
    Packet,
    Ping,
    Pong,
    Result,
    SensorFlags,
    SensorInfo,
    SetRate,
    Start,
    Stop,
    StreamParser,
    accel_scale,
    encode,
    gyro_scale,
)
from imu_sim.chips.parts import SensorPart
from imu_sim.hub.cadence import Cadence
from imu_sim.hub.clock import HubClock
from imu_sim.hub.cued_motion import CuedTrajectory
from imu_sim.hub.face_motion import FaceClock, MotionTimes, StreamFactory
from imu_sim.hub.faults import FaultInjector, Faults
from imu_sim.hub.guard import HubGuard
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.sample_block import SampleBlock
from imu_sim.motion import Floats

_BLOCK_S = 0.2
"""Samples are computed ahead in blocks of this length: the cost of many small array operations is shared."""

_IN_HELLO = ("missing", "unlisted", "no_quaternion")
"""Faults that HELLO shows."""

_OLDEST_S = 1.0
"""A sample that could not be sent for this long is lost, as in a hub whose buffer is full."""


class SimulatedHub:
    """Server of hub protocol v1 on an injected clock; never blocks, never raises on received bytes.

    Attributes:
        parser: of what the host sent, with its counters.
        streaming: whether samples are being sent.
        identified: ids of units whose light was asked to blink, in order.
        sent: SAMPLE frames handed out so far.
        reboots: times that it lost power.
        cadence: pacing of the samples and what was late.
        guard: of the key, None where there is none.
    """

    def __init__(
        self,
        make_stream: StreamFactory,
        layout: SensorLayout,
        part: SensorPart,
        clock: HubClock,
        *,
        settings: HubSettings | None = None,
        faults: Faults | None = None,
        seed: int = 0,
        cued: CuedTrajectory | None = None,
        face: FaceClock | None = None,
    ) -> None:
        self.settings = settings or HubSettings()
        self.parser = StreamParser()
        self.streaming = False
        self.identified: list[int] = []
        self.sent = self.reboots = 0
        self.cadence = Cadence(clock.now_s, 1.0 / (settings or HubSettings()).rate_hz)
        self.guard = HubGuard(self.settings.key, lambda: clock.now_s) if self.settings.key is not None else None
        self._make_stream = make_stream
        self._layout = layout
        self._part = part
        self._clock = clock
        self._cued = cued
        self._face = face or FaceClock(shared=False)
        self._skew_ppm = clock.skew_ppm
        self._rng = np.random.default_rng([seed, 0x40B])
        self._scales = (float(gyro_scale(part.gyro_range_dps)), float(accel_scale(part.accel_range_g)))
        self._rate_hz = self.settings.rate_hz
        self._first_start_s: float | None = None
        self._rebooted = self._stepped = self._news = self._rebooting = False
        self._times = MotionTimes()
        self._sequence = 0
        self._next_hello_s: float = clock.now_s
        self._heard_s: float = clock.now_s
        self.set_faults(faults or Faults())
        self._boot()

    def set_faults(self, faults: Faults) -> None:
        """Change the faults while running; samples that are computed already, up to 0.2 s, keep the old ones.

        Raises:
            SimulatorConfigError: the faults name unknown sensors or hold numbers out of range.
        """
        ranges = (self._part.gyro.full_scale, self._part.accel.full_scale)
        before = getattr(self, "_injector", None)
        self._injector = FaultInjector(faults, self._layout.names, ranges, self._rng)
        if before is not None:
            self._injector.overtaken = before.overtaken
            # A hub that finds or loses a unit says so at once.
            self._news |= any(getattr(before.faults, f) != getattr(faults, f) for f in _IN_HELLO)
            self._rebooted &= before.faults.reboot_at_s == faults.reboot_at_s
            self._stepped &= before.faults.clock_step_at_s == faults.clock_step_at_s
        wanted_ppm = self._skew_ppm if faults.skew_ppm is None else faults.skew_ppm
        if wanted_ppm != self._clock.skew_ppm:
            self._clock.set_skew(wanted_ppm)
            self.cadence.restart(self.cadence.deadline_s, self._clock.host_duration_s(1.0 / self._rate_hz))
        self._listed = np.array([name not in faults.unlisted for name in self._layout.names])

    def prompt(self, elapsed_s: float | None) -> None:
        """Tell the subject where the guided routine is, s since its beginning; None: over. Only if they follow it."""
        if self._cued is not None and self._times.began:
            self._cued.prompted(elapsed_s, self.motion_time_s(self._sequence))

    @property
    def faults(self) -> Faults:
        """What goes wrong at present."""
        return self._injector.faults

    @property
    def rate_hz(self) -> int:
        """Samples per second as set now."""
        return self._rate_hz

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; the answers, one frame each."""
        now_s = self._clock.now_s
        packets = self.parser.feed(data)
        answers: list[bytes] = []
        if self.guard is not None:
            packets, answers = self.guard.opened(packets)
        if packets:
            self._heard_s = now_s
        if self._silent(now_s):
            return []
        return answers + [self._encoded(answer) for packet in packets for answer in self._answers(packet)]

    def due(self) -> list[bytes]:
        """What the hub sends by itself up to now: samples, or HELLO once a second; one frame each."""
        now_s = self._clock.now_s
        self._maybe_reboot(now_s)
        self._maybe_set_clock(now_s)
        news: list[bytes] = []
        if self._news and not self._silent(now_s):
            self._news, news = False, [self._encoded(self._hello())]
        if not self.streaming:
            if now_s < self._next_hello_s or self._silent(now_s):
                return news
            self._next_hello_s = now_s + 1.0
            return [self._encoded(self._hello())]
        if self.settings.silence_s is not None and now_s - self._heard_s > self.settings.silence_s:
            self._stop(now_s)
            return news
        out: list[bytes] = news
        while self._release_s <= now_s:
            frame = self._next_sample()
            if not self._silent(now_s) and now_s - self._release_s < _OLDEST_S:
                garbage = self._injector.garbage(self._rate_hz)
                out += [garbage] if garbage else []
                out += self._injector.line(frame)
                self.sent += 1
            self.cadence.tick(now_s)
            self._sequence = (self._sequence + 1) % 2**32
            self._draw_release()
        return out

    @property
    def wait_s(self) -> float:
        """Time until `due` has something to send, s."""
        next_s = self._release_s if self.streaming else self._next_hello_s
        return max(0.0, next_s - self._clock.now_s)

    def motion_time_s(self, sequence: int) -> float:
        """Motion time of a sample of the stream since the last START, s.

        Raises:
            LookupError: the host has not sent START yet, or `sequence` is negative.
        """
        return self._times.at(sequence)

    def truth(self, sequence: int) -> Floats:
        """True weights (52,) of a sample of the stream since the last START; raises as `motion_time_s`."""
        times = np.array([self.motion_time_s(sequence)])
        weights: Floats = self._stream.weights(times)[0]
        return weights

    def face_at(self, host_s: float) -> tuple[Floats, Floats]:
        """True weights (52,) and the head's quaternion (4,) at a time of the host; rest while nothing streams."""
        if not self.streaming:
            return np.zeros(arkit.COUNT), np.array([0.0, 0.0, 0.0, 1.0])
        ahead_s = (host_s - self.cadence.deadline_s) / (self.cadence.period_s * self._rate_hz)
        time_s = max(0.0, self.motion_time_s(self._sequence) + ahead_s)
        return self._stream.weights(np.array([time_s]))[0], self._stream.head(time_s)

    def set_clock(self, ahead_s: float) -> None:
        """Set the hub's clock ahead by so much, s, or back: what a hub must never do, and some do."""
        self._clock.step(ahead_s)

    def reboot(self) -> None:
        """As after a loss of power: clock, rate and streaming start anew. The face goes on doing what it did."""
        self._clock.restart()
        self.reboots += 1
        self._rebooting = self._first_start_s is not None
        self._boot()

    def stall(self, seconds: float) -> None:
        """Say nothing for so long from now on, s; samples go on being taken."""
        self._awake_s = self._clock.now_s + seconds

    def _boot(self) -> None:
        if self.guard is not None:
            self.guard.forget()
        self._boot_id: int = int(self._rng.integers(1, 2**32))
        self.streaming = False
        self._rate_hz = self.settings.rate_hz
        self._awake_s = self._clock.now_s + self.faults.slow_start_s
        self._next_hello_s = self._awake_s
        self._heard_s = self._clock.now_s

    def _maybe_reboot(self, now_s: float) -> None:
        at = self.faults.reboot_at_s
        if at is None or self._rebooted or self._first_start_s is None or now_s - self._first_start_s < at:
            return
        self._rebooted = True
        self.reboot()

    def _maybe_set_clock(self, now_s: float) -> None:
        at = self.faults.clock_step_at_s
        if at is None or self._stepped or self._first_start_s is None or now_s - self._first_start_s < at:
            return
        self._stepped = True
        self.set_clock(self.faults.clock_step_s)

    def _silent(self, now_s: float) -> bool:
        if now_s < self._awake_s:
            return True
        return self._first_start_s is not None and self.faults.stalled(now_s - self._first_start_s)

    def _answers(self, packet: Packet) -> list[HubPacket]:
        if isinstance(packet, Ping):
            return [Pong(packet.token, self._clock.hub_us)]
        if isinstance(packet, HelloRequest):
            return [self._hello(), Ack(packet.request_id, packet.TYPE, Result.OK)]
        if isinstance(packet, Start):
            self._start()
            return [Ack(packet.request_id, packet.TYPE, Result.OK)]
        if isinstance(packet, Stop):
            self._stop(self._clock.now_s)
            return [Ack(packet.request_id, packet.TYPE, Result.OK)]
        if isinstance(packet, SetRate):
            return [self._set_rate(packet)]
        if isinstance(packet, Identify):
            return [self._identify(packet)]
        return []

    def _start(self) -> None:
        if self.streaming:
            return  # done twice, it does no harm: samples and their numbers go on
        now_s = self._clock.now_s
        self._first_start_s = now_s if self._first_start_s is None else self._first_start_s
        self.streaming = True
        self._injector.thaw()
        # A face does not begin anew because its hub lost power.
        if self._face.began_s is None or not (self._rebooting or self._face.shared):
            self._face.began_s = now_s
        self._rebooting = False
        since_s = now_s - self._face.began_s
        self._times.begin(since_s, self._rate_hz)
        self._sequence = 0
        self._restart_stream(since_s, now_s)

    def _stop(self, now_s: float) -> None:
        self.streaming = False
        self._next_hello_s = now_s + 1.0

    def _set_rate(self, packet: SetRate) -> Ack:
        most = self.settings.max_rate_hz
        if not 1 <= packet.rate_hz <= most:
            return Ack(packet.request_id, packet.TYPE, Result.INVALID_ARGUMENT, f"rate 1 to {most} Hz")
        if packet.rate_hz != self._rate_hz:
            self._rate_hz = packet.rate_hz
            if self.streaming:
                start_s = self._times.go_on(self._sequence, self._rate_hz)
                self._restart_stream(start_s, self.cadence.deadline_s)
        return Ack(packet.request_id, packet.TYPE, Result.OK)

    def _identify(self, packet: Identify) -> Ack:
        present = [s.id for s in self._hello().sensors if s.present]
        if packet.sensor_id not in present:
            return Ack(packet.request_id, packet.TYPE, Result.INVALID_ARGUMENT, f"units present: {present}")
        self.identified.append(packet.sensor_id)
        return Ack(packet.request_id, packet.TYPE, Result.OK)

    def _hello(self) -> Hello:
        sensors = tuple(
            SensorInfo(
                sensor.id,
                sensor.name,
                self._part.name,
                self._part.gyro_range_dps,
                self._part.accel_range_g,
                0 if sensor.name in self.faults.missing else int(SensorFlags.PRESENT),
            )
            for sensor, listed in zip(self._layout.sensors, self._listed, strict=True)
            if listed
        )
        flags = int(HubFlags.CAN_SEAL | (HubFlags.STREAMING if self.streaming else HubFlags(0)))
        motion = Fields.GYRO | Fields.ACCEL | (Fields(0) if self.faults.no_quaternion else Fields.QUATERNION)
        settings = self.settings
        return Hello(
            self._boot_id,
            self._rate_hz,
            settings.max_rate_hz,
            int(motion),
            settings.name,
            settings.firmware,
            sensors,
            flags,
        )

    def _restart_stream(self, start_s: float, deadline_s: float) -> None:
        """Samples from motion time `start_s` on, the first due at `deadline_s` on the host's clock."""
        self.cadence.restart(deadline_s, self._clock.host_duration_s(1.0 / self._rate_hz))
        self._draw_release()
        self._stream = self._make_stream(float(self._rate_hz), start_s)
        self._block: SampleBlock | None = None

    def prepare(self) -> None:
        """Compute the next samples if none are ready; worth calling while there is time before the next deadline."""
        if self.streaming and (self._block is None or not self._block.left):
            count = max(1, round(_BLOCK_S * self._rate_hz))
            deadlines_s = self.cadence.deadline_s + self.cadence.period_s * np.arange(count, dtype=np.float64)
            since_start_s: Floats = deadlines_s - (self._first_start_s or 0.0)
            units = self._injector.apply(self._stream.next(count), since_start_s, self._rate_hz)
            self._block = SampleBlock(units, self._scales, self._listed, not self.faults.no_quaternion)

    def _next_sample(self) -> bytes:
        self.prepare()
        assert self._block is not None
        return self._encoded(self._block.take(self._sequence, self._clock.us_at(self.cadence.deadline_s)))

    def _draw_release(self) -> None:
        """When the next sample may leave: at its deadline plus the delay of the line."""
        jitter_s = self.settings.jitter_s if self.faults.jitter_s is None else self.faults.jitter_s
        delay_s = float(self._rng.exponential(jitter_s)) if jitter_s > 0.0 else 0.0
        self._release_s = self.cadence.deadline_s + delay_s

    def _encoded(self, packet: HubPacket) -> bytes:
        if self.guard is not None and not self.faults.wrong_version:
            return self.guard.sealed(packet)
        return encode(packet, VERSION + 1 if self.faults.wrong_version else VERSION)
