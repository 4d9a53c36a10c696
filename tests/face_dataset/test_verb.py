"""The verbs of `imusic dataset`: output, exit statuses, one clear line for each mistake."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from face_dataset.verb import _counted, app
from imu_sim.errors import ImuSimError

TAKES = {
    "talk": {"split": "train", "wearers": 2, "generated": {"seconds": [3.0, 3.0]}},
    "score": {"split": "test", "wearers": 1, "recorded": {"files": ["nobody_at_home.csv"]}},
}
WIDE = {"COLUMNS": "200"}


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "two.yaml"
    path.write_text(yaml.safe_dump({"name": "two", "hub": {"loss": 0.2}, "takes": TAKES}))
    return path


@pytest.fixture(scope="session")
def built(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    result = CliRunner().invoke(app, ["build", str(recipe), "--out", str(folder), "--workers", "1"], env=WIDE)
    assert result.exit_code == 0, result.output
    assert "2 takes, 0.1 minutes, 1 shard, " in result.output
    assert "left out, not found: nobody_at_home.csv" in result.output
    return folder


def test_verify_passes_what_was_built_and_refuses_a_changed_bit(built: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(built)], env=WIDE)
    assert result.exit_code == 0
    assert "every shard is as it was built" in result.output
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = next(tmp_path.glob("shard_*"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    result = CliRunner().invoke(app, ["verify", str(tmp_path)], env=WIDE)
    assert "SHA-256" in str(result.exception)


def test_what_recorded_takes_do_not_have_is_a_dash() -> None:
    assert _counted(Counter([None])) == "-"
    assert _counted(Counter([None, None, "smile"])) == "unknown 2, smile 1"


def test_inspect_counts_and_draws(built: Path, tmp_path: Path) -> None:
    from PIL import Image

    picture = tmp_path / "take.png"
    result = CliRunner().invoke(app, ["inspect", str(built), "--take", "1", "--out", str(picture)], env=WIDE)
    assert result.exit_code == 0, result.output
    for word in ("data set two", "train", "head", "QMI8658", "face_12", "sources: generated"):
        assert word in result.output
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 500, "curves and colours"


def test_machines_build_their_shares_and_merge(recipe: Path, built: Path, tmp_path: Path) -> None:
    shares = [str(tmp_path / name) for name in ("one", "two")]
    small = tmp_path / "small.yaml"
    small.write_text(yaml.safe_dump(yaml.safe_load(recipe.read_text()) | {"shard_mib": 0.05}))
    for index, folder in enumerate(shares):
        command = ["build", str(small), "--out", folder, "--workers", "1", "--index", str(index), "--count", "2"]
        result = CliRunner().invoke(app, command, env=WIDE)
        assert result.exit_code == 0, result.output
        assert "imusic dataset merge" in result.output
    result = CliRunner().invoke(app, ["merge", str(tmp_path / "all"), *shares], env=WIDE)
    assert result.exit_code == 0, result.output
    assert "2 takes, 0.1 minutes, 2 shards" in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "nothing", "--out", "x"], "shipped names: imusic, small"),
        (["build", "RECIPE", "--out", "FULL"], "found other files"),
        (["verify", "FULL"], "expected a data set with a manifest.json"),
        (["inspect", "FULL"], "expected a data set with a manifest.json"),
        (["merge", "FULL"], "expected a build.json"),
    ],
)
def test_mistakes_are_told_as_typed_errors(recipe: Path, tmp_path: Path, arguments: list[str], expected: str) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    filled = [{"RECIPE": str(recipe), "FULL": str(tmp_path)}.get(argument, argument) for argument in arguments]
    result = CliRunner().invoke(app, filled, env=WIDE)
    assert result.exit_code == 1
    assert isinstance(result.exception, (ImuSimError, ValueError))
    assert expected in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["build", "small", "--out", "x", "--index", "2", "--count", "2"], "below --count 2, found 2"),
        (["build", "small", "--out", "x", "--recorded", "/nowhere"], "found none at /nowhere"),
        (["build", "small"], "--out"),
        (["inspect", "BUILT", "--take", "2"], "below 2, found 2"),
    ],
)
def test_wrong_usage_has_exit_status_two(built: Path, arguments: list[str], expected: str) -> None:
    filled = [str(built) if argument == "BUILT" else argument for argument in arguments]
    result = CliRunner().invoke(app, filled, env=WIDE)
    assert result.exit_code == 2
    assert expected in result.output
