"""`imusic bench recording`: the real recorder beside made-up faces, and what of them is in its bag."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from face_recording.bag_reader import Bag
from imusic_bench.made_up_stream import number_of
from imusic_bench.processes import Usage, look_at
from imusic_bench.running import new_namespace
from imusic_cli.errors import CommandError
from imusic_ros.children import end_with_parent
from imusic_ros.graph import executable_path

TOPICS = ("imu/bytes", "imu/frame", "face/blendshapes")
END_S = 30.0


@dataclass(frozen=True)
class RecordingLoss:
    """What a recorder kept of a made-up stream.

    Attributes:
        faces: wearers.
        rate_hz: samples per second of each.
        seconds: length.
        published: messages of bytes, samples and weights together.
        recorded: of those in the bag.
        repeated: numbers that are in it more than once.
        megabytes: size of the bag.
        cpu_percent: of one core, of the recorder.
        rss_mb: resident memory of the recorder at the end.
    """

    faces: int
    rate_hz: float
    seconds: float
    published: int
    recorded: int
    repeated: int
    megabytes: float
    cpu_percent: float
    rss_mb: float

    @property
    def lost(self) -> int:
        """Messages that are missing."""
        return self.published - (self.recorded - self.repeated)


def measure_recording(faces: int, rate_hz: float, seconds: float) -> RecordingLoss:
    """Run the real recorder on bytes, samples and weights of `faces` wearers at `rate_hz`.

    Raises:
        CommandError: stream or recorder ended early.
        BagError: the bag cannot be read.
    """
    place = new_namespace()
    namespaces = [f"/{place}/wearer_{number}" for number in range(faces)]
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:
        with _recorder(namespaces, Path(folder)) as recorder:
            began_s = time.monotonic()
            command = [
                sys.executable,
                "-m",
                "imusic_bench.made_up_stream",
                ",".join(namespaces),
                str(rate_hz),
                str(seconds),
            ]
            run = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=end_with_parent)
            if run.returncode or recorder.poll() is not None:
                raise CommandError(f"expected stream and recorder to run to the end, found: {run.stderr[-2000:]}")
            usage, took_s = look_at(recorder.pid), time.monotonic() - began_s
        return _loss(Path(folder), int(run.stdout), faces, rate_hz, seconds, usage, took_s)


@contextmanager
def _recorder(namespaces: list[str], takes: Path) -> Iterator[subprocess.Popen[bytes]]:
    values = {"autostart": True, "record": True, "takes": str(takes), "namespaces": namespaces}
    command = [str(executable_path("recorder")), "--ros-args"]
    command += [part for key, value in values.items() for part in ("-p", f"{key}:={json.dumps(value)}")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _loss(
    takes: Path, count: int, faces: int, rate_hz: float, seconds: float, usage: Usage, took_s: float
) -> RecordingLoss:
    (folder,) = takes.iterdir()
    size = sum(path.stat().st_size for path in folder.iterdir())
    with Bag(folder) as bag:
        counts: Counter[tuple[str, int]] = Counter()
        relative = {name: topic for name in bag.topics for topic in TOPICS if name.endswith(topic)}
        for message in bag.messages(relative):
            counts[message.topic, number_of(relative[message.topic], message.data)] += 1
    return RecordingLoss(
        faces=faces,
        rate_hz=rate_hz,
        seconds=seconds,
        published=count * faces * len(TOPICS),
        recorded=counts.total(),
        repeated=counts.total() - len(counts),
        megabytes=size / 1e6,
        cpu_percent=100.0 * usage.cpu_s / took_s,
        rss_mb=usage.rss_kb / 1024.0,
    )
