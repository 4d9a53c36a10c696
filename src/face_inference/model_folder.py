"""Model folders: all one needs to run a network correctly, beside its weights, and a loader that refuses doubt."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from face_inference.channels import FEATURE_VERSION, Channels
from face_inference.errors import (
    ModelFolderError,
    ModelHashError,
    ModelNotFoundError,
    ModelVersionError,
    ModelVocabularyError,
)
from face_inference.inputs import input_size
from face_inference.mounts import NominalMounts
from face_inference.wearer.population import POPULATION_FILE, Population
from face_model import arkit
from face_model.share import ament_prefixes, share_dir

FORMAT_VERSION = 2
DESCRIPTION_FILE = "model.yaml"
RESOURCE_TYPE = "imusic_models"
"""Ament resource type: packages with models have `share/ament_index/resource_index/imusic_models/<package>`."""


@dataclass(frozen=True)
class StateTensor:
    """One tensor a network carries from step to step: fed to `input`, read from `output`, zero after a reset."""

    input: str
    output: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """Names of a single-step network's inputs and outputs; every tensor is float32 with a static shape.

    `inputs` (1, I) go in (`face_inference.inputs`); `weights` (1, 52) and `confidence` (1, 52) come out; states go in
    and out.
    """

    inputs: str
    weights: str
    confidence: str
    states: tuple[StateTensor, ...]


@dataclass(frozen=True)
class ModelDescription:
    """Content of `model.yaml` and of the population beside it.

    `training`, `numbers` and `licences` are for people and do not affect running.
    """

    name: str
    version: str
    rate_hz: float
    mounts: NominalMounts
    graph: Graph
    onnx_file: str
    onnx_sha256: str
    population: Population
    population_sha256: str
    training: Mapping[str, Any] = field(default_factory=dict)
    licences: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name and version, as published."""
        return f"{self.name} {self.version}"

    def to_config(self) -> dict[str, Any]:
        """As plain values for `model.yaml`."""
        graph = self.graph
        return {
            "format_version": FORMAT_VERSION,
            "feature_version": FEATURE_VERSION,
            "name": self.name,
            "version": self.version,
            "rate_hz": self.rate_hz,
            "onnx": {"file": self.onnx_file, "sha256": self.onnx_sha256},
            "population": {"file": POPULATION_FILE, "sha256": self.population_sha256},
            "graph": {
                "inputs": graph.inputs,
                "weights": graph.weights,
                "confidence": graph.confidence,
                "states": [{"input": s.input, "output": s.output, "shape": list(s.shape)} for s in graph.states],
            },
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

    @property
    def onnx_path(self) -> Path:
        """The network."""
        return self.path / self.description.onnx_file


def load_model(name_or_path: str | Path) -> Model:
    """Find and check a model folder.

    Raises:
        ModelNotFoundError: nothing of this name or path.
        ModelHashError: the network is not the one described.
        ModelVersionError: format or features of another version.
        ModelVocabularyError: blendshapes or sensors unknown, or in another order.
        ModelFolderError: a file is missing or malformed.
    """
    path = find_model(name_or_path)
    description = _read_description(path / DESCRIPTION_FILE)
    _check_file(path / description.onnx_file, description.onnx_sha256)
    return Model(path, description)


def find_model(name_or_path: str | Path) -> Path:
    """Folder of a model: a path, or a name looked up in every package that ships models, then in the checkout.

    Raises:
        ModelNotFoundError: with every place that was looked at and the models found there.
    """
    given = Path(name_or_path).expanduser()
    if (given / DESCRIPTION_FILE).is_file():
        return given
    if given.is_dir():
        raise ModelFolderError(f"expected {DESCRIPTION_FILE} in {given}, found none; give a folder that holds a model")
    places = model_places()
    for place in places:
        if (place / str(name_or_path) / DESCRIPTION_FILE).is_file():
            return place / str(name_or_path)
    found = "; ".join(f"{place}: {', '.join(_models_in(place)) or 'none'}" for place in places) or "nowhere to look"
    raise ModelNotFoundError(
        f"expected a model folder at {given} or a model named {str(name_or_path)!r}, found models at {found}; "
        "give a path or one of these names"
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
        raise ModelHashError(
            f"expected {path} with SHA-256 {sha256}, found {found}; "
            "the file is damaged or from another version: copy the whole folder again"
        )


def _models_in(place: Path) -> list[str]:
    return sorted(p.parent.name for p in place.glob(f"*/{DESCRIPTION_FILE}"))


def _read_description(path: Path) -> ModelDescription:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"expected YAML in {path}, found: {error}") from error
    if not isinstance(content, Mapping):
        raise ModelFolderError(f"expected a mapping in {path}, found {type(content).__name__}")
    for key, expected in (("format_version", FORMAT_VERSION), ("feature_version", FEATURE_VERSION)):
        if content.get(key) != expected:
            raise ModelVersionError(
                f"{path}: expected {key} {expected}, found {content.get(key)!r}; "
                "use a model made for this version of the package, or train one with `imusic train`"
            )
    try:
        return _description_from(content, path.parent)
    except ModelFolderError as error:
        raise type(error)(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFolderError(f"{path}: expected the fields of a model description, found {error!r}") from error


def _description_from(content: Mapping[str, Any], folder: Path) -> ModelDescription:
    blendshapes = tuple(content["blendshapes"])
    if blendshapes != arkit.BLENDSHAPES:
        differing = next(
            (i for i, (a, b) in enumerate(zip(blendshapes, arkit.BLENDSHAPES, strict=False)) if a != b), None
        )
        where = f"{blendshapes[differing]!r} at {differing}" if differing is not None else f"{len(blendshapes)} names"
        raise ModelVocabularyError(f"expected the 52 ARKit blendshapes in this package's order, found {where}")
    mounts = NominalMounts.from_config(content["sensors"])
    inputs = input_size(Channels.of(mounts))
    if int(content["input_count"]) != inputs:
        raise ModelVocabularyError(
            f"expected {inputs} inputs for {len(mounts.names)} sensors, found {content['input_count']}"
        )
    population_sha256 = str(content["population"]["sha256"])
    _check_file(folder / POPULATION_FILE, population_sha256)
    population = Population.load(folder / POPULATION_FILE)
    if population.observations != 3 * (len(mounts.names) - 1):
        raise ModelVocabularyError(
            f"expected a population of {3 * (len(mounts.names) - 1)} channels, found {population.observations}"
        )
    graph = content["graph"]
    states = tuple(
        StateTensor(str(s["input"]), str(s["output"]), tuple(int(n) for n in s["shape"])) for s in graph["states"]
    )
    onnx_file = str(content["onnx"]["file"])
    if Path(onnx_file).name != onnx_file:
        raise ModelFolderError(f"expected the network inside the folder, found {onnx_file!r}")
    return ModelDescription(
        name=str(content["name"]),
        version=str(content["version"]),
        rate_hz=float(content["rate_hz"]),
        mounts=mounts,
        graph=Graph(str(graph["inputs"]), str(graph["weights"]), str(graph["confidence"]), states),
        onnx_file=onnx_file,
        onnx_sha256=str(content["onnx"]["sha256"]),
        population=population,
        population_sha256=population_sha256,
        training=content.get("training") or {},
        licences=content.get("licences") or {},
        numbers=content.get("numbers") or {},
    )
