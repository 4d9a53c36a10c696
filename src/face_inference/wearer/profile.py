"""Profiles: what was learned of one wearer, kept from one wearing to the next; whether it fits a model."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import numpy as np

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.errors import ProfileError, WearerError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior, Source, WearerJacobian

_NAME = re.compile(r"\w[\w .-]{0,62}\w|\w")


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
