"""A phone's recording beside a routine: its weights become the labels of the profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from face_inference.model_folder import load_model
from face_inference.wearer.adapt import adapt
from face_inference.wearer.phone_rows import PhoneRows, phone_rows
from face_inference.wearer.profile import ProfileFolder, check_fits, new_profile
from face_model.livelink import read_livelink
from face_model.share import expanded
from imusic_cli.errors import CommandError

LONGEST_LAG_S = 120.0
"""The phone may have been started this long before the routine, or stopped this long after it."""


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
