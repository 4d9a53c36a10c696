"""A phone's recording beside a routine: its weights become the labels of the profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from face_inference.model_folder import load_model
from face_inference.parameters import PARAMETERS
from face_inference.wearer.adapt import adapt
from face_inference.wearer.alignment import Alignment
from face_inference.wearer.phone_rows import PhoneRows, phone_rows
from face_inference.wearer.profile import ProfileFolder, check_fits, new_profile
from face_model.livelink import read_livelink
from face_model.share import expanded
from face_recording.takes.pairing import FAIR_S, Pairing, pair_take
from face_reference.errors import AlignmentError
from imusic_cli.errors import CommandError

DEFAULT_MODEL = str(next(spec.default for spec in PARAMETERS if spec.name == "model"))

LONGEST_LAG_S = 120.0
"""The phone may have been started this long before the routine, or stopped this long after it."""


def learn_from_take(
    wearer: str, take: Path, model: str, folder: ProfileFolder, csv: Path | None = None, fps: float | None = None
) -> tuple[PhoneRows, Pairing]:
    """Learn a profile, a new one or an old one anew, from a take that a phone or a webcam saw, too.

    Args:
        wearer: whose profile.
        take: its folder.
        model: name or folder of the model; empty: the one that the profile was learned with, else the one that ships.
        folder: of the profiles.
        csv: recorded by a phone during the take; None: the take's own `face/reference`.
        fps: the CSV's frames per second, where its timecodes do not tell.

    Raises:
        TakeError, BagError, LiveLinkError: take or CSV cannot be used.
        AlignmentError: they do not show the same face at the same time, or it is not known well enough when.
        InferenceError: no such model, or the profile is another model's.
    """
    known = folder.load(wearer) if wearer in folder.names() else None
    chosen = model or (known.label.model.rpartition(" ")[0] if known is not None else "") or DEFAULT_MODEL
    description = load_model(chosen).description
    names = description.mounts.names
    reference = names[description.mounts.reference]
    if known is not None:
        check_fits(known.label, description.prior, names, reference)
    pairing = pair_take(take, description, csv, fps=fps)
    if pairing.quality == "poor":
        raise AlignmentError(
            f"expected to know to {1e3 * FAIR_S:.0f} ms when the camera saw what the sensors felt, found "
            f"{1e3 * pairing.worst_deviation_s:.0f} ms; record a minute in which the whole face moves"
        )
    camera, a = pairing.camera, pairing.alignment
    known_lag = Alignment(0.0, a.correlation, a.lead)
    observations = pairing.sensed.observations
    rows = phone_rows(
        observations, pairing.camera_times_s, camera.weights, description.prior, phone_seen=camera.seen, known=known_lag
    )
    learned = new_profile(
        wearer,
        adapt(description.prior, rows.rows, "phone"),
        description.prior,
        names,
        reference,
        description.title,
        f"{pairing.summary}; take {take.name}",
        known.routine if known is not None else None,
    )
    if known is not None:
        learned = replace(learned, label=replace(learned.label, created=known.label.created))
    folder.save(learned)
    return rows, pairing


def learn_from_phone(wearer: str, file: Path, model: str, folder: ProfileFolder, fps: float | None = None) -> PhoneRows:
    """Learn a profile anew from its own routine and what a phone recorded meanwhile, a Live Link Face CSV.

    Args:
        wearer: with a profile.
        file: recorded during that routine.
        model: name or folder of the model; empty: the one that the profile was learned with.
        folder: of the profiles.
        fps: the phone's frames per second, where its timecodes do not tell.

    Raises:
        CommandError: the profile holds no routine.
        LiveLinkError: the file is not what it should be.
        InferenceError: no such profile or model, or the two recordings do not fit together.
    """
    profile = folder.load(wearer)
    if profile.routine is None:
        raise CommandError(
            f"expected {wearer}'s profile to hold a routine, found none; run `imusic wearer routine {wearer}`"
        )
    # A model's title is its name and version.
    description = load_model(model or profile.label.model.rpartition(" ")[0]).description
    names = description.mounts.names
    reference = names[description.mounts.reference]
    check_fits(profile.label, description.prior, names, reference)
    take = read_livelink(expanded(file), fps=fps)
    times = np.arange(len(take.weights)) / take.rate_hz
    rows = phone_rows(profile.routine, times, take.weights, description.prior, LONGEST_LAG_S, take.seen)
    learned = new_profile(
        wearer,
        adapt(description.prior, rows.rows, "phone"),
        description.prior,
        names,
        reference,
        description.title,
        f"{rows.summary}; {file.name}: {take.report}",
        profile.routine,
    )
    folder.save(replace(learned, label=replace(learned.label, created=profile.label.created)))
    return rows
