"""Topics, services, actions, parameters and their values in the documents are those of the nodes as they run."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from rclpy.action import ActionServer  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from face_model.layout import load_layout  # noqa: E402
from imusic_ros.graph import graph_file, load_graph, parameter_table  # noqa: E402
from imusic_ros.parameter_docs import SHOWN_GRAPHS  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if page.name != "parameters.md"  # written from the tables, and held to them by another test
}
TABLES = {
    name: {spec.name: spec for spec in parameter_table(str(entry["parameters"]))}
    for name, entry in graph_file()["processes"].items()
    if "parameters" in entry
}
"""Parameters of each node, as it declares them."""

VALUES: dict[str, dict[str, Any]] = {
    "face_inference": {"replay": True},  # offers one service more
    "face_viz": {"port": 0},
    "face_reference": {"source": "livelink", "listen": "127.0.0.1:0"},
    "face_streams": {"streams": "osc://127.0.0.1:9"},
    "robot_head": {"robot": "demo_head", "trajectory": "/head_controller/joint_trajectory"},
    "face_affect": {"enabled": True},
    "face_fusion": {"enabled": True},
}
UNTIED = {"bag", "namespace", "autostart", "tracked"}
"""Arguments of launch files that set no parameter, and a remapping."""


@dataclass
class Interface:
    """What nodes made, by name; types are `package/Name`.

    Attributes:
        offered: topics published, services and actions served.
        heard: topics subscribed and services called.
        nodes: that could be configured here.
    """

    offered: dict[str, set[str]] = field(default_factory=dict)
    heard: dict[str, set[str]] = field(default_factory=dict)
    nodes: set[str] = field(default_factory=set)

    @property
    def all(self) -> dict[str, set[str]]:
        return {name: self.offered.get(name, set()) | self.heard.get(name, set()) for name in self.offered | self.heard}


def type_of(kind: Any) -> str:
    return f"{kind.__module__.split('.')[0]}/{kind.__name__}"


def watched(patch: pytest.MonkeyPatch, found: Interface) -> None:
    """Have every entity told of that is made from now on."""

    def tell(of: str, where: dict[str, set[str]]) -> None:
        make: Callable[..., Any] = getattr(Node, of)

        def made(self: Any, kind: Any, name: str, *rest: Any, **options: Any) -> Any:
            full = name.replace("~", self.get_name(), 1)
            where.setdefault(full, set()).add(type_of(kind))
            return make(self, kind, name, *rest, **options)

        patch.setattr(Node, of, made)

    tell("create_publisher", found.offered)
    tell("create_service", found.offered)
    tell("create_subscription", found.heard)
    tell("create_client", found.heard)
    begin = ActionServer.__init__

    def action(self: Any, node: Any, kind: Any, name: str, *rest: Any, **options: Any) -> None:
        found.offered.setdefault(name.replace("~", node.get_name(), 1), set()).add(type_of(kind))
        begin(self, node, kind, name, *rest, **options)

    patch.setattr(ActionServer, "__init__", action)
    from rclpy.lifecycle import LifecycleNode

    lifecycle = LifecycleNode.create_lifecycle_publisher

    def lifecycle_made(self: Any, kind: Any, name: str, *rest: Any, **options: Any) -> Any:
        found.offered.setdefault(name.replace("~", self.get_name(), 1), set()).add(type_of(kind))
        return lifecycle(self, kind, name, *rest, **options)

    patch.setattr(LifecycleNode, "create_lifecycle_publisher", lifecycle_made)


def node_class(name: str) -> Any:
    module = importlib.import_module(str(graph_file()["processes"][name]["parameters"]).replace(".parameters", ".node"))
    (found,) = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Node) and kind.__module__ == module.__name__
    ]
    return found


@pytest.fixture(scope="module")
def interface() -> Interface:
    """Every node of the graph, made, configured and active for a moment."""
    found = Interface()
    with pytest.MonkeyPatch.context() as patch:
        watched(patch, found)
        rclpy.init()
        try:
            for name in TABLES:
                look_at(name, found, patch)
        finally:
            rclpy.shutdown()
    return found


def look_at(name: str, found: Interface, patch: pytest.MonkeyPatch) -> None:
    node = node_class(name)()
    if name == "player":  # without a recording to open
        module = importlib.import_module(type(node).__module__)
        patch.setattr(module, "find_recording", lambda _: Path("none"))
        patch.setattr(module, "Bag", lambda _: SimpleNamespace(close=lambda: None))
        patch.setattr(node, "_prepare", lambda _: None)
    try:
        for result in node.set_parameters([Parameter(key, value=value) for key, value in VALUES.get(name, {}).items()]):
            assert result.successful, result.reason
        if node.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            # hri_msgs is not among the wheels.
            assert name == "face_hri", f"{name} cannot be configured here: {node.lifecycle}, {node._failure}"
            return
        if name != "player":
            assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        found.nodes.add(name)
    finally:
        node.close()
        node.destroy_node()


# The documents.


@dataclass(frozen=True)
class Row:
    """A name that a table of a document gives a type."""

    page: str
    name: str
    kind: str


def rows() -> list[Row]:
    """Rows of all tables whose heads have a topic, a service or a name first and a type second."""
    found = []
    for page, text in PAGES.items():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            head, _, *body = table.splitlines()
            cells = [cell.strip() for cell in head.strip("|").split("|")]
            if len(cells) < 2 or cells[0] not in ("topic", "name", "service") or cells[1] != "type":
                continue
            for line in body:
                names, kinds = (re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")[:2])
                if not kinds or "/" not in kinds[0] or "/" not in "".join(names):
                    continue
                whole: list[str] = []
                for kind in kinds:
                    whole.append(kind if "/" in kind else f"{whole[-1].split('/')[0]}/{kind}")
                if len(whole) == 1:
                    whole *= len(names)
                assert len(names) == len(whole), f"{page}: {line}"
                found += [Row(page, name, kind) for name, kind in zip(names, whole, strict=True)]
    return found


def plain(name: str) -> str:
    """A documented name as a node has it."""
    return re.sub(r"<sensor>|NAME", load_layout("face_12").names[0], name)


def test_all_nodes_were_looked_at(interface: Interface) -> None:
    assert interface.nodes >= set(TABLES) - {"face_hri"}


def test_documented_names_have_their_types(interface: Interface) -> None:
    documented = [row for row in rows() if not row.name.startswith(("/humans", "/tf"))]
    assert len(documented) > 40
    everything = interface.all
    for row in documented:
        assert row.kind in everything.get(plain(row.name), set()), f"{row}: found {everything.get(plain(row.name))}"


def test_what_nodes_offer_is_documented(interface: Interface) -> None:
    named = {plain(row.name) for row in rows()}
    sensors = {f"imu/{name}/data" for name in load_layout("face_12").names}
    own = {
        name for name in interface.offered if not name.startswith(("/humans", "/tf", "/rosout", "/parameter_events"))
    }
    # The lifecycle's and rclpy's own services of each node are ROS 2's, and a robot's trajectory has the robot's name.
    usual = re.compile(
        r".*/(get_parameters|set_parameters|set_parameters_atomically|list_parameters|describe_parameters|"
        r"get_parameter_types|get_type_description|change_state|get_state|get_available_states|"
        r"get_available_transitions|get_transition_graph|transition_event|joint_trajectory)"
    )
    missing = sorted(name for name in own - named - sensors if not usual.fullmatch(name))
    assert not missing, f"offered, but in no table of the documents: {missing}"


def test_every_name_in_the_prose_exists(interface: Interface) -> None:
    roots = "imu|face|robot_head|recording|recorder|player|" + "|".join(TABLES)
    everything = {name.lstrip("/") for name in interface.all}
    statuses = {f"imu_driver/{name}" for name in load_layout("face_12").names}
    files = re.compile(r"\.\w+$|/$")
    checked = 0
    for page, text in PAGES.items():
        for name in re.findall(rf"`/?((?:{roots})/[\w/<>]+)`", text):
            if files.search(name):
                continue
            checked += 1
            assert plain(name) in everything | statuses, f"{page}: `{name}` is no topic, service or action of any node"
    assert checked > 80


def parameters() -> dict[str, list[Any]]:
    """Specifications by the names under which people set them: parameters of nodes, and arguments of launch files."""
    found: dict[str, list[Any]] = {}
    for table in TABLES.values():
        for name, spec in table.items():
            found.setdefault(name, []).append(spec)
    for graph in SHOWN_GRAPHS:
        for argument in load_graph(graph).arguments:
            found.setdefault(argument.name, []).append(argument.spec)
    return found


def accepted(specs: list[Any], value: str) -> bool:
    """Whether the text is a value that one of these takes; a stand-in in capitals is one of any."""
    if re.fullmatch(r"[A-Z][A-Z_/]*", value):
        return True
    for spec in specs:
        try:
            spec.parsed(value)
        except ValueError:
            continue
        return True
    return False


def test_every_assignment_in_the_documents_is_taken() -> None:
    known = parameters()
    checked = 0
    for page, text in PAGES.items():
        for name, value in re.findall(r"(?<![\w:])([a-z_]+):=(\"[^\"]*\"|'[^']*'|[^\s`)|;]+)", text):
            if name in UNTIED or name.startswith("_"):
                continue
            checked += 1
            assert name in known, f"{page}: {name}:={value}: no parameter and no argument has this name"
            value = value.strip("\"'").rstrip(".,")
            assert accepted(known[name], value), f"{page}: {name}:={value} is refused"
    assert checked > 20


def test_every_value_of_a_parameter_in_the_prose_is_taken() -> None:
    known = parameters()
    simulated = re.findall(r"^(\w+):", (ROOT / "config" / "imu_sim.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    checked = 0
    for page, text in PAGES.items():
        for name, value in re.findall(r"`([a-z_]+): ([^`{}\[\]]+)`", text):
            if name in known and name not in simulated:
                checked += 1
                assert accepted(known[name], value.strip('"')), f"{page}: `{name}: {value}` is refused"
    assert checked > 5


def test_every_parameter_that_is_set_by_command_is_one_of_its_node() -> None:
    found = [(page, *m) for page, t in PAGES.items() for m in re.findall(r"param set /?([\w/]+) (\w+) ([^\s`]+)", t)]
    assert found
    for page, node, name, value in found:
        table = TABLES[node.rpartition("/")[2]]
        assert name in table, f"{page}: {node} has no parameter {name}"
        assert table[name].live, f"{page}: {name} of {node} cannot change while it runs"
        assert accepted([table[name]], value), f"{page}: {name} {value} is refused"


def test_every_default_told_in_the_prose_is_the_tables_own() -> None:
    known = parameters()
    told = re.compile(r"`([a-z_]+)` \((?:[^()]*, )?default:? `?([^`();,]+?)`?(?: \w+)?[);,]")
    for page, text in PAGES.items():
        for name, value in told.findall(text):
            if name in known:
                defaults = {spec.text() for spec in known[name]}
                assert value in defaults, f"{page}: default of {name} is {defaults}, not {value}"


def test_every_figure_of_diagnostics_in_the_documents_exists() -> None:
    """Tables that begin with a node's name, as those of what good signals look like."""
    checked = 0
    for page, text in PAGES.items():
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            head, _, *body = table.splitlines()
            node = re.match(r"\| `(\w+)(?:/<sensor>)?`", head)
            if node is None or node[1] not in TABLES or "good" not in head:
                continue
            room = ROOT / "src" / str(graph_file()["processes"][node[1]]["parameters"]).split(".")[0]
            code = "\n".join(path.read_text(encoding="utf-8") for path in room.rglob("*.py"))
            for line in body:
                for figure in re.findall(r"`([a-z_0-9]+\*?)`", line.strip("|").split("|")[0]):
                    checked += 1
                    written = f'"{figure}"' if "*" not in figure else f'"{figure.rstrip("*")}'
                    assert written in code, f"{page}: {node[1]} tells no {figure}"
    assert checked > 25
