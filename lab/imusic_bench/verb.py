"""The verbs of `imusic bench`, in the order of its help; what does the work is imported when it is asked for."""

from __future__ import annotations

import typer

from imusic_bench.verbs import accuracy, graph, parts

app = typer.Typer(no_args_is_help=True, help="Measure this machine.")
for verb in (
    graph.latency,
    graph.cost,
    parts.engine,
    parts.scale,
    graph.soak,
    graph.reconnect,
    parts.fuzz,
    parts.decoder,
    graph.faults,
    parts.hours,
    parts.simulate,
    graph.recording,
    accuracy.alignment,
    accuracy.headings,
    accuracy.head,
    accuracy.units,
    accuracy.micro,
    accuracy.affect,
    accuracy.fusion,
):
    app.command()(verb)
