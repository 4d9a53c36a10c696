"""Verbs that run processes until Ctrl-C: options are read here, the rest stands in `run`."""

from __future__ import annotations

from typing import Annotated

import typer

from imusic_cli.run import run_graph

Namespace = Annotated[str, typer.Option(help="ROS namespace of all nodes: one per person.")]
ModelName = Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")]

HubPort = Annotated[str, typer.Option(help="Serial port of the hub, e.g. /dev/ttyUSB0.")]
Baud = Annotated[int | None, typer.Option(help="Baud rate of the serial port.")]
HubUdp = Annotated[str, typer.Option(help="HOST:PORT to listen on for a hub that sends over UDP.")]
LayoutName = Annotated[str, typer.Option(help="Sensor layout: a name or the path of a .yaml file.")]
PagePort = Annotated[int | None, typer.Option(help="TCP port of the page.")]
ShownFace = Annotated[str, typer.Option(help="Face that is shown: head, or a rig file.")]
EngineName = Annotated[str, typer.Option("--engine", help="What runs the model: auto, onnxruntime, tensorrt, ...")]


def demo(
    motion: Annotated[
        str, typer.Option(help="What it plays: performance, say:TEXT, routine, or a Live Link CSV.")
    ] = "",
    model: ModelName = "",
    engine: EngineName = "",
    page_port: Annotated[int | None, typer.Option(help="TCP port of the page; by default the first free one.")] = None,
    subject: Annotated[int | None, typer.Option(help="Who is simulated: 0 the face as built, else random.")] = None,
    face: Annotated[str, typer.Option(help="Face that is simulated and shown: head, or a rig file.")] = "",
    namespace: Namespace = "",
) -> None:
    """Watch a simulated face: hub, driver, inference and web page, no hardware needed."""
    values: dict[str, object] = {"motion": motion, "model": model, "engine": engine, "page_port": page_port}
    raise typer.Exit(run_graph("demo", values | {"subject": subject, "face": face}, namespace))


def capture(
    port: HubPort = "",
    baud: Baud = None,
    udp: HubUdp = "",
    layout: LayoutName = "",
    model: ModelName = "",
    engine: EngineName = "",
    wearer: Annotated[str, typer.Option(help="Who wears the sensors: a profile of `imusic wearer`.")] = "",
    page_port: PagePort = None,
    face: ShownFace = "",
    namespace: Namespace = "",
) -> None:
    """Capture a face from a hub."""
    values: dict[str, object] = {"port": port, "baud": baud, "udp": udp, "layout": layout, "model": model}
    values |= {"engine": engine, "wearer": wearer, "page_port": page_port, "face": face}
    raise typer.Exit(run_graph("capture", values, namespace))


def sensors(
    namespace: Annotated[str, typer.Option(help="The wearer's ROS namespace, as `imusic inference` is told it.")],
    port: HubPort = "",
    baud: Baud = None,
    udp: HubUdp = "",
    layout: LayoutName = "",
    page_port: PagePort = None,
    face: ShownFace = "",
) -> None:
    """One of several wearers: driver and page, whose face `imusic inference` computes together with the others'."""
    values: dict[str, object] = {"port": port, "baud": baud, "udp": udp, "layout": layout}
    raise typer.Exit(run_graph("sensors", values | {"page_port": page_port, "face": face}, namespace))


def inference(
    wearers: Annotated[str, typer.Argument(help="Namespaces of the wearers, e.g. alice,bob.")],
    model: ModelName = "",
    engine: EngineName = "",
    namespace: Annotated[str, typer.Option(help="ROS namespace that those of the wearers are in.")] = "",
) -> None:
    """Compute the faces of several wearers in one process, each in the namespace of their `imusic sensors`."""
    raise typer.Exit(run_graph("inference", {"wearers": wearers, "model": model, "engine": engine}, namespace))
