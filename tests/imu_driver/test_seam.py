"""Only `hubs` knows protocols: what stands above the seam must serve any hub."""

from __future__ import annotations

import ast
from pathlib import Path

import imu_driver

ROOM = Path(next(iter(imu_driver.__path__)))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_module_above_the_seam_imports_a_kind_of_hub() -> None:
    modules = sorted(ROOM.glob("*.py"))
    assert ROOM / "node.py" in modules
    for path in modules:
        inside = [name for name in imported(path) if name.startswith("imu_driver.hubs.")]
        known = {f"imu_driver.hubs.{name}" for name in ("HUBS", "INTRODUCTIONS", "MANY_SENDERS", "make_hub", "sealed")}
        assert set(inside) <= known, path.name


def test_no_kind_of_hub_imports_another_or_ros() -> None:
    kinds = sorted(path for path in (ROOM / "hubs").iterdir() if (path / "__init__.py").exists())
    assert kinds
    for kind in kinds:
        for path in kind.rglob("*.py"):
            names = imported(path)
            others = {f"imu_driver.hubs.{other.name}" for other in kinds if other != kind}
            assert not [name for name in names if any(name.startswith(other) for other in others)], path
            assert not [name for name in names if name.split(".")[0] in ("rclpy", "imusic", "imusic_ros")], path
