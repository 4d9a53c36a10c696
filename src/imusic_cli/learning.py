"""`imusic wearer learn`: from what a phone or a webcam saw beside the sensors to a better profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from face_inference.model_folder import ModelDescription, load_model
from face_inference.parameters import PARAMETERS
from face_inference.wearer.adapt import adapt
from face_inference.wearer.alignment import Alignment
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.judgement import Judgement, Score, not_exercised, unlike
from face_inference.wearer.natural import NaturalLearning, learn_natural
from face_inference.wearer.phone_rows import PhoneRows, phone_rows
from face_inference.wearer.profile import WearerProfile, check_fits, checked_name, new_profile, prior_digest
from face_inference.wearer.profile_folder import ProfileFolder
from face_model.livelink import read_livelink
from face_model.share import expanded
from face_recording.takes.pairing import FAIR_S, Pairing, pair_take
from face_reference.errors import AlignmentError
from imusic_cli.errors import CommandError

DEFAULT_MODEL = str(next(spec.default for spec in PARAMETERS if spec.name == "model"))

LONGEST_LAG_S = 120.0
"""The phone may have been started this long before the routine, or stopped this long after it."""

_ENOUGH_S = 60.0
"""Of labelled motion: the error falls steeply until then (docs/model.md)."""

_LOST_S = 3.0
"""A camera that loses the face for less is not worth a word."""

_LEAST_TURNING_S = 5.0
"""Of a head that turns fast enough to compare headings; less is told of (a guess)."""

_MOST_PROMPTS = 6
"""More advice at once is not followed."""

_LEARNING_S = 10.0
"""From a routine's last sample to its profile, at most."""

_READ_WELL = 0.6
"""Correlation below which a region is worth another minute (a guess)."""


_FROM = "; learned from "
"""In the words of a profile, before the names of what it was learned from."""


@dataclass(frozen=True)
class Source:
    """One recording that labels came from: a take, or the routine that the profile keeps.

    Attributes:
        name: of the take, or of the CSV beside the routine.
        rows: what it tells.
        pairing: of a take.
    """

    name: str
    rows: PhoneRows
    pairing: Pairing | None = None


@dataclass(frozen=True)
class Learned:
    """What came of learning.

    Attributes:
        wearer: whose.
        sources: learned from.
        learning: what was learned and how well it reads.
        compared_with: what `learning.before` was: the profile as it stood, or the routine alone; empty: nothing.
        written: whether the profile holds it now.
        refused: why not; empty if it does.
    """

    wearer: str
    sources: tuple[Source, ...]
    learning: NaturalLearning
    compared_with: str
    written: bool
    refused: str

    @property
    def standard(self) -> Judgement:
        """What it has to be no worse than."""
        return self.learning.unknown if self.learning.before is None else self.learning.before

    @property
    def summary(self) -> str:
        """One line for people."""
        learning = self.learning
        beside = self.compared_with or "the neutral alone"
        return (
            f"{learning.seconds:.0f} s of labelled motion; on parts not learned from {learning.after.whole}; "
            f"{beside}: {self.standard.whole}"
        )

    @property
    def advice(self) -> tuple[str, ...]:
        """What would help, most helpful first."""
        learning, told = self.learning, []
        if learning.seconds < _ENOUGH_S:
            told.append(f"record a minute or more: {learning.seconds:.0f} s were labelled")
        for source in self.sources:
            lost_s = source.pairing.lost_s if source.pairing is not None else 0.0
            if lost_s > _LOST_S:
                told.append(f"the camera lost the face for {lost_s:.0f} s ({source.name}): light it, and stay in view")
        if learning.foreign_prompts:
            told.append(
                "the routine in the profile does not fit this motion, as after gluing anew, and was left out: run "
                f"`imusic wearer routine {self.wearer}`"
            )
        wanted = not_exercised(learning.labels)
        told += [f"not seen or hardly: {text}" for text in wanted[:_MOST_PROMPTS]]
        if len(wanted) > _MOST_PROMPTS:
            told.append(f"and {len(wanted) - _MOST_PROMPTS} more of the routine's poses; talk alone moves few shapes")
        told += [
            f"the {name}: read with r {score.r:.2f}; move this region more, each shape by itself"
            for name, score in learning.after.regions.items()
            if score.r < _READ_WELL
        ]
        told += [f"the {name}: read worse than before" for name in unlike(self.standard, learning.after)]
        turned = [source.pairing.sensed.turning_s for source in self.sources if source.pairing is not None]
        if turned and sum(turned) < _LEAST_TURNING_S:
            told.append(
                "hold the head less still: turn it gently now and then, as the sensors' headings are compared meanwhile"
            )
        return tuple(told)

    def content(self) -> dict[str, Any]:
        """For programs."""
        learning = self.learning
        regions = {
            name: {
                "before": _plain(self.standard.regions.get(name)),
                "after": _plain(score),
            }
            for name, score in learning.after.regions.items()
        }
        return {
            "wearer": self.wearer,
            "written": self.written,
            "refused": self.refused,
            "seconds": round(learning.seconds, 1),
            "compared_with": self.compared_with or "neutral",
            "neutral": _plain(learning.unknown.whole),
            "before": _plain(self.standard.whole),
            "after": _plain(learning.after.whole),
            "regions": regions,
            "share": learning.strength.share,
            "with_prompts": learning.strength.prompts,
            "advice": list(self.advice),
            "sources": [
                {
                    "name": source.name,
                    "seconds": round(len(source.rows.rows.weights) / 10.0, 1),
                    "lag_s": round(source.rows.alignment.lag_s, 4),
                    "correlation": round(source.rows.alignment.correlation, 3),
                    **({} if source.pairing is None else {"lost_s": round(source.pairing.lost_s, 1)}),
                    **({} if source.pairing is None else {"pairing": source.pairing.content()}),
                }
                for source in self.sources
            ],
        }


