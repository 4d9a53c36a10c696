"""Profiles: what was learned of one wearer, kept from one wearing to the next in one file for each."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.channels import FEATURE_VERSION
from face_inference.errors import ProfileError, WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.evidence import MOST_INFORMATION, Evidence
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import (
    MOST_JACOBIAN_RAD,
    MOST_UNCERTAINTY_RAD2,
    Prior,
    Source,
    WearerJacobian,
    check_covariance,
)
from face_model import arkit
from face_model.errors import SnapshotError
from face_model.saved_arrays import SavedArrays, part_of

FORMAT_VERSION = 2
"""The first had neither noises and evidence nor what wear added."""
SUFFIX = ".safetensors"

MOST_BYTES = 16 << 20
"""Of a profile's file: one with its routine has some hundred kilobytes."""
_MOST_TEXT = 10_000

_NAME = re.compile(r"\w[\w .-]{0,62}\w|\w")
_METADATA_KEY = "profile"
_HASH = "sha256"
_PART = ".part"
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_ROUTINE = "routine."
_EVIDENCE = "evidence."
_WORN = "worn."
_ALIGNMENT = "alignment."
_STORED_AS = {"wearer": "person", "prior": "population"}
"""Fields of the label whose names in the file are older than the code's; `response` is the Jacobian's mean."""


@dataclass(frozen=True)
class ProfileLabel:
    """What stands at the beginning of a profile's file, as JSON that people can read.

    Attributes:
        wearer: name, also the file's.
        created: ISO 8601 with time zone.
        source: what the Jacobian was learned from.
        sensors: names of the model's sensors; the first axis of the Jacobian follows from them.
        reference: the one on the skull.
        prior: digest of the prior that the Jacobian was learned with, see `prior_digest`.
        model: title of the model that it came with; for people.
        quality: what was seen and how well; for people.
    """

    wearer: str
    created: str
    source: Source
    sensors: tuple[str, ...]
    reference: str
    prior: str
    model: str
    quality: str


@dataclass(frozen=True)
class WearerProfile:
    """One wearer.

    Attributes:
        label: what people read.
        jacobian: what labels tell; wear changes nothing of it.
        routine: what it was learned from, so that a phone's labels can be added later.
        worn: the same with what wear added, apart, so that it can be forgotten; None: nothing.
        alignment: how the sensors were mounted, as a nod and a shake told; what is known above goes with it. None: as
            the layout has them.
    """

    label: ProfileLabel
    jacobian: WearerJacobian
    routine: Observations | None = None
    worn: WearerJacobian | None = None
    alignment: SensorAlignment | None = None


