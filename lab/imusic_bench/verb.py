"""The verbs of `imusic bench`: options are read here, the work is done in modules imported when they are asked for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from imusic_cli.errors import UsageError
from imusic_ros.program import THREAD_COUNTS

app = typer.Typer(no_args_is_help=True, help="Measure this machine.")
err = Console(stderr=True, markup=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
ModelName = Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")]
Viewer = Annotated[bool, typer.Option(help="Run the viewer too, as in the demo.")]


@app.command()
def latency(
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of each measurement, s.")] = 60.0,
    transport: Annotated[str, typer.Option(help="serial (a pseudo-terminal), udp or both.")] = "serial",
    rate: Annotated[list[int] | None, typer.Option(min=1, max=400, help="Samples per second; repeatable.")] = None,
    busy: Annotated[bool, typer.Option("--busy", help="Also beside one core that another process keeps busy.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Serial and UDP, 100 and 200 Hz, idle and with one busy core.")
    ] = False,
    model: ModelName = "imusic",
    viewer: Viewer = False,
    as_json: Json = False,
) -> None:
    """Sample to weights through the real processes on a simulated hub: rate, age of the sample, losses."""
    from imusic_bench.latency import ALL_RATES_HZ, BOTH, cases, measure_latency
    from imusic_bench.printing import show

    asked = cases(BOTH, ALL_RATES_HZ, True) if everything else cases(transport, rate or (100,), busy)
    title = _model_title(model)
    found = measure_latency(asked, seconds, model, _graph(viewer), _progress)
    show([asdict(row) for row in found], "sample to published weights", as_json, ("seconds", "frames_hz"), model=title)


@app.command()
def cost(
    minutes: Annotated[float, typer.Option(min=0.05, help="Length of the measurement, minutes.")] = 1.0,
    transport: Annotated[str, typer.Option(help="serial (a pseudo-terminal) or udp.")] = "serial",
    rate: Annotated[int, typer.Option(min=1, max=400, help="Samples per second.")] = 100,
    model: ModelName = "imusic",
    viewer: Viewer = False,
    as_json: Json = False,
) -> None:
    """What each process takes: processor, memory, threads, files, and whether memory or latency grow."""
    from imusic_bench.cost import measure_cost
    from imusic_bench.printing import show
    from imusic_bench.running import TRANSPORTS

    if transport not in TRANSPORTS:
        raise UsageError(f"--transport: expected {' or '.join(TRANSPORTS)}, found {transport}; take one of these")
    title = _model_title(model)
    _progress(f"{minutes:g} min")
    found = measure_cost(minutes, transport, rate, model, _graph(viewer))
    show([asdict(row) for row in found.rows], "cost of each process", as_json, delay=asdict(found.delay), model=title)


@app.command()
def engine(
    name: Annotated[list[str] | None, typer.Option("--engine", help="Engine; repeatable; by default all.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Faces at once; repeatable: 1, 4, 16, 64.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="For each engine, precision and batch, s.")] = 5.0,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Time of a step on every engine that works here, beside the full window and a recurrent network."""
    _one_thread()
    from face_inference.model_folder import load_model
    from imusic_bench.engine_comparison import BATCHES, compare_engines
    from imusic_bench.printing import show

    loaded = load_model(model)
    found = compare_engines(loaded, name, batch or BATCHES, seconds, _progress)
    rows = [asdict(row) for row in found.rows]
    show(rows, "one step", as_json, ("steps",), model=loaded.description.title, missing=found.missing)


