"""Model folders: all one needs to run a network correctly, beside its weights, and a loader that refuses doubt."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from face_inference.channels import FEATURE_VERSION, Channels
from face_inference.errors import (
    ModelFolderError,
    ModelNotFoundError,
)
from face_inference.mounts import NominalMounts
from face_inference.network_inputs import input_size
from face_inference.wearer.prior import PRIOR_FILE, Prior
from face_model import arkit
from face_model.settings import read_mapping
from face_model.share import ament_prefixes, expanded, is_path, share_dir

FORMAT_VERSION = 3
DESCRIPTION_FILE = "model.yaml"
RESOURCE_TYPE = "imusic_models"
"""Ament resource type: packages with models have `share/ament_index/resource_index/imusic_models/<package>`."""


WEIGHTS = "network.safetensors"
"""Float32 weights of the network by name, for PyTorch and, as their external data, for the graphs."""

STEP = "step.onnx"
"""One tick of any number of faces: `inputs` (F, I), `ticks` (F, 1) and each ring (F, length, width) go in; `weights`
and `confidence` (F, 52) and, named `next_<ring>`, the row (F, width) that each ring gets come out."""

CARRIED = "carried.onnx"
"""As `STEP`, but whole rings come out: for devices that keep the state themselves."""

CARRIED_FLOAT16 = "carried_float16.onnx"
"""As `CARRIED` with matrix products in half precision."""

WINDOW = "window.onnx"
"""`inputs` (F, N, I), the N ticks that an answer depends on, to `weights` and `confidence`: what a step costs that
remembers nothing. For comparisons."""

FACES_AXIS = "faces"
"""Name of the graphs' one axis that is not fixed; engines fix it when they load."""

SLOWEST_HZ, FASTEST_HZ = 1.0, 1000.0
"""Ticks per second that a model may ask for; hubs send 1000 samples a second at most."""

MOST_RINGS, MOST_RING_VALUES = 1000, 1 << 24
"""What a network may remember of one face, 64 MB; the shipped one remembers 50,000 values."""

MOST_ACROSS = 4.0
"""Squared turns of a sensor by the other half's shapes over those by its own: below 0.0001 in the shipped prior."""

FILES = (WEIGHTS, STEP, CARRIED, CARRIED_FLOAT16, WINDOW, PRIOR_FILE)
"""What a model folder holds beside its description and card."""


@dataclass(frozen=True)
class Ring:
    """The last rows of something that a network computes at every tick, zero after a reset.

    Tick t is in slot t modulo `length`, a power of two.
    """

    name: str
    length: int
    width: int


@dataclass(frozen=True)
class ModelDescription:
    """Content of `model.yaml`, and the prior beside it.

    `network` is what `NetworkConfig` is made of, `sha256` that of each of `FILES`. `training`, `numbers` and `licences`
    are for people and do not affect running.
    """

    name: str
    version: str
    rate_hz: float
    mounts: NominalMounts
    network: Mapping[str, Any]
    rings: tuple[Ring, ...]
    sha256: Mapping[str, str]
    prior: Prior
    training: Mapping[str, Any] = field(default_factory=dict)
    licences: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name and version, as published."""
        return f"{self.name} {self.version}"

    @cached_property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of all that decides what the model makes of samples: its files, and its sensors."""
        decisive = {key: self.to_config()[key] for key in ("rate_hz", "rings", "sha256", "sensors", "feature_version")}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_config(self) -> dict[str, Any]:
        """As plain values for `model.yaml`."""
        return {
            "format_version": FORMAT_VERSION,
            "feature_version": FEATURE_VERSION,
            "name": self.name,
            "version": self.version,
            "rate_hz": self.rate_hz,
            "network": dict(self.network),
            "rings": [{"name": r.name, "length": r.length, "width": r.width} for r in self.rings],
            "sha256": dict(self.sha256),
            "input_count": input_size(Channels.of(self.mounts)),
            "sensors": self.mounts.to_config(),
            "blendshapes": list(arkit.BLENDSHAPES),
            "training": dict(self.training),
            "licences": dict(self.licences),
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True)
class Model:
    """A folder that passed every check."""

    path: Path
    description: ModelDescription

    def file(self, name: str) -> Path:
        """One of `FILES`."""
        return self.path / name