def learn(
    wearer: str,
    takes: Sequence[Path],
    folder: ProfileFolder,
    model: str = "",
    csvs: Sequence[Path] = (),
    fps: float | None = None,
    force: bool = False,
) -> Learned:
    """Learn a profile, a new one or an old one anew, from what a camera saw; written where it is not worse.

    Args:
        wearer: whose profile.
        takes: their folders, all of one gluing; empty: the profile's own routine, of which a phone recorded a CSV.
        folder: of the profiles.
        model: name or folder of the model; empty: the one that the profile was learned with, else the one that ships.
        csvs: recorded by a phone: one for each take, or one for the routine; empty: the takes' own `face/reference`.
        fps: of the CSVs, where their timecodes do not tell.
        force: write it even if it is worse.

    Raises:
        CommandError: takes and CSVs do not go together, or the profile keeps no routine for a CSV.
        TakeError, BagError, LiveLinkError: a take or CSV cannot be used.
        AlignmentError: they do not show the same face at the same time, or it is not known well enough when.
        InferenceError: no such model, a profile of other sensors, too little labelled motion.
    """
    checked_name(wearer)
    _check_together(takes, csvs)
    known = folder.load(wearer) if takes == [] or wearer in folder.names() else None
    chosen = model or (known.label.model.rpartition(" ")[0] if known is not None else "") or DEFAULT_MODEL
    description = load_model(chosen).description
    same_prior = _check_sensors(known, description)
    beside: Sequence[Path | None] = csvs or [None] * len(takes)
    sources = (
        [_from_take(take, csv, description, fps) for take, csv in zip(takes, beside, strict=True)]
        if takes
        else [_from_routine(known, csvs[0], description, fps)]
    )
    # Of a routine that the camera saw, prompts tell nothing that its labels do not tell better, and what was learned
    # from them cannot be judged by these very moments.
    seen = not takes or (known is not None and any(_holds_routine(source, known) for source in sources))
    prompts = guided_rows(known.routine).rows if not seen and known is not None and known.routine is not None else None
    before, compared_with = None, ""
    if known is not None and same_prior and not (seen and known.jacobian.source == "prompts"):
        before, compared_with = known.jacobian, f"the profile as it was ({known.jacobian.source})"
        if _learned_from(known.label.quality) & {source.name for source in sources}:
            before, compared_with = None, ""
            if prompts is not None:
                before, compared_with = adapt(description.prior, prompts, "prompts"), "the routine alone"
    learning = learn_natural(description.prior, [source.rows for source in sources], prompts, before)
    found = Learned(wearer, tuple(sources), learning, compared_with, True, "")
    if learning.after.whole.worse_than(found.standard.whole):
        found = replace(
            found,
            written=force,
            refused=""
            if force
            else f"expected to read held-out parts no worse than {compared_with or 'the neutral alone'} "
            f"({found.standard.whole}), found {learning.after.whole}; the profile stays as it was. Record again, or "
            "--force",
        )
    if found.written:
        folder.save(_profile(found, known, description))
    return found


