"""Takes as files of other tools: which formats there are, and how one is written, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from face_model.faces import HEAD, load_rig
from face_model.outputs import check_output_file, write_whole
from face_recording.takes.errors import TakeError
from face_recording.takes.reading import read_take
from face_recording.takes.take import CALIBRATING, Take, resampled

if TYPE_CHECKING:
    from PIL.Image import Image

    from face_model.rig import FaceRig

RECORDED: Final = 0.0
"""Rate of the faces as they were recorded."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        suffixes: of its files, the usual one first.
        fps: faces per second by default; `RECORDED` for those that were recorded.
        summary: what it is for.
        has_rig: whether a rig is drawn or written.
        has_picture: whether it has a width and curves.
    """

    suffixes: tuple[str, ...]
    fps: float
    summary: str
    has_rig: bool = False
    has_picture: bool = False


FORMATS: Final = {
    "livelink-csv": Format((".csv",), 60.0, "as the app Live Link Face writes: Unreal, MetaHuman, add-ons of Blender"),
    "glb": Format((".glb",), RECORDED, "a rig with its animation: Blender, any glTF viewer", has_rig=True),
    "json": Format((".json",), RECORDED, "all that is known, for programs of any language"),
    "npz": Format((".npz",), RECORDED, "NumPy arrays"),
    "parquet": Format((".parquet",), RECORDED, "a table for pandas, Polars, DuckDB; needs pyarrow"),
    "video": Format((".mp4", ".webm"), 30.0, "the face beside its curves; needs ffmpeg", True, True),
    "gif": Format((".gif", ".webp"), 20.0, "the face beside its curves, for pages and messages", True, True),
    "vrma": Format((".vrma",), RECORDED, "a VRM animation: expressions and head, for any VRM model"),
    "joints": Format((".csv",), 50.0, "joint angles of a robot's head, within its limits and rates"),
    "flame": Format((".npz",), RECORDED, "FLAME or SMPL-X coefficients; needs a map of your model"),
}


@dataclass(frozen=True)
class Export:
    """What was asked for.

    Attributes:
        kind: one of `FORMATS`.
        path: of the file.
        wearer: whose, where there are several.
        namespace: whose, by ROS namespace.
        start_s: s after the first face.
        end_s: before which it ends; None: with the take.
        fps: faces per second; `RECORDED`: as recorded; None: as usual for the format.
        rig: a name or a file.
        correctives: for GLB, see `write_glb_take`.
        width: of pictures, pixels.
        curves: names of shapes; none: those that move most.
        robot: for joints, a robot's name or file.
        map: for flame, the file that `imusic retarget flame` wrote.
    """

    kind: str
    path: Path
    wearer: str | None = None
    namespace: str | None = None
    start_s: float = 0.0
    end_s: float | None = None
    fps: float | None = None
    rig: str = HEAD
    correctives: bool = False
    width: int = 640
    curves: Sequence[str] = ()
    robot: str = "demo_head"
    map: Path | None = None


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the file.
        faces: in it.
        notes: what a user should know.
    """

    path: Path
    faces: int
    notes: tuple[str, ...]


def format_of(to: str | None, out: Path | None) -> str:
    """The format that is meant, by its name, by a suffix, or by the suffix of the output.

    Raises:
        TakeError: none, or name and suffix contradict each other.
    """
    suffix = out.suffix.lower() if out is not None else ""
    by_suffix = next((name for name, kind in FORMATS.items() if suffix in kind.suffixes), None)
    known = ", ".join(FORMATS)
    if to is None:
        if by_suffix is None:
            found = f"the suffix {suffix!r}" if suffix else "none"
            raise TakeError(f"expected a format, found {found}; say --to with one of {known}, or -o with its suffix")
        return by_suffix
    asked = to.lower().lstrip(".")
    name = next((n for n, kind in FORMATS.items() if asked == n or f".{asked}" in kind.suffixes), None)
    if name is None:
        raise TakeError(f"expected one of {known}, found {to}")
    if suffix and suffix not in FORMATS[name].suffixes:
        raise TakeError(f"expected a name that ends in {' or '.join(FORMATS[name].suffixes)} for {name}, found {out}")
    return name