@dataclass(frozen=True)
class ProfileFolder:
    """Profiles in one folder, by default the user's own."""

    path: Path = field(default_factory=lambda: default_folder())

    def names(self) -> list[str]:
        """Wearers with a profile here."""
        return sorted(file.name.removesuffix(SUFFIX) for file in self.path.glob(f"*{SUFFIX}"))

    def save(self, profile: WearerProfile) -> Path:
        """Write a profile in place of the wearer's old one: a reader, a crash or a power cut sees either.

        It tells a face apart from others: its folder and file are the owner's alone (0700 and 0600).

        Raises:
            ProfileError: the name cannot be a file's, or the folder cannot be written.
        """
        with self._alone():
            return self._save(profile)

    def keep_worn(self, label: ProfileLabel, worn: WearerJacobian | None) -> bool:
        """Keep what wear added to a profile, in place of what it added before; False where it is another one by now.

        Whoever saves another profile meanwhile, a routine or a phone's labels, loses nothing.

        Raises:
            ProfileError: there is no such profile any more, it is damaged, or cannot be written.
        """
        with self._alone():
            profile = self.load(label.wearer)
            if profile.label != label:
                return False
            self._save(replace(profile, worn=worn))
            return True

    def change(self, label: ProfileLabel, changed: Callable[[WearerProfile], WearerProfile]) -> bool:
        """Write what `changed` makes of a profile in place of it; False where it is another one by now.

        Raises:
            ProfileError: there is no such profile any more, it is damaged, or cannot be written.
        """
        with self._alone():
            profile = self.load(label.wearer)
            if profile.label != label:
                return False
            self._save(changed(profile))
            return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, of all processes."""
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ProfileError(f"expected to write into {self.path}, found: {error}; free the folder") from error
        try:
            with contextlib.suppress(OSError):  # file systems without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _save(self, profile: WearerProfile) -> Path:
        path = self._file(profile.label.wearer)
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
        written = save(arrays, metadata={_METADATA_KEY: json.dumps(content, ensure_ascii=False)})
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self.path.chmod(FOLDER_MODE)
            _write_durably(path, written)
            self._sweep(path)
        except OSError as error:
            raise ProfileError(f"expected to write the profile {path}, found: {error}; free the folder") from error
        return path

    def load(self, wearer: str) -> WearerProfile:
        """Read a profile.

        Raises:
            ProfileError: there is none of this name, it is damaged, or of another version.
        """
        path = self._file(wearer)
        try:
            if not path.is_file():
                raise ProfileError(
                    f"expected a profile at {path}, found profiles of {', '.join(self.names()) or 'nobody'}; "
                    f"make one with `imusic wearer routine {wearer}`"
                )
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"{path.stat().st_size} bytes, more than {MOST_BYTES}")
            self._keep_private(path)
            with safe_open(path, framework="numpy") as file:
                content = _checked_content(json.loads((file.metadata() or {})[_METADATA_KEY]))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            _check_versions(path, content)
            # Profiles from before there was one have no hash.
            if _HASH in content and content[_HASH] != _sha256_of(content, arrays):
                raise ValueError("content that is not what was written: its hash differs")
            return _profile_from(content, arrays)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError, WearerError) as error:
            raise ProfileError(
                f"expected a wearer's profile in {path}, found: {error!r}; run the routine again"
            ) from error

    def remove(self, wearer: str) -> None:
        """Delete a profile, with all that a writer that was killed, or an editor, left of it in the folder.

        Raises:
            ProfileError: there is nothing of this name, or it cannot be deleted.
        """
        path = self._file(wearer)
        try:
            found = [path, *self._leftovers(path)] if path.exists() else self._leftovers(path)
            for file in found:
                file.unlink(missing_ok=True)
            if found:
                _sync_folder(self.path)
        except OSError as error:
            raise ProfileError(f"expected to delete {path}, found: {error}; delete it by hand") from error
        if not found:
            raise ProfileError(f"expected a profile at {path}, found profiles of {', '.join(self.names()) or 'nobody'}")

    def _leftovers(self, path: Path) -> list[Path]:
        """Temporary files and copies of a profile: its name with something before or behind."""
        if not self.path.is_dir():
            return []
        return [
            file
            for file in self.path.iterdir()
            if file.name.lstrip(".#~").startswith(path.name) and file.name != path.name and file.is_file()
        ]

    def _sweep(self, path: Path) -> None:
        """Delete what writers that were killed left of this profile; those at work hold a lock on theirs."""
        for file in self._leftovers(path):
            if file.name.endswith(_PART):
                _delete_if_unlocked(file)

    def _keep_private(self, path: Path) -> None:
        """Older versions left files that everybody could read."""
        for place, mode in ((path.parent, FOLDER_MODE), (path, FILE_MODE)):
            if stat.S_IMODE(place.stat().st_mode) & 0o077:
                with contextlib.suppress(OSError):  # somebody else's, or a file system without modes
                    place.chmod(mode)

    def _file(self, wearer: str) -> Path:
        return self.path / f"{checked_name(wearer)}{SUFFIX}"


def _write_durably(path: Path, content: bytes) -> None:
    """Replace a file by one that is on the disk before it has the name, and is the owner's alone from the start."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_PART}")
    descriptor = _unnamed_file(path.parent)
    named = descriptor is None
    if descriptor is None:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), FILE_MODE)  # a umask may have taken from the owner
            os.fsync(file.fileno())
            if not named:
                _give_name(file.fileno(), part)
                named = True
            part.replace(path)
        except OSError:
            if named:
                with contextlib.suppress(OSError):
                    part.unlink()
            raise
    _sync_folder(path.parent)


def _unnamed_file(folder: Path) -> int | None:
    """A file that vanishes with its writer; None where the system has none."""
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, FILE_MODE)
    except (AttributeError, OSError):
        return None