def load_model(name_or_path: str | Path) -> Model:
    """Find and check a model folder.

    Raises:
        ModelNotFoundError: nothing of this name or path.
        ModelFolderError: a file is missing, malformed or not the one described; format or features are of another
            version; blendshapes or sensors are unknown, or in another order.
    """
    path = find_model(name_or_path)
    description = _read_description(path / DESCRIPTION_FILE)
    return Model(path, description)


def find_model(name_or_path: str | Path) -> Path:
    """Folder of a model: a path, which has a separator, or a name.

    A bare name is looked up in every package that ships models, then in the checkout, and never in the working
    directory: whoever can make a folder there must not decide what runs.

    Raises:
        ModelNotFoundError: with every place that was looked at and the models found there.
    """
    name, given = str(name_or_path), expanded(name_or_path)
    by_path = is_path(name_or_path)
    if by_path and (given / DESCRIPTION_FILE).is_file():
        return given
    if by_path and given.is_dir():
        raise ModelFolderError(f"expected {DESCRIPTION_FILE} in {given}, found none; give a folder that holds a model")
    places = model_places()
    if not by_path and name:
        for place in places:
            if (place / name / DESCRIPTION_FILE).is_file():
                return place / name
    found = "; ".join(f"{place}: {', '.join(_models_in(place)) or 'none'}" for place in places) or "nowhere to look"
    raise ModelNotFoundError(
        f"expected {f'a model folder at {given}' if by_path else f'a model named {name!r}'}, found models at {found}; "
        "give one of these names, or a path with a slash (./NAME for a folder here)"
    )


def model_places() -> list[Path]:
    """Folders that hold model folders, nearest first."""
    places: list[Path] = []
    for prefix in ament_prefixes():
        index = prefix / "share" / "ament_index" / "resource_index" / RESOURCE_TYPE
        if index.is_dir():
            places += [prefix / "share" / entry.name / "models" for entry in sorted(index.iterdir())]
    # Not installed and no checkout: the packages on the ament index are all there is.
    with contextlib.suppress(FileNotFoundError):
        places.append(share_dir() / "models")
    return list(dict.fromkeys(places))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise ModelFolderError(f"expected the file {path}, found none; fetch the whole model folder")
    found = sha256_of(path)
    if found != sha256:
        raise ModelFolderError(
            f"expected {path} with SHA-256 {sha256}, found {found}; "
            "the file is damaged or from another version: copy the whole folder again"
        )


def _models_in(place: Path) -> list[str]:
    return sorted(p.parent.name for p in place.glob(f"*/{DESCRIPTION_FILE}"))


