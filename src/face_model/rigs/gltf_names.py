"""Names of a glTF file's morph targets: at the mesh, at the targets, or in a VRM avatar's expressions.

`mesh.extras.targetNames` is what exporters agree on; early UniVRM wrote `extras.name` at each target; VRM avatars list
expressions that set targets by number (https://github.com/vrm-c/vrm-specification, VRM 0.0 `blendShapeMaster`,
VRM 1.0 `expressions`). "Perfect Sync" avatars name 52 expressions after ARKit's shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from face_model.rigs.names import match


def target_names(content: Any, mesh_index: int, primitive: Any, count: int) -> list[str | None]:
    """A name for each of `count` morph targets, None where there is none; VRM's where the mesh's say nothing."""
    mesh = content.meshes[mesh_index]
    listed: list[Any] = next((e["targetNames"] for e in (primitive.extras, mesh.extras) if _has_names(e)), [])
    names: list[str | None] = [str(name) for name in listed[:count]]
    names += [None] * (count - len(names))
    for i, target in enumerate((primitive.targets or [])[:count]):
        extras = target.get("extras") if isinstance(target, dict) else getattr(target, "extras", None)
        if names[i] is None and isinstance(extras, dict) and isinstance(extras.get("name"), str):
            names[i] = extras["name"]
    told = dict(_expressions(content, mesh_index))
    for i, name in enumerate(names):
        if i in told and (name is None or match(name) is None):
            names[i] = told[i]
    return names


def _has_names(extras: Any) -> bool:
    return isinstance(extras, dict) and isinstance(extras.get("targetNames"), list)


def _expressions(content: Any, mesh_index: int) -> Iterator[tuple[int, str]]:
    """Number of a target of a mesh, and the ARKit expression that sets it alone."""
    extensions = content.extensions if isinstance(content.extensions, dict) else {}
    try:
        for group in (extensions.get("VRM") or {}).get("blendShapeMaster", {}).get("blendShapeGroups", []):
            binds = [bind for bind in group.get("binds") or [] if bind["mesh"] == mesh_index]
            if len(binds) == 1 and match(str(group.get("name", ""))) is not None:
                yield int(binds[0]["index"]), str(group["name"])
        custom = ((extensions.get("VRMC_vrm") or {}).get("expressions") or {}).get("custom") or {}
        nodes = {i for i, node in enumerate(content.nodes) if node.mesh == mesh_index}
        for name, expression in custom.items():
            binds = [bind for bind in expression.get("morphTargetBinds") or [] if bind["node"] in nodes]
            if len(binds) == 1 and match(str(name)) is not None:
                yield int(binds[0]["index"]), str(name)
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # an expression that is not as specified names nothing
