"""What stands in a profile's file: a label that people can read and arrays, all checked as it is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.channels import FEATURE_VERSION
from face_inference.errors import ProfileError
from face_inference.wearer.evidence import MOST_INFORMATION, Evidence
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import (
    MOST_JACOBIAN_RAD,
    MOST_UNCERTAINTY_RAD2,
    Source,
    WearerJacobian,
    check_covariance,
)
from face_inference.wearer.profile import ProfileLabel, WearerProfile
from face_model import arkit
from face_model.errors import SnapshotError
from face_model.saved_arrays import SavedArrays, part_of

FORMAT_VERSION = 2
"""The first had neither noises and evidence nor what wear added."""

_MOST_TEXT = 10_000
_METADATA_KEY = "profile"
_HASH = "sha256"
_ROUTINE = "routine."
_EVIDENCE = "evidence."
_WORN = "worn."
_ALIGNMENT = "alignment."
_STORED_AS = {"wearer": "person", "prior": "population"}
"""Fields of the label whose names in the file are older than the code's; `response` is the Jacobian's mean."""


def encoded(profile: WearerProfile) -> bytes:
    """A profile as its file's bytes, of `FORMAT_VERSION`."""
    content: dict[str, Any] = {"format_version": FORMAT_VERSION, "feature_version": FEATURE_VERSION}
    content |= {_STORED_AS.get(f.name, f.name): getattr(profile.label, f.name) for f in fields(ProfileLabel)}
    arrays = {
        "response": profile.jacobian.mean.astype(np.float32),
        "uncertainty": profile.jacobian.uncertainty.astype(np.float32),
    }
    evidence, worn = profile.jacobian.evidence, profile.worn
    if evidence is not None:
        arrays |= {_EVIDENCE + f.name: getattr(evidence, f.name).astype(np.float32) for f in fields(Evidence)}
    if worn is not None:
        arrays |= {_WORN + "response": worn.mean.astype(np.float32)}
        arrays |= {_WORN + "uncertainty": worn.uncertainty.astype(np.float32)}
    noises = {
        "noise": profile.jacobian.noise,
        "labelled_noise": profile.jacobian.labelled_noise,
        _WORN + "noise": worn.noise if worn is not None else None,
    }
    arrays |= {name: noise.astype(np.float32) for name, noise in noises.items() if noise is not None}
    if profile.routine is not None:
        arrays |= {_ROUTINE + f.name: getattr(profile.routine, f.name) for f in fields(Observations)}
    if profile.alignment is not None:
        arrays |= part_of(_ALIGNMENT[:-1], profile.alignment.saved_state())
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content[_HASH] = _sha256_of(content, arrays)
    return save(arrays, metadata={_METADATA_KEY: json.dumps(content, ensure_ascii=False)})


def read_profile(path: Path) -> WearerProfile:
    """The profile in a file.

    Raises:
        ProfileError: it is of another version.
        OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError, WearerError: it is no whole profile.
    """
    with safe_open(path, framework="numpy") as file:
        content = _checked_content(json.loads((file.metadata() or {})[_METADATA_KEY]))
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    _check_versions(path, content)
    # Profiles from before there was one have no hash.
    if _HASH in content and content[_HASH] != _sha256_of(content, arrays):
        raise ValueError("content that is not what was written: its hash differs")
    return _profile_from(content, arrays)