@app.command()
def scale(
    name: Annotated[str, typer.Option("--engine", help="Engine, where it is measured alone.")] = "onnxruntime",
    rate: Annotated[list[int] | None, typer.Option(min=1, help="Samples per second; repeatable: 60, 100.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Faces that are tried at most.")] = 128,
    wearers: Annotated[
        list[int] | None,
        typer.Option(min=1, help="The whole graph for so many wearers, not the engine alone; repeatable."),
    ] = None,
    separate: Annotated[
        bool, typer.Option("--separate", help="With --wearers: an inference process for each, not one for all.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="For each number of faces, s; 2, for the whole graph 20.")
    ] = None,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """How many faces one core carries through one process: the engine alone, or the whole graph of real processes."""
    _one_thread()
    from face_inference.model_folder import load_model
    from imusic_bench.printing import show
    from imusic_bench.scale import RATES_HZ, scale_engine

    loaded = load_model(model)
    title = "faces on one core, the engine alone"
    if wearers:
        from imusic_bench.graph_scale import measure_wearers

        rows = []
        for count, rate_hz in product(wearers, rate or RATES_HZ):
            _progress(f"{count} {'wearer' if count == 1 else 'wearers'}, {rate_hz} Hz")
            rows.append(asdict(measure_wearers(count, seconds or 20.0, rate_hz, model, not separate)))
        title = "faces through the whole graph"
    else:
        found = scale_engine(loaded, name, rate or RATES_HZ, most, seconds or 2.0, _progress)
        rows = [asdict(row) for row in found]
    show(rows, title, as_json, model=loaded.description.title)


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.5, help="Length, minutes.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Draws what happens when.")] = 0,
    rate: Annotated[int, typer.Option(min=1, max=400, help="Samples per second.")] = 100,
    as_json: Json = False,
) -> None:
    """The demo's graph for a long time, disturbed at random: is every loss counted, and no level OK that should not be?

    Busy processes, halted hub, driver, inference and viewer, a killed viewer. Ends with status 1 if it was not honest.
    """
    from imusic_bench.soak import measure_soak

    found = measure_soak(minutes, seed, rate, _progress)
    account = {**asdict(found.account), "in_doubt": found.account.in_doubt}
    figures = {
        "minutes": found.minutes,
        "disturbances": len(found.disturbances),
        "faces": found.faces,
        **{f"samples {name}": count for name, count in account.items()},
        "levels OK that were not": len(found.wrong_levels),
        "old faces TRACKING": found.old_but_tracking,
        **{f"{node} not OK, share": share for node, share in found.not_ok.items()},
        "viewer restarts": found.restarts,
        **{f"{node} memory, kB/min": trend.per_min for node, trend in found.memory_kb_min.items()},
    }
    for line in found.wrong_levels:
        err.print(line, highlight=False)
    _show(figures, "soak", as_json)
    if not found.honest:
        raise typer.Exit(1)


