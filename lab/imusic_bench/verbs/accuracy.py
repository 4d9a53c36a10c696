"""Verbs that ask how right what is read of simulated people is: headings, clocks, weights, expressions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from imusic_bench.verbs.shared_options import Json, ModelName
from imusic_bench.verbs.telling import model_title, one_thread, progress, show_figures


def alignment(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects; four cases each.")] = 10,
    seconds: Annotated[float, typer.Option(min=20.0, help="Length of each performance, s.")] = 150.0,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """A simulated phone and webcam beside simulated sensors, clocks up to 2 s and 100 ppm apart: how well aligned?"""
    one_thread()
    from imusic_bench.camera_alignment import alignment_figures, measure_alignment

    rows = list(measure_alignment(subjects, seconds, model, progress))
    show_figures(alignment_figures(rows), "a camera's clock and the sensors', synthetic", as_json)


def headings(
    minutes: Annotated[float, typer.Option(min=0.5, help="Length of the simulated wear, minutes.")] = 60.0,
    subjects: Annotated[int, typer.Option(min=1, help="Simulated people.")] = 1,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Simulated wear: how far is each sensor's heading against the skull off, and how far does the filter think it is?

    Ends with status 1 if the error is more than 2 degrees, root mean square.
    """
    from imusic_bench.headings import WANTED_DEG, measure_headings
    from imusic_bench.printing import show

    title = model_title(model)
    rows = list(measure_headings(minutes, subjects, model, progress=progress))
    show([asdict(row) for row in rows], "headings against the skull, degrees, synthetic", as_json, model=title)
    if max(row.rms for row in rows) > WANTED_DEG:
        raise typer.Exit(1)


def head(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects of each family of faces.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """A head that nods, shakes, walks, turns and tilts while the face is still: how far do the weights move?

    Ends with status 1 if a weight changes by more than 0.02 on average while heads nod, shake or walk.
    """
    one_thread()
    from imusic_bench.head_apart import PURE, WANTED, measure_head_apart
    from imusic_bench.printing import show

    title = model_title(model)
    rows = list(measure_head_apart(subjects, model, progress=progress))
    show([asdict(row) for row in rows], "a moving head and a still face, synthetic", as_json, model=title)
    if any(row.mean > WANTED for row in rows if row.motion in PURE):
        raise typer.Exit(1)


def units(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """One action unit of FACS after another on simulated wearers: does the one that is shown lead in what is read?"""
    one_thread()
    from imusic_bench.printing import show
    from imusic_bench.unit_script import measure_units

    title = model_title(model)
    rows = [asdict(row) for row in measure_units(subjects, model, progress=progress)]
    show(rows, "one action unit after another, synthetic", as_json, model=title)


def micro(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects, one take each.")] = 12,
    seconds: Annotated[float, typer.Option(min=20.0, help="Length of each take, s.")] = 120.0,
    write: Annotated[
        Path | None, typer.Option(help="Fit the noise of neutral wear to as many other subjects, and write it here.")
    ] = None,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Simulated micro-expressions in neutral wear with head motion: how many are found, and how many false alarms?"""
    one_thread()
    from imusic_bench.micro_expressions import fit, measure_micro, micro_figures, write_noise

    noise = None
    if write is not None:
        noise = fit(seconds, subjects, model, progress)
        write_noise(noise, write)
    ours, plain = measure_micro(subjects, seconds, model, noise, progress)
    show_figures(micro_figures(ours, plain), "micro-expressions, synthetic", as_json)


def affect(
    subjects: Annotated[
        int, typer.Option(min=1, help="Simulated subjects; each poses the basic expressions once.")
    ] = 12,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Posed expressions on simulated people: how many are read right, also with sensors missing, and how alike?"""
    one_thread()
    from imusic_bench.affect_reading import affect_figures, measure_affect

    show_figures(affect_figures(measure_affect(subjects, model, progress)), "posed expressions, synthetic", as_json)


def fusion(
    seeds: Annotated[int, typer.Option(min=1, help="Cameras beside each take.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Sensors and a simulated camera that is covered, dark, frozen, gone: the fused face beside the better of both."""
    one_thread()
    from imusic_bench.hybrid_capture import measure_fusion
    from imusic_bench.printing import show

    title = model_title(model)
    found = measure_fusion(model, seeds, progress)
    show([asdict(row) for row in found], "hybrid capture, synthetic", as_json, model=title)