def check_export(asked: Export, overwrite: bool) -> None:
    """Whether it can be written at all, before the work.

    Raises:
        TakeError: there is something already, or a library or program is missing.
        OutputError: the folder is not there, or cannot be written.
    """
    if asked.path.suffix.lower() not in FORMATS[asked.kind].suffixes:
        raise TakeError(f"expected a name that ends in {FORMATS[asked.kind].suffixes[0]}, found {asked.path}")
    check_output_file(asked.path)
    if asked.path.exists() and not overwrite:
        raise TakeError(f"expected no file yet at {asked.path}, found one; give another name with -o, or --force")
    if asked.fps is not None and asked.fps != RECORDED and not 1.0 <= asked.fps <= 1000.0:
        raise TakeError(f"expected 1 to 1000 frames per second, or `recorded`, found {asked.fps:g}")
    if asked.kind == "parquet":
        from face_recording.takes.parquet_file import pyarrow_parquet

        pyarrow_parquet()
    if asked.kind == "flame" and asked.map is None:
        raise TakeError(
            "expected the map of a model for flame, found none; make one with `imusic retarget flame`, --map"
        )
    if asked.kind == "joints":
        from face_retarget.robot import ROBOTS

        ROBOTS.find(asked.robot)
    if asked.kind == "video":
        from face_recording.takes.moving_picture import need_ffmpeg

        need_ffmpeg()


def export(folder: Path, asked: Export, progress: Callable[[int, int], None] = lambda done, of: None) -> Exported:
    """Read a take and write the file; call `check_export` first.

    Args:
        folder: of the take.
        asked: what is wanted.
        progress: told how many pictures of how many are drawn.

    Raises:
        TakeError: the take or what is asked of it cannot be used.
        FaceModelError: there is no such rig.
        OutputError: the disk is full.
    """
    rig = load_rig(asked.rig) if FORMATS[asked.kind].has_rig else None
    take = read_take(folder, asked.wearer, asked.namespace).cut(asked.start_s, asked.end_s)
    notes = list(_notes(take))
    fps = FORMATS[asked.kind].fps if asked.fps is None else asked.fps
    if fps == RECORDED and FORMATS[asked.kind].has_picture:
        raise TakeError("expected frames per second for a moving picture, found `recorded`; say --fps 30")
    if fps != RECORDED:
        take = resampled(take, fps)
        if take.held.any():
            notes.append(f"{int(take.held.sum())} of {len(take)} frames lie in gaps of the recording: held, or lost")
    write_whole(asked.path, _writer(take, asked, fps, rig, progress))
    return Exported(asked.path, len(take), tuple(notes))


def _writer(
    take: Take, asked: Export, fps: float, rig: FaceRig | None, progress: Callable[[int, int], None]
) -> Callable[[Path], object]:
    """What writes the file at a path."""
    if asked.kind == "livelink-csv":
        from face_recording.takes.livelink_csv import write_livelink

        return lambda part: write_livelink(take, part)
    if asked.kind == "json":
        from face_recording.takes.json_file import write_json

        return lambda part: write_json(take, part)
    if asked.kind == "npz":
        from face_recording.takes.npz_file import write_npz

        return lambda part: write_npz(take, part)
    if asked.kind == "parquet":
        from face_recording.takes.parquet_file import write_parquet

        return lambda part: write_parquet(take, part)
    if asked.kind == "vrma":
        from face_recording.takes.vrma_file import write_vrma

        return lambda part: write_vrma(take, part)
    if asked.kind == "joints":
        from face_recording.takes.joints_file import write_joints
        from face_retarget.robot import load_robot

        robot, _ = load_robot(asked.robot)
        return lambda part: write_joints(take, robot, part)
    if asked.kind == "flame":
        from face_recording.takes.flame_file import write_flame
        from face_retarget.flame.fit import load_map

        assert asked.map is not None
        by = load_map(asked.map)
        return lambda part: write_flame(take, by, part)
    assert rig is not None
    if asked.kind == "glb":
        from face_recording.takes.glb_file import write_glb_take

        return lambda part: write_glb_take(take, rig, part, asked.correctives)
    from face_recording.takes.curves import lanes_of, pictures
    from face_recording.takes.moving_picture import GIF_RATES, write_moving_picture

    if asked.path.suffix.lower() == ".gif" and fps not in GIF_RATES:
        told = ", ".join(f"{rate:g}" for rate in GIF_RATES)
        raise TakeError(f"expected a rate that GIF can have ({told}), found {fps:g}; give one of these, or .webp")
    lanes_of(take, asked.curves)

    def write(part: Path) -> None:
        def drawn() -> Iterator[Image]:
            for i, picture in enumerate(pictures(take, rig, asked.width, asked.curves)):
                progress(i + 1, len(take))
                yield picture

        write_moving_picture(drawn(), fps, part)

    return write


def _notes(take: Take) -> list[str]:
    notes = []
    learning = take.state == CALIBRATING
    if learning.all():
        notes.append("the neutral is being learned throughout: all weights are neutral")
    elif learning[0]:
        until = float(take.times_s[~learning][0])
        notes.append(f"until {until:.2f} s the neutral is being learned and weights are neutral: --start leaves it out")
    dropped = len(take) - len(take.ordered())
    if dropped:
        notes.append(f"{dropped} faces are not later than those before them: stale ones, or the clock was set")
    return notes
