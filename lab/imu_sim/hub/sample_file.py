"""Raw samples of a simulated hub as a text file, for hubs that play one: `python -m imu_sim.hub.sample_file`.

The first line is `imusic-samples 1`. Then `rate HZ`, a line `unit ID PLACE PART GYRO_RANGE_DPS ACCEL_RANGE_G` for each
unit (a place of `-` is none), the line `samples`, and one line for each sample: for each unit its status, its three
counts of the gyroscope and its three of the accelerometer, as in a SAMPLE of docs/protocol.md. Lines that begin with #
are remarks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from face_model.errors import FaceModelError
from face_model.outputs import write_whole
from imu_driver.hubs.imusic_v1.protocol import Hello, Sample, Start, decode, encode
from imu_sim.errors import ImuSimError, SimulatorConfigError
from imu_sim.hub.config import MOTIONS, SimulatorConfig, updated
from imu_sim.hub.server import build_hub
from imu_sim.hub.simulated_hub import SimulatedHub
from imusic_cli.usage import OneLineParser

FIRST_LINE = "imusic-samples 1"
_START = encode(Start(1))


@dataclass
class _SteppedClock:
    """Time that passes from one sample to the next."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def raw_samples(config: SimulatorConfig) -> tuple[Hello, Iterator[Sample]]:
    """What a simulated hub says of itself, and its samples from the first one on, without orientation.

    They are the samples that a simulated hub of the same settings sends to a driver.

    Raises:
        ImuSimError, FaceModelError: the settings cannot be used.
    """
    clock = _SteppedClock()
    hub = build_hub(replace(config, faults=replace(config.faults, no_quaternion=True), send_jitter_s=0.0), clock)
    hello = decode(hub.due()[0])
    assert isinstance(hello, Hello)
    hub.receive(_START)
    return hello, _samples(hub, clock)


def _samples(hub: SimulatedHub, clock: _SteppedClock) -> Iterator[Sample]:
    while True:
        for frame in hub.due():
            packet = decode(frame)
            assert isinstance(packet, Sample)
            yield packet
        clock.now_s += max(hub.wait_s, 1e-6)


def write_sample_file(path: Path, hello: Hello, samples: Sequence[Sample]) -> None:
    """Write the file.

    Raises:
        OutputError: it cannot be written.
    """
    lines = [FIRST_LINE, f"rate {hello.rate_hz}"]
    lines += [
        f"unit {unit.id} {unit.place or '-'} {unit.part} {unit.gyro_range_dps} {unit.accel_range_g}"
        for unit in hello.sensors
    ]
    lines.append("samples")
    for sample in samples:
        gyro, accel = sample.gyro, sample.accel
        assert gyro is not None
        assert accel is not None
        numbers = (n for unit in zip(sample.status, gyro, accel, strict=True) for n in (unit[0], *unit[1], *unit[2]))
        lines.append(" ".join(map(str, numbers)))
    text = "\n".join(lines) + "\n"
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    """Write a file as asked; 2 when the settings cannot be used, and the reason is printed."""
    parser = OneLineParser(prog="imu_sim.hub.sample_file", description="Raw samples of a simulated face as a file.")
    parser.add_argument("file", type=Path, help="to be written")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--motion", help=MOTIONS)
    parser.add_argument("--layout", help="sensor layout, by name or path")
    parser.add_argument("--part", help="the units, by name or path")
    parser.add_argument("--rate", type=int, dest="rate_hz", help="samples per second")
    parser.add_argument("--seed", type=int, help="of noise")
    parser.add_argument("--subject", type=int, help="0: the face as built; else a random person")
    given = {key: value for key, value in vars(parser.parse_args(argv)).items() if value is not None}
    path, seconds = given.pop("file"), given.pop("seconds")
    try:
        config = updated(SimulatorConfig(), given)
        if not 0.0 < seconds <= 86400.0:
            raise SimulatorConfigError(f"--seconds: expected more than 0 and at most 86400, found {seconds:g}")
        hello, samples = raw_samples(config)
        write_sample_file(path, hello, list(islice(samples, max(1, round(seconds * config.rate_hz)))))
    except (ImuSimError, FaceModelError) as error:
        print(f"no samples written: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
