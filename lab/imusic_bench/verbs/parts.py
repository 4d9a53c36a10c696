"""Verbs that run parts of the code alone, on one core: engines, parsers, simulated hours, the simulator."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from typing import Annotated

import typer

from imusic_bench.verbs.shared_options import Json, ModelName
from imusic_bench.verbs.telling import one_thread, progress, show_figures
from imusic_cli.errors import UsageError


def engine(
    name: Annotated[list[str] | None, typer.Option("--engine", help="Engine; repeatable; by default all.")] = None,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Faces at once; repeatable: 1, 4, 16, 64.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="For each engine, precision and batch, s.")] = 5.0,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Time of a step on every engine that works here, beside the full window and a recurrent network."""
    one_thread()
    from face_inference.model_folder import load_model
    from imusic_bench.engine_comparison import BATCHES, compare_engines
    from imusic_bench.printing import show

    loaded = load_model(model)
    found = compare_engines(loaded, name, batch or BATCHES, seconds, progress)
    rows = [asdict(row) for row in found.rows]
    show(rows, "one step", as_json, ("steps",), model=loaded.description.title, missing=found.missing)


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
    one_thread()
    from face_inference.model_folder import load_model
    from imusic_bench.printing import show
    from imusic_bench.scale import RATES_HZ, scale_engine

    loaded = load_model(model)
    title = "faces on one core, the engine alone"
    if wearers:
        from imusic_bench.graph_scale import measure_wearers

        rows = []
        for count, rate_hz in product(wearers, rate or RATES_HZ):
            progress(f"{count} {'wearer' if count == 1 else 'wearers'}, {rate_hz} Hz")
            rows.append(asdict(measure_wearers(count, seconds or 20.0, rate_hz, model, not separate)))
        title = "faces through the whole graph"
    else:
        found = scale_engine(loaded, name, rate or RATES_HZ, most, seconds or 2.0, progress)
        rows = [asdict(row) for row in found]
    show(rows, title, as_json, model=loaded.description.title)


def fuzz(
    inputs: Annotated[int, typer.Option(min=1, help="Inputs for each target.")] = 100_000,
    target: Annotated[list[str] | None, typer.Option(help="Target; repeatable; by default all.")] = None,
    engine: Annotated[
        str, typer.Option(help="atheris, blind, or the best that is installed where it is left out.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Of the mutations.")] = 0,
    as_json: Json = False,
) -> None:
    """Very many inputs through parsers and sessions of hubs: no exception, no hang, no growth?

    Ends with status 1, and the input, at the first.
    """
    one_thread()
    from imusic_bench.fuzz import ENGINES, measure_fuzz
    from imusic_bench.fuzz_targets import TARGETS
    from imusic_bench.printing import show

    for name in target or ():
        if name not in TARGETS:
            raise UsageError(f"--target: expected one of {', '.join(TARGETS)}, found {name}; take one of these")
    if engine and engine not in ENGINES:
        raise UsageError(f"--engine: expected one of {', '.join(ENGINES)}, found {engine}; take one of these")
    found = measure_fuzz(target or list(TARGETS), inputs, seed, engine, progress)
    show([asdict(row) for row in found], "inputs without an exception, a hang or growth", as_json)


def decoder(
    megabytes: Annotated[float, typer.Option(min=1.0, help="Garbage with valid frames in it, MB.")] = 1000.0,
    each: Annotated[float, typer.Option(min=0.1, help="For the throughput of each kind of bytes, MB.")] = 20.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the garbage.")] = 0,
    as_json: Json = False,
) -> None:
    """The stream parser on noise and on packets: megabytes per second of processor time, and every valid frame found?

    Ends with status 1 if a valid frame is lost, or any noise goes through slower than 20 MB/s.
    """
    one_thread()
    from imusic_bench.decoder import WANTED_MB_S, measure_decoder, measure_garbage
    from imusic_bench.printing import show

    rows = measure_decoder(each)
    garbage = measure_garbage(megabytes, seed, progress)
    show([asdict(row) for row in rows], "the stream parser", as_json, garbage=asdict(garbage))
    if any(row.noise and row.mb_s < WANTED_MB_S for row in rows):
        raise typer.Exit(1)


def hours(
    hours: Annotated[float, typer.Option("--hours", min=0.1, help="Simulated time, hours.")] = 10.0,
    rate: Annotated[int, typer.Option(min=10, max=400, help="Samples per second.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Draws what happens when.")] = 0,
    network: Annotated[
        bool, typer.Option(help="Run the network too, which doubles the time; its memory and cost are fixed.")
    ] = False,
    model: ModelName = "imusic",
    as_json: Json = False,
) -> None:
    """Simulated hours with faults through driver and tracker on virtual time: is every sample accounted for, and does
    latency, cost or memory grow?

    Ends with status 1 if a sample is in doubt or something grows.
    """
    one_thread()
    from imusic_bench.fixed_engine import FixedEngine
    from imusic_bench.virtual_hours import measure_hours

    found = measure_hours(hours, rate, seed, model, None if network else FixedEngine, progress)
    trends = ("latency_ms_min", "cpu_us_min", "memory_kb_min")
    figures = {name: value for name, value in asdict(found).items() if name not in trends}
    for name in trends:
        trend = getattr(found, name)
        figures |= {name: trend.per_min, f"{name} error": trend.error_per_min}
    show_figures(figures, "simulated hours", as_json)
    if not found.kept:
        raise typer.Exit(1)


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
    one_thread()
    from imusic_bench.throughput import measure_throughput

    result = asdict(measure_throughput(seconds, repeats, face, layout, part))
    stages = {} if as_json else {f"{name}, ms/s": ms for name, ms in result.pop("stages_ms").items()}
    show_figures(result | stages, "motion to recording, one core", as_json)
