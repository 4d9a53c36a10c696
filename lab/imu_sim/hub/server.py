"""Serving a simulated hub on a line: what the process does between its start and its end."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from face_model.layout import load_layout
from imu_driver.hub_key import load_key
from imu_sim.chips.magnetometer import random_scene
from imu_sim.chips.parts import load_part
from imu_sim.errors import MotionError, SimulatorConfigError
from imu_sim.families import load_family
from imu_sim.generator import from_text
from imu_sim.hub.clock import HubClock
from imu_sim.hub.commands import Commands
from imu_sim.hub.config import MOTIONS, PERFORMANCE, ROUTINE, SAY, SimulatorConfig, is_built_in, is_routine
from imu_sim.hub.control import ControlSocket
from imu_sim.hub.cued_motion import CuedTrajectory, with_alignment
from imu_sim.hub.face_motion import FaceClock
from imu_sim.hub.hub_settings import HubSettings
from imu_sim.hub.pty_link import PtyLink
from imu_sim.hub.simulated_hub import SimulatedHub
from imu_sim.hub.udp_link import UdpLink
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import boards_on
from imu_sim.performance import performance
from imu_sim.performance.nod_and_shake_performance import perform_nod_and_shake
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.phone.camera import PHONE
from imu_sim.phone.live_link_phone import LiveLinkPhone, PhoneClock
from imu_sim.recorded_motion import recorded_motion
from imu_sim.subject import nominal_subject, random_subject

_LONGEST_WAIT_S = 0.05
"""A driver that opens the line is noticed within this, as nothing wakes us for it."""

RECORDED_REST_S = 3.0
"""Rest added to a recorded take at both ends, s: long enough to calibrate the neutral from."""

STARTING_S = 3.0
"""Further rest while the nodes that listen still start: a neutral learned from a moving face spoils the whole run."""


steady_clock: Callable[[], float] = time.monotonic
"""Clock of the hub, s."""


class Link(Protocol):
    """A line to the driver."""

    dropped: int

    @property
    def path(self) -> Path | str:
        """What the driver is told."""

    @property
    def fileno(self) -> int | None:
        """Descriptor to wait on for bytes; None: there is nobody."""

    def read(self) -> bytes:
        """Bytes that arrived; never blocks."""

    def write(self, frames: list[bytes]) -> None:
        """Send frames; never blocks."""

    @property
    def plugged(self) -> bool:
        """Whether it is whole."""

    def plug(self) -> None:
        """Mend it."""

    def unplug(self) -> None:
        """Cut it."""

    def close(self) -> None:
        """Release what is held."""


@dataclass
class Served:
    """A hub on its line.

    Attributes:
        hub: what speaks.
        link: where.
        control: hears from other processes what shall go wrong; None: nobody may say so.
        phone: watches the face; None: there is none.
    """

    hub: SimulatedHub
    link: Link
    control: ControlSocket | None = None
    phone: LiveLinkPhone | None = None

    def turn(self) -> float:
        """Do what is due; time until more is, s."""
        if self.control is not None:
            self.control.hear()
        received = self.link.read()
        if received:
            self.link.write(self.hub.receive(received))
        self.link.write(self.hub.due())
        self.hub.prepare()
        wait_s = min(self.hub.wait_s, _LONGEST_WAIT_S)
        if self.phone is not None:
            now_s = steady_clock()
            self.phone.tick(now_s)
            wait_s = min(wait_s, self.phone.wait_s(now_s))
        return wait_s

    @property
    def filenos(self) -> list[int]:
        """Readable where something waits."""
        line = self.link.fileno
        return [*([] if line is None else [line]), *([] if self.control is None else self.control.filenos)]


def build_hub(config: SimulatorConfig, clock: Callable[[], float], face: FaceClock | None = None) -> SimulatedHub:
    """A hub as configured, on the given monotonic clock in s; `face` is that of several hubs on one face.

    Raises:
        ImuSimError, FaceModelError, HubKeyError: motion, layout, faults or key cannot be used.
    """
    # What can be wrong is read first: the head takes a second to build.
    layout = load_layout(config.layout)
    config.faults.check(layout.names)
    part = load_part(config.part)
    motion, repairs = played_motion(config.motion, config.seed)
    if repairs:
        print(f"{config.motion}: {repairs}", flush=True)  # noqa: T201
    cued = None
    if follows(config):
        course = with_alignment(_made_up(config.motion, config.seed), perform_nod_and_shake(config.seed))
        cued = CuedTrajectory(course)
    trajectory = cued or Trajectory(motion, loop=config.loop)
    family = load_family(config.face)
    seed = config.subject
    if seed:
        crooked_rad = float(np.deg2rad(config.mount_deg))
        subject = random_subject(family, layout, seed, placement_m=config.placement_m, mount_rad=crooked_rad)
    else:
        subject = nominal_subject(family.typical(), layout)
    boards = boards_on(subject, layout)
    rng = np.random.default_rng([config.seed, 0x3A6])
    scene = random_scene(motion.duration_s, rng) if config.fusion == "9d" else None

    def make_stream(rate_hz: float, start_s: float) -> ImuStream:
        return ImuStream(trajectory, boards, part, rate_hz, config.seed, start_s, scene)

    # Only over UDP must a hub stop by itself: there nobody can unplug it.
    settings = HubSettings(
        name=config.name,
        rate_hz=config.rate_hz,
        jitter_s=config.send_jitter_s,
        silence_s=10.0 if config.udp else None,
        key=load_key(config.key_file) if config.key_file else None,
    )
    hub_clock = HubClock(clock, config.clock_offset_s, config.clock_skew_ppm)
    return SimulatedHub(
        make_stream,
        layout,
        part,
        hub_clock,
        settings=settings,
        faults=config.faults,
        seed=config.seed,
        cued=cued,
        face=face,
    )


def follows(config: SimulatorConfig) -> bool:
    """Whether the subject waits for prompts."""
    return config.follow and is_routine(config.motion)


@contextmanager
def prompted(config: SimulatorConfig) -> Iterator[SimpleQueue[float | None]]:
    """Where the routine is, s since its beginning, as prompts say; None: over. Nothing where nobody follows them."""
    prompts: SimpleQueue[float | None] = SimpleQueue()
    if not follows(config):
        yield prompts
        return
    try:
        from imu_sim.hub.prompts import PromptListener
    except ModuleNotFoundError as error:
        raise SimulatorConfigError(
            f"follow: expected ROS 2 to hear the prompts from, found no {error.name}; use --no-follow"
        ) from error
    with PromptListener(config.namespace, prompts.put):
        yield prompts


class StopWish(Protocol):
    """A wish to end, e.g. a `StopSignal`."""

    @property
    def asked(self) -> bool:
        """Whether it was uttered."""

    @property
    def fileno(self) -> int:
        """Readable once it was."""


def serve(
    hub: SimulatedHub,
    link: Link,
    stop: StopWish,
    duration_s: float | None,
    prompts: SimpleQueue[float | None] | None = None,
    phone: LiveLinkPhone | None = None,
) -> None:
    """Carry bytes between hub and link until `stop` or for `duration_s`; `prompts` as of `prompted`.

    `phone` watches the face meanwhile.
    """
    serve_all([Served(hub, link, phone=phone)], stop, duration_s, prompts)


def serve_all(
    served: Sequence[Served],
    stop: StopWish,
    duration_s: float | None = None,
    prompts: SimpleQueue[float | None] | None = None,
) -> None:
    """Serve several hubs in one thread until `stop` or for `duration_s`; the first one follows the prompts."""
    end_s = None if duration_s is None else time.monotonic() + duration_s
    while not stop.asked and (end_s is None or time.monotonic() < end_s):
        while prompts is not None and not prompts.empty():
            served[0].hub.prompt(prompts.get())
        # Of all what is due first: how long others take must not make one wait for what is due later.
        wait_s = min(each.turn() for each in served)
        ready = [stop.fileno, *(fileno for each in served for fileno in each.filenos)]
        select.select(ready, [], [], min([wait_s, *(each.hub.wait_s for each in served)]))


@contextmanager
def opened(configs: Sequence[SimulatorConfig]) -> Iterator[list[Served]]:
    """Hubs on their lines, each as its settings say; all lines are opened before the first hub is built.

    Raises:
        ImuSimError, FaceModelError: a line cannot be opened, or motion, layout or faults cannot be used.
    """
    with ExitStack() as stack:
        links = []
        for config in configs:
            links.append(open_link(config))
            stack.callback(links[-1].close)
        served = []
        face = FaceClock(shared=True)
        for config, link in zip(configs, links, strict=True):
            hub = build_hub(config, steady_clock, face if config.one_face else None)
            control = None
            if config.control:
                control = ControlSocket(Path(config.control).expanduser(), Commands(hub, link).obey)
                stack.callback(control.close)
            phone = stack.enter_context(watching_phone(config, hub))
            served.append(Served(hub, link, control, phone))
        yield served


def open_link(config: SimulatorConfig) -> Link:
    """The line that the settings ask for.

    Raises:
        SimulatorConfigError: it cannot be opened.
    """
    if not config.udp:
        return PtyLink(Path(config.link).expanduser())
    return UdpLink(*_address("udp", config.udp))


@contextmanager
def watching_phone(config: SimulatorConfig, hub: SimulatedHub) -> Iterator[LiveLinkPhone | None]:
    """The phone that the settings ask for, if any.

    Raises:
        SimulatorConfigError: its address makes no sense.
    """
    if not config.phone:
        yield None
        return
    now_s = steady_clock()
    clock = PhoneClock(now_s, time.time() % 86400.0, config.phone_skew_ppm)
    model = replace(PHONE, lag_s=config.phone_lag_s)
    phone = LiveLinkPhone(_address("phone", config.phone), hub.face_at, clock, now_s, model, config.seed)
    try:
        yield phone
    finally:
        phone.close()


def _address(key: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SimulatorConfigError(f"{key}: expected HOST:PORT with a port of 1 to 65535, found {text!r}")
    return host.strip("[]"), int(port)


def played_motion(motion: str, seed: int) -> tuple[FaceMotion, str]:
    """What the hub plays and what was repaired in it, if anything: one of `config.MOTIONS`.

    Raises:
        LiveLinkError: the file cannot be used.
        MotionError: nothing in the text can be said, or the routine's seed is no number.
    """
    if is_built_in(motion):
        return _made_up(motion, seed).faded(rest_s=STARTING_S), ""
    take, report = recorded_motion(Path(motion).expanduser(), seed=seed)
    return take.faded(rest_s=RECORDED_REST_S + STARTING_S), str(report)


def _made_up(motion: str, seed: int) -> FaceMotion:
    if motion == PERFORMANCE:
        return performance()
    if motion.startswith(SAY):
        return from_text(motion.removeprefix(SAY), seed)
    _, _, person = motion.partition(":")
    if motion != ROUTINE and not (person.isascii() and person.isdecimal()):
        raise MotionError(f"motion: expected {MOTIONS}, SEED a whole number, found {motion!r}")
    return perform_routine(int(person) if person else seed)