def _check_together(takes: Sequence[Path], csvs: Sequence[Path]) -> None:
    if not takes and len(csvs) != 1:
        raise CommandError(
            f"expected a take, or one --csv that a phone recorded during the routine, found no take and {len(csvs)} "
            "CSVs; name a take, such as `last`"
        )
    if takes and csvs and len(csvs) != len(takes):
        raise CommandError(f"expected one --csv for each of {len(takes)} takes, in their order, found {len(csvs)}")
    twice = sorted({take.name for take in takes if list(takes).count(take) > 1})
    if twice:
        raise CommandError(f"expected each take once, found twice: {', '.join(twice)}; leave one out")


def _check_sensors(known: WearerProfile | None, description: ModelDescription) -> bool:
    """Whether the profile's Jacobian belongs to this model; its routine serves any prior, but only its own sensors."""
    if known is None:
        return False
    names = description.mounts.names
    if known.label.prior != prior_digest(description.prior):
        known = replace(known, label=replace(known.label, prior=prior_digest(description.prior)))
        check_fits(known.label, description.prior, names, names[description.mounts.reference])
        return False
    check_fits(known.label, description.prior, names, names[description.mounts.reference])
    return True


def _from_take(take: Path, csv: Path | None, description: ModelDescription, fps: float | None) -> Source:
    pairing = pair_take(take, description, csv, fps=fps)
    if pairing.quality == "poor":
        raise AlignmentError(
            f"expected to know to {1e3 * FAIR_S:.0f} ms when the camera saw what the sensors felt in {take.name}, "
            f"found {1e3 * pairing.worst_deviation_s:.0f} ms; record a minute in which the whole face moves"
        )
    camera, a = pairing.camera, pairing.alignment
    known_lag = Alignment(0.0, a.correlation, a.lead)
    rows = phone_rows(
        pairing.sensed.observations,
        pairing.camera_times_s,
        camera.weights,
        description.prior,
        phone_seen=camera.seen,
        known=known_lag,
    )
    return Source(take.name, rows, pairing)


def _from_routine(known: WearerProfile | None, csv: Path, description: ModelDescription, fps: float | None) -> Source:
    if known is None or known.routine is None:
        raise CommandError(
            "expected a profile that keeps its routine, found none; run `imusic wearer routine NAME`, or name a take"
        )
    recorded = read_livelink(expanded(csv), fps=fps)
    times = np.arange(len(recorded.weights)) / recorded.rate_hz
    rows = phone_rows(known.routine, times, recorded.weights, description.prior, LONGEST_LAG_S, recorded.seen)
    return Source(csv.name, rows)


def _profile(found: Learned, known: WearerProfile | None, description: ModelDescription) -> WearerProfile:
    names = description.mounts.names
    sources = ", ".join(source.name for source in found.sources)
    learned = new_profile(
        found.wearer,
        found.learning.jacobian,
        description.prior,
        names,
        names[description.mounts.reference],
        description.title,
        f"{found.summary}{_FROM}{sources}",
        None if known is None else known.routine,
        None if known is None else known.alignment,
    )
    if known is not None:
        learned = replace(learned, label=replace(learned.label, created=known.label.created))
    return learned


def _holds_routine(source: Source, known: WearerProfile) -> bool:
    """Whether the profile's routine ended while this take was recorded: a profile is created at its end."""
    if source.pairing is None or known.routine is None:
        return False
    try:
        ended_s = datetime.fromisoformat(known.label.created).timestamp()
    except ValueError:  # a label is words for people; another program may have written it
        return False
    begins_s = 1e-9 * source.pairing.sensed.begins_ns
    return begins_s < ended_s < begins_s + float(source.pairing.sensed.time_s[-1]) + _LEARNING_S


def _learned_from(quality: str) -> set[str]:
    """Names of the sources in a profile's words; judged on these, it would only say again what it was told."""
    return set(quality.rpartition(_FROM)[2].split(", "))


def _plain(score: Score | None) -> dict[str, float | None] | None:
    if score is None:
        return None
    return {"mae": round(score.mae, 4), "r": round(score.r, 3) if math.isfinite(score.r) else None}