def _sha256_of(content: dict[str, Any], arrays: dict[str, Any]) -> str:
    """Of all that a profile says, but for the hash itself."""
    digest = hashlib.sha256()
    told = {name: value for name, value in content.items() if name != _HASH}
    digest.update(json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _check_versions(path: Path, content: dict[str, Any]) -> None:
    versions = {"format_version": (1, FORMAT_VERSION), "feature_version": (FEATURE_VERSION,)}
    for key, expected in versions.items():
        found = content.get(key)
        if isinstance(found, bool) or found not in expected:
            raise ProfileError(
                f"{path}: expected {key} {' or '.join(map(str, expected))}, found {found!r}; run the routine again"
            )


def _checked_content(content: Any) -> dict[str, Any]:
    """The label as it stands in the file, every value of its type and of bounded length."""
    if not isinstance(content, dict):
        raise ValueError(f"{type(content).__name__} as label, not a mapping")
    known = {_STORED_AS.get(f.name, f.name) for f in fields(ProfileLabel)}
    known |= {"format_version", "feature_version", _HASH}
    if not known >= content.keys():
        raise ValueError(f"{', '.join(sorted(content.keys() - known))[:100]!r}, which no profile has")
    for f in fields(ProfileLabel):
        value = content[_STORED_AS.get(f.name, f.name)]
        texts = value if f.name == "sensors" and isinstance(value, list) else [value]
        if not all(isinstance(text, str) and len(text) <= _MOST_TEXT for text in texts):
            raise ValueError(f"{f.name} {str(value)[:100]!r}")
    sensors = content["sensors"]
    if not isinstance(sensors, list) or not 2 <= len(set(sensors)) == len(sensors) <= 255:
        raise ValueError(f"sensors {str(sensors)[:200]}")
    if content["reference"] not in sensors:
        raise ValueError(f"reference {content['reference'][:100]!r}, none of the sensors")
    return content


def _profile_from(content: dict[str, Any], arrays: dict[str, Any]) -> WearerProfile:
    values = {f.name: content[_STORED_AS.get(f.name, f.name)] for f in fields(ProfileLabel)}
    label = ProfileLabel(**{**values, "sensors": tuple(values["sensors"])})
    if label.source not in get_args(Source):
        raise ValueError(f"source {label.source!r}")
    size = 3 * (len(label.sensors) - 1)
    jacobian = replace(
        _jacobian_from(arrays, "", size, label.source),
        labelled_noise=_covariance_from(arrays, "labelled_noise", size) if "labelled_noise" in arrays else None,
        evidence=_evidence_from(arrays, size) if any(name.startswith(_EVIDENCE) for name in arrays) else None,
    )
    worn = None
    if any(name.startswith(_WORN) for name in arrays):
        worn = _jacobian_from(arrays, _WORN, size, label.source)
        worn = replace(worn, labelled_noise=jacobian.labelled_noise, evidence=jacobian.evidence)
    routine = None
    if any(name.startswith(_ROUTINE) for name in arrays):
        routine = _routine_from(arrays, size)
    return WearerProfile(label, jacobian, routine, worn, _alignment_from(arrays, len(label.sensors)))


def _alignment_from(arrays: dict[str, Any], sensors: int) -> SensorAlignment | None:
    saved = SavedArrays({name: array for name, array in arrays.items() if name.startswith(_ALIGNMENT)}, "profile")
    if not saved.has_part(_ALIGNMENT[:-1]):
        return None
    try:
        return SensorAlignment.from_saved(saved.part(_ALIGNMENT[:-1]), sensors)
    except SnapshotError as error:
        raise ValueError(str(error)) from error


def _jacobian_from(arrays: dict[str, Any], part: str, size: int, source: Source) -> WearerJacobian:
    mean = _checked_array(arrays, f"{part}response", (size, arkit.COUNT), MOST_JACOBIAN_RAD)
    uncertainty = _covariance_from(arrays, f"{part}uncertainty", size)
    noise = _covariance_from(arrays, f"{part}noise", size) if f"{part}noise" in arrays else None
    return WearerJacobian(mean, uncertainty, source, noise)


def _covariance_from(arrays: dict[str, Any], name: str, size: int) -> NDArray[np.floating]:
    covariance = _checked_array(arrays, name, (size, size), MOST_UNCERTAINTY_RAD2)
    check_covariance(covariance)
    return covariance


def _evidence_from(arrays: dict[str, Any], size: int) -> Evidence:
    groups = len(arrays[f"{_EVIDENCE}inverse_noise"])
    shapes = {"inverse_noise": (size, size), "moment": (arkit.COUNT,) * 2, "cross": (size, arkit.COUNT)}
    evidence = Evidence(
        *(
            _checked_array(arrays, _EVIDENCE + name, (groups, *shape), MOST_INFORMATION).astype(np.float64)
            for name, shape in shapes.items()
        )
    )
    evidence.check()
    return evidence


def _checked_array(arrays: dict[str, Any], name: str, shape: tuple[int, ...], most: float) -> NDArray[np.floating]:
    """A finite array of floats of this shape, none larger than `most`."""
    array = arrays[name]
    if array.shape != shape or array.dtype.kind != "f":
        raise ValueError(f"{name} of shape {array.shape} and type {array.dtype}, not {shape} of floats")
    # NaN compares false.
    if not (np.abs(array.astype(np.float64)) <= most).all():
        raise ValueError(f"{name} with NaN, or a value beyond {most:g}")
    return np.asarray(array)


def _routine_from(arrays: dict[str, Any], size: int) -> Observations:
    time_s, values, valid = (arrays[_ROUTINE + f.name] for f in fields(Observations))
    if time_s.dtype.kind != "f" or values.dtype.kind != "f" or valid.dtype != np.bool_ or time_s.ndim != 1:
        raise ValueError(f"routine of types {time_s.dtype}, {values.dtype} and {valid.dtype}")
    if values.shape[1:] != (size,):
        raise ValueError(f"routine of shape {values.shape} for {size} channels")
    return Observations(time_s, values, valid)