@app.command()
def reconnect(
    times: Annotated[int, typer.Option(min=1, help="How often the hub is lost, for each row.")] = 5,
    transport: Annotated[
        list[str] | None, typer.Option(help="serial (a pseudo-terminal) or udp; repeatable; by default both.")
    ] = None,
    hub: Annotated[
        list[str] | None,
        typer.Option(help="fused: it sends orientations; raw: the driver fuses; repeatable; by default both."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws how long the hub is away.")] = 0,
    as_json: Json = False,
) -> None:
    """A hub that is lost while somebody talks and comes back, with and without a reboot: when are weights back?

    Ends with status 1 if they once took longer than 2 s.
    """
    from imusic_bench.printing import show
    from imusic_bench.reconnect import HUBS, measure_returns
    from imusic_bench.running import TRANSPORTS

    for name, found, known in (("transport", transport, TRANSPORTS), ("hub", hub, HUBS)):
        if wrong := [each for each in found or () if each not in known]:
            raise UsageError(f"--{name}: expected {' or '.join(known)}, found {wrong[0]}; take one of these")
    rows = list(measure_returns(times, transport or TRANSPORTS, hub or HUBS, seed=seed, progress=_progress))
    show([asdict(row) for row in rows], "a hub's return to weights, while talking", as_json)
    if any(row.late for row in rows):
        raise typer.Exit(1)


@app.command()
def simulate(
    seconds: Annotated[float, typer.Option(min=5.0, help="Length of the simulated performance, s.")] = 60.0,
    repeats: Annotated[int, typer.Option(min=1, help="How often it is measured; the median counts.")] = 5,
    face: Annotated[str, typer.Option(help="Family of faces: head, or a rig file.")] = "head",
    part: Annotated[
        str, typer.Option(help="Sensor part: a name in config/parts or the path of a .yaml file.")
    ] = "QMI8658",
    layout: Annotated[str, typer.Option(help="Sensor layout: a name or the path of a .yaml file.")] = "face_12",
    as_json: Json = False,
) -> None:
    """Facial motion to a recording of all IMUs: how many times faster than life on one core, and each stage's cost."""
    _one_thread()
    from imusic_bench.throughput import measure_throughput

    result = asdict(measure_throughput(seconds, repeats, face, layout, part))
    stages = {} if as_json else {f"{name}, ms/s": ms for name, ms in result.pop("stages_ms").items()}
    _show(result | stages, "motion to recording, one core", as_json)


@app.command()
def recording(
    faces: Annotated[int, typer.Option(min=1, max=16, help="Wearers that are recorded into one bag.")] = 4,
    rate: Annotated[float, typer.Option(min=1.0, max=1000.0, help="Samples per second of each.")] = 200.0,
    minutes: Annotated[float, typer.Option(min=0.05, help="Length, minutes.")] = 10.0,
    as_json: Json = False,
) -> None:
    """The real recorder beside made-up bytes, samples and weights: what is missing in the bag, what it costs.

    Ends with status 1 if a message is missing.
    """
    from imusic_bench.recording_loss import measure_recording

    _progress(f"{faces} faces at {rate:g} Hz, {minutes:g} min")
    found = measure_recording(faces, rate, 60.0 * minutes)
    _show(asdict(found) | {"lost": found.lost}, "what a recorder kept of made-up faces", as_json)
    if found.lost:
        raise typer.Exit(1)


@app.command()
def alignment(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects; four cases each.")] = 10,
    seconds: Annotated[float, typer.Option(min=20.0, help="Length of each performance, s.")] = 150.0,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """A simulated phone and webcam beside simulated sensors, clocks up to 2 s and 100 ppm apart: how well aligned?"""
    _one_thread()
    from imusic_bench.camera_alignment import alignment_figures, measure_alignment

    rows = list(measure_alignment(subjects, seconds, model, _progress))
    _show(alignment_figures(rows), "a camera's clock and the sensors', synthetic", as_json)


@app.command()
def head(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects of each family of faces.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """A head that nods, shakes, walks, turns and tilts while the face is still: how far do the weights move?

    Ends with status 1 if a weight changes by more than 0.02 on average while heads nod, shake or walk.
    """
    _one_thread()
    from imusic_bench.head_apart import PURE, WANTED, measure_head_apart
    from imusic_bench.printing import show

    title = _model_title(model)
    rows = list(measure_head_apart(subjects, model, progress=_progress))
    show([asdict(row) for row in rows], "a moving head and a still face, synthetic", as_json, model=title)
    if any(row.mean > WANTED for row in rows if row.motion in PURE):
        raise typer.Exit(1)


@app.command()
def units(
    subjects: Annotated[int, typer.Option(min=1, help="Simulated subjects.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """One action unit of FACS after another on simulated wearers: does the one that is shown lead in what is read?"""
    _one_thread()
    from imusic_bench.printing import show
    from imusic_bench.unit_script import measure_units

    title = _model_title(model)
    rows = [asdict(row) for row in measure_units(subjects, model, progress=_progress)]
    show(rows, "one action unit after another, synthetic", as_json, model=title)


@app.command()
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
    _one_thread()
    from imusic_bench.micro_expressions import fit, measure_micro, micro_figures, write_noise

    noise = None
    if write is not None:
        noise = fit(seconds, subjects, model, _progress)
        write_noise(noise, write)
    ours, plain = measure_micro(subjects, seconds, model, noise, _progress)
    _show(micro_figures(ours, plain), "micro-expressions, synthetic", as_json)


@app.command()
def affect(
    subjects: Annotated[
        int, typer.Option(min=1, help="Simulated subjects; each poses the basic expressions once.")
    ] = 12,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Posed expressions on simulated people: how many are read right, also with sensors missing, and how alike?"""
    _one_thread()
    from imusic_bench.affect_reading import affect_figures, measure_affect

    _show(affect_figures(measure_affect(subjects, model, _progress)), "posed expressions, synthetic", as_json)


@app.command()
def fusion(
    seeds: Annotated[int, typer.Option(min=1, help="Cameras beside each take.")] = 3,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Sensors and a simulated camera that is covered, dark, frozen, gone: the fused face beside the better of both."""
    _one_thread()
    from imusic_bench.hybrid_capture import measure_fusion
    from imusic_bench.printing import show

    title = _model_title(model)
    found = measure_fusion(model, seeds, _progress)
    show([asdict(row) for row in found], "hybrid capture, synthetic", as_json, model=title)


def _one_thread() -> None:
    """Small matrix products are slower in several threads, and figures are per core; read when numpy is imported."""
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))


def _model_title(name: str) -> str:
    """Name and version of a model, found out before anything starts."""
    from face_inference.model_folder import load_model

    return load_model(name).description.title


def _graph(viewer: bool) -> str:
    return "demo" if viewer else "headless"


def _progress(line: str) -> None:
    err.print(f"measuring: {line}", highlight=False)


def _show(figures: dict[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, indent=2))  # noqa: T201
        return
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    Console(markup=False).print(table)
