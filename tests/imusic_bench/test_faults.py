"""A running graph endures what is done to it; the full numbers are those of `imusic bench faults`."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic_bench import faults
from imusic_bench.faults import measure_faults
from imusic_bench.processes import Usage

pytestmark = pytest.mark.ros


def test_each_fault_is_endured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "PATIENCE_S", 240.0)
    found = {row.fault: row for row in measure_faults(replugs=1, kills=1, cycles=1)}
    assert list(found) == [
        "replug",
        *(f"kill -9 {name}" for name in ("imu_sim", "imu_driver", "face_inference", "face_viz", "recorder")),
        *(f"lifecycle of {name}" for name in ("imu_driver", "face_inference", "face_viz", "recorder")),
    ]
    assert "imu_driver" in found["kill -9 face_inference"].lived
    assert "imu_driver" not in found["kill -9 imu_driver"].lived


def test_what_grows_is_named() -> None:
    usages = iter([Usage(1.0, 100_000, None, 10, 50), Usage(9.0, 100_500, None, 10, 50 + 5 * 20)])

    class Graph:
        def usage(self, but: str = "") -> dict[str, Usage]:
            return {"imu_driver": next(usages)}

    class Heard:
        faces: list[object] = []  # noqa: RUF012
        said: list[object] = []  # noqa: RUF012

    class Listener:
        heard = Heard()

    found = faults._repeat(Graph(), Listener(), "made up", "", 20, lambda: (0.25, 0.5))  # type: ignore[arg-type]
    assert found.leaks == "imu_driver: 100 files"
    assert (found.faces_p50_s, found.weights_max_s, found.times, found.more_kb) == (0.25, 0.5, 20, 500)
