from __future__ import annotations

import json
from pathlib import Path

import pytest

from face_model import arkit

typer_testing = pytest.importorskip("typer.testing", reason="no typer: run make setup")
pytest.importorskip("matplotlib", reason="no matplotlib: pip install matplotlib")


def write_take(path: Path) -> None:
    names = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
    lines = [",".join(["Timecode", "BlendShapeCount", *names])]
    for k in range(240):
        weights = (0.5 if name == "JawOpen" and k % 60 < 30 else 0.0 for name in names)
        lines.append(f"10:00:{k // 60:02d}:{k % 60:06.3f},61," + ",".join(map(str, weights)))
    path.write_text("\n".join(lines), encoding="utf-8")


def test_study_writes_one_page_and_prints_distances(tmp_path: Path) -> None:
    from imusic_cli.main import app

    write_take(tmp_path / "ann_x_1.csv")
    out = tmp_path / "out"
    arguments = [
        "realism",
        "--recorded",
        str(tmp_path),
        "--out",
        str(out),
        "--performances",
        "1",
        "--seconds",
        "10",
        "--subjects",
        "0",
    ]
    result = typer_testing.CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    page = (out / "realism.html").read_text(encoding="utf-8")
    assert found["page"] == str(out / "realism.html")
    assert page.count("<h2>") == 1
    assert page.count("data:image/png;base64,") == 6
    distances = found["motion"]["generated to ann_x"]
    assert distances["weights, Wasserstein"] > 0.0
    assert distances["blinks a minute"] is None  # nobody blinked in the take


def test_study_of_an_empty_folder_says_what_it_wanted(tmp_path: Path) -> None:
    from imu_sim.errors import ImuSimError
    from imusic_cli.main import app

    arguments = ["realism", "--recorded", str(tmp_path), "--out", str(tmp_path / "x")]
    result = typer_testing.CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ImuSimError)
    assert not (tmp_path / "x").exists()