def _give_name(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # With a folder's descriptor it is linkat, which follows the link of /proc to the file itself.
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete_if_unlocked(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()


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


def default_folder() -> Path:
    """`imusic/wearers` in the user's data folder (XDG Base Directory Specification)."""
    data = os.environ.get("XDG_DATA_HOME", "")
    # The specification wants relative paths ignored.
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "imusic" / "wearers"


def checked_name(wearer: str) -> str:
    """The name in Unicode's composed form.

    Raises:
        ProfileError: it could lead out of the folder, hide the file, or is too long for one.
    """
    name = unicodedata.normalize("NFC", wearer)
    if not _NAME.fullmatch(name) or len(name.encode()) > 200:
        raise ProfileError(
            f"expected a name of 1 to 64 letters, digits, spaces, and . _ - inside, found {wearer!r}; take another one"
        )
    return name


def prior_digest(prior: Prior) -> str:
    """SHA-256 of a prior as its file keeps it."""
    digest = hashlib.sha256()
    for f in fields(Prior):
        kind = np.float16 if f.name == "factors" else np.float32
        digest.update(np.ascontiguousarray(getattr(prior, f.name), dtype=kind).tobytes())
    return digest.hexdigest()


def new_profile(
    wearer: str,
    jacobian: WearerJacobian,
    prior: Prior,
    sensors: Sequence[str],
    reference: str,
    model: str,
    quality: str,
    routine: Observations | None = None,
    alignment: SensorAlignment | None = None,
) -> WearerProfile:
    """A profile of today.

    Raises:
        ProfileError: the name cannot be a file's.
    """
    label = ProfileLabel(
        wearer=checked_name(wearer),
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        source=jacobian.source,
        sensors=tuple(sensors),
        reference=reference,
        prior=prior_digest(prior),
        model=model,
        quality=quality,
    )
    return WearerProfile(label, jacobian, routine, alignment=alignment)


def check_fits(label: ProfileLabel, prior: Prior, sensors: Sequence[str], reference: str) -> None:
    """Whether a profile may be used with a model.

    Raises:
        ProfileError: it was learned for other sensors or with another prior.
    """
    if (label.sensors, label.reference) != (tuple(sensors), reference):
        raise ProfileError(
            f"expected a profile for the sensors {', '.join(sensors)} (reference {reference}), found {label.wearer}'s "
            f"for {', '.join(label.sensors)} (reference {label.reference}); run the routine again with these sensors"
        )
    expected = prior_digest(prior)
    if label.prior != expected:
        raise ProfileError(
            f"expected a profile learned with prior {expected[:12]}, found {label.wearer}'s from {label.model} "
            f"with {label.prior[:12]}; run the routine again with this model"
        )


def fitted(profile: WearerProfile, prior: Prior, sensors: Sequence[str], reference: str) -> tuple[WearerProfile, str]:
    """The profile as it may be used with a model, and what is to be said of it, or nothing.

    One that was learned with another prior, that is for another model, is learned anew from the routine in it; so is
    one without evidence, of an older version. What wear added with another prior is left out.

    Raises:
        ProfileError: it was learned for other sensors, or with another prior and holds no routine that can be used.
    """
    label, routine = profile.label, profile.routine
    digest = prior_digest(prior)
    check_fits(replace(label, prior=digest), prior, sensors, reference)
    other = label.prior != digest
    if not other and (profile.jacobian.evidence is not None or label.source != "prompts" or routine is None):
        return profile, ""
    if routine is None:
        check_fits(label, prior, sensors, reference)  # refuses it, in words
    assert routine is not None
    try:
        jacobian = adapt(prior, guided_rows(routine).rows, "prompts")
    except WearerError as error:
        if not other:
            return profile, ""
        raise ProfileError(f"{label.wearer}: {error}") from error
    if not other:
        return replace(profile, jacobian=jacobian), ""
    lost = "; what a phone saw is not in it: learn from it again" if label.source == "phone" else ""
    told = f"{label.wearer}'s profile is of {label.model}: learned anew from the routine in it{lost}"
    return WearerProfile(replace(label, source="prompts"), jacobian, routine, alignment=profile.alignment), told


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