def _read_description(path: Path) -> ModelDescription:
    # Written by `imusic train` and held by hashes, not by people: plain values do, without the 75 ms of pydantic.
    content = read_mapping(path, "a model description", ModelFolderError)
    for key, expected in (("format_version", FORMAT_VERSION), ("feature_version", FEATURE_VERSION)):
        if content.get(key) != expected:
            raise ModelFolderError(
                f"{path}: expected {key} {expected}, found {content.get(key)!r}; "
                "use a model made for this version of the package, or train one with `imusic train`"
            )
    try:
        return _description_from(content, path.parent)
    except ModelFolderError as error:
        raise type(error)(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise ModelFolderError(f"{path}: expected the fields of a model description, found {error!r}") from error


def _description_from(content: Mapping[str, Any], folder: Path) -> ModelDescription:
    blendshapes = tuple(content["blendshapes"])
    if blendshapes != arkit.BLENDSHAPES:
        differing = next(
            (i for i, (a, b) in enumerate(zip(blendshapes, arkit.BLENDSHAPES, strict=False)) if a != b), None
        )
        where = f"{blendshapes[differing]!r} at {differing}" if differing is not None else f"{len(blendshapes)} names"
        raise ModelFolderError(f"expected the 52 ARKit blendshapes in this package's order, found {where}")
    mounts = NominalMounts.from_config(content["sensors"])
    inputs = input_size(Channels.of(mounts))
    if int(content["input_count"]) != inputs:
        raise ModelFolderError(
            f"expected {inputs} inputs for {len(mounts.names)} sensors, found {content['input_count']}"
        )
    sha256 = {name: str(content["sha256"][name]) for name in FILES}
    for name, expected in sha256.items():
        _check_file(folder / name, expected)
    _check_weights(folder / WEIGHTS)
    prior = Prior.load(folder / PRIOR_FILE)
    if prior.observations != 3 * (len(mounts.names) - 1):
        raise ModelFolderError(
            f"expected a prior of {3 * (len(mounts.names) - 1)} channels, found {prior.observations}"
        )
    _check_geometry(mounts, prior)
    rate_hz = float(content["rate_hz"])
    if not SLOWEST_HZ <= rate_hz <= FASTEST_HZ:
        raise ModelFolderError(f"expected rate_hz of {SLOWEST_HZ:g} to {FASTEST_HZ:g}, found {rate_hz:g}")
    rings = tuple(_ring(entry) for entry in content["rings"])
    if len({ring.name for ring in rings}) != len(rings) or len(rings) > MOST_RINGS:
        raise ModelFolderError(f"expected at most {MOST_RINGS} rings of different names, found {len(rings)}")
    if sum(ring.length * ring.width for ring in rings) > MOST_RING_VALUES:
        raise ModelFolderError(
            f"expected rings of at most {MOST_RING_VALUES} values together, found "
            f"{sum(ring.length * ring.width for ring in rings)}; export the model again"
        )
    return ModelDescription(
        name=str(content["name"]),
        version=str(content["version"]),
        rate_hz=rate_hz,
        mounts=mounts,
        network=dict(content["network"]),
        rings=rings,
        sha256=sha256,
        prior=prior,
        training=content.get("training") or {},
        licences=content.get("licences") or {},
        numbers=content.get("numbers") or {},
    )


def _check_weights(path: Path) -> None:
    """Refuse weights that are not finite: a training that failed gives NaN for ever, and every face is neutral."""
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                values = file.get_tensor(name)
                if values.dtype.kind == "f" and not np.isfinite(values).all():
                    raise ModelFolderError(
                        f"expected finite weights in {path}, found {np.count_nonzero(~np.isfinite(values))} of "
                        f"{values.size} NaN or infinite in {name}; train it again"
                    )
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        if isinstance(error, ModelFolderError):
            raise
        raise ModelFolderError(f"expected weights in {path}, found: {error}; copy the model again") from error


def _check_geometry(mounts: NominalMounts, prior: Prior) -> None:
    """Refuse sensors whose names do not fit where they sit: exchanged ones give the mirrored face."""
    if not (prior.spread > 0.0).all():
        raise ModelFolderError("expected a prior of positive spreads, found others; copy the model again")
    for i, name in enumerate(mounts.names):
        side = 1.0 if name.endswith("_left") else -1.0 if name.endswith("_right") else 0.0
        if side * mounts.position_m[i, 1] < 0.0:
            raise ModelFolderError(
                f"expected {name} on its side of the face (y to the left), found it at "
                f"{mounts.position_m[i].round(3).tolist()}; the sensors are exchanged: copy the model again"
            )
    # The prior stands under a hash, the list of sensors does not: does each side's sensor turn with its own side?
    turns = np.square(prior.mean.reshape(len(mounts.skin), 3, -1).astype(np.float64)).sum(axis=1)
    for row, i in enumerate(mounts.skin):
        own, other = ("Left", "Right") if mounts.names[i].endswith("_left") else ("Right", "Left")
        if mounts.names[i].endswith(("_left", "_right")):
            there, across = (
                turns[row, [k for k, n in enumerate(arkit.BLENDSHAPES) if n.endswith(e)]].sum() for e in (own, other)
            )
            if across > MOST_ACROSS * there:
                raise ModelFolderError(
                    f"expected {mounts.names[i]} to turn with the {own.lower()} half of the face, found that it turns "
                    "with the other; the sensors are exchanged: copy the model again"
                )


def _ring(entry: Mapping[str, Any]) -> Ring:
    ring = Ring(str(entry["name"]), int(entry["length"]), int(entry["width"]))
    if ring.length < 1 or ring.length & (ring.length - 1) or ring.width < 1:
        raise ModelFolderError(f"expected rings of a power of two of rows, found {ring}; export the model again")
    return ring
