"""Verbs that start the real processes: latency, cost, what they endure, what a recorder keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from imusic_bench.verbs.shared_options import Json, ModelName, Viewer
from imusic_bench.verbs.telling import err, model_title, progress, show_figures
from imusic_cli.errors import UsageError


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
    title = model_title(model)
    found = measure_latency(asked, seconds, model, _graph_name(viewer), progress)
    show([asdict(row) for row in found], "sample to published weights", as_json, ("seconds", "frames_hz"), model=title)


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
    title = model_title(model)
    progress(f"{minutes:g} min")
    found = measure_cost(minutes, transport, rate, model, _graph_name(viewer))
    show([asdict(row) for row in found.rows], "cost of each process", as_json, delay=asdict(found.delay), model=title)


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

    found = measure_soak(minutes, seed, rate, progress)
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
    show_figures(figures, "soak", as_json)
    if not found.honest:
        raise typer.Exit(1)


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
    rows = list(measure_returns(times, transport or TRANSPORTS, hub or HUBS, seed=seed, progress=progress))
    show([asdict(row) for row in rows], "a hub's return to weights, while talking", as_json)
    if any(row.late for row in rows):
        raise typer.Exit(1)


def faults(
    replugs: Annotated[int, typer.Option(min=0, help="Times that the hub is taken away and comes back.")] = 100,
    kills: Annotated[int, typer.Option(min=0, help="Times that each process is killed and started again.")] = 100,
    cycles: Annotated[int, typer.Option(min=0, help="Times that each node goes down to unconfigured and up.")] = 100,
    as_json: Json = False,
) -> None:
    """The demo's graph under replugs, kill -9 and lifecycles: how soon are weights back, and what leaks?

    Ends with status 1 if weights stay away, or what lived through it holds more in the end.
    """
    if not replugs and not kills and not cycles:
        raise UsageError("expected --replugs, --kills or --cycles above 0, found none; leave one out for its default")
    from imusic_bench.faults import measure_faults
    from imusic_bench.printing import show

    rows = measure_faults(replugs, kills, cycles, progress)
    show([asdict(row) for row in rows], "faults endured", as_json, ("lived",))
    if any(row.leaks for row in rows):
        raise typer.Exit(1)


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

    progress(f"{faces} faces at {rate:g} Hz, {minutes:g} min")
    found = measure_recording(faces, rate, 60.0 * minutes)
    show_figures(asdict(found) | {"lost": found.lost}, "what a recorder kept of made-up faces", as_json)
    if found.lost:
        raise typer.Exit(1)


def _graph_name(viewer: bool) -> str:
    return "demo" if viewer else "headless"
