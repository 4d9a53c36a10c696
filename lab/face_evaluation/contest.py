"""From what is asked to what is found: the trials of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from face_dataset import Recipe, build_dataset
from face_dataset.shards import ShardedDataset
from face_evaluation.entrants import EntrantSpec, class_of
from face_evaluation.findings import Findings, collected
from face_evaluation.held import EARLY_S, HELD_POSES, LATE_S
from face_evaluation.motions import UNSEEN_SUBJECT, held_motion, long_motion, shared_folder
from face_evaluation.sources import Simulated, Source, Stored
from face_evaluation.states import WearerState
from face_evaluation.trials import (
    HELD,
    LABEL_CURVE,
    LONG_WEAR,
    PLACEMENT,
    REGLUED,
    SENSORS,
    TAKES,
    WEAR_CURVE,
    Contestant,
    Trial,
    TrialOutcome,
    run_trials,
)
from face_inference.model_folder import Model
from face_model.faces import HEAD
from imu_sim.motion import FaceMotion
from imusic_cli.errors import CommandError, UsageError

SPECIAL_TRIALS = (SENSORS, PLACEMENT, HELD, LONG_WEAR, REGLUED, WEAR_CURVE, LABEL_CURVE)
"""Special trials that can be asked for."""

KINDS = "head:301-340"
"""Kinds of heads that no training draws: other motions of the skin under the same names of shapes."""

_PLACEMENTS_M = (0.0, 0.005, 0.010)


@dataclass(frozen=True)
class Cast:
    """Who plays what.

    Attributes:
        motions: what is played; may be empty where the takes are stored.
        faces: whose people wear the units.
        subjects: random people of each face for each motion.
        rate_hz: of the samples.
        few: how many of these subjects do what takes long: hold poses for minutes, not only until they are read
            once, and take part in curves.
    """

    motions: Sequence[FaceMotion]
    faces: Sequence[str] = (HEAD,)
    subjects: int = 3
    rate_hz: float = 100.0
    few: int = 2

    def drawn(self) -> Iterator[tuple[str, int]]:
        """Face and seed of everybody."""
        return ((face, UNSEEN_SUBJECT + w) for face in self.faces for w in range(self.subjects))

    def takes(self, placement_m: float | None = None, subjects: int | None = None) -> Iterator[Simulated]:
        """Each motion on everybody, or on so many of each face."""
        for motion in self.motions:
            for face, seed in replace(self, subjects=min(subjects or self.subjects, self.subjects)).drawn():
                take = Simulated(motion, face, seed, self.rate_hz)
                yield take if placement_m is None else replace(take, placement_m=placement_m)


def default_faces() -> list[str]:
    """Families that nobody trained on, beside our own: ICT-FaceKit where the shared data is found, and other kinds."""
    ict = ict_face()
    return [HEAD, *([str(ict)] if ict else []), KINDS]


def ict_face() -> Path | None:
    """ICT-FaceKit's face in the shared data, if it is there."""
    shared = shared_folder()
    path = shared / "data" / "face_ict" / "ict_face.npz" if shared else None
    return path if path is not None and path.is_file() else None


def contestants_of(
    models: Sequence[Model],
    states: Sequence[WearerState],
    classes: Sequence[str] = (),
    *,
    baselines: bool = False,
    if_possible: bool = False,
) -> list[Contestant]:
    """Everybody in every state; models of one title are told apart by their folders.

    Args:
        models: to be compared.
        states: of knowledge.
        classes: of other people's estimators, `module:Class`.
        baselines: whether each model takes part without its network too, and a static ridge.
        if_possible: see `Contestant`.

    Raises:
        CommandError: a class is not there.
    """
    titles = [model.description.title for model in models]
    names = [f"{title} ({model.path.name})" for model, title in zip(models, titles, strict=True)]
    shown = []
    for model, title, name in zip(models, titles, names, strict=True):
        alone = title if titles.count(title) == 1 else name if names.count(name) == 1 else f"{title} ({model.path})"
        shown.append((EntrantSpec("model", str(model.path)), alone))
    for where in classes:
        class_of(where)
        shown.append((EntrantSpec("class", where), where.rpartition(":")[2]))
    if baselines:
        shown += [(replace(spec, kind="linear"), f"{name}, no network") for spec, name in shown if spec.kind == "model"]
        shown += [(EntrantSpec("ridge", str(model.path)), STATIC_RIDGE) for model in models[:1]]
    return [Contestant(spec, name, state, if_possible) for spec, name in shown for state in states]


STATIC_RIDGE = "static ridge"
"""Name of the baseline that learns a linear map from labels alone."""


def trials_of(cast: Cast, special: Sequence[str], stored: Sequence[Source] = ()) -> list[Trial]:
    """Trials of the takes, and special ones.

    Raises:
        CommandError: a special trial is unknown.
    """
    unknown = [name for name in special if name not in SPECIAL_TRIALS]
    if unknown:
        raise UsageError(f"expected special trials of {', '.join(SPECIAL_TRIALS)} or all, found {', '.join(unknown)}")
    sources: list[Source] = [*stored, *cast.takes()]
    trials = [Trial(SENSORS if SENSORS in special else TAKES, "", source) for source in sources]
    if PLACEMENT in special:
        for placement_m in _PLACEMENTS_M:
            title = f"{1e3 * placement_m:g} mm"
            trials += [Trial(PLACEMENT, title, source) for source in cast.takes(placement_m)]
    if REGLUED in special:
        trials += [Trial(REGLUED, "", replace(source, glued_anew=True)) for source in cast.takes()]
    for curve in (WEAR_CURVE, LABEL_CURVE):
        if curve in special:
            trials += [Trial(curve, "", source) for source in cast.takes(subjects=cast.few)]
    for number, (face, seed) in enumerate(cast.drawn()):
        if HELD in special:
            hold_s = LATE_S + 2.0 if number % cast.subjects < cast.few else EARLY_S + 2.0
            poses = ((pose, held_motion(pose, seed, hold_s)) for pose in HELD_POSES)
            trials += [Trial(HELD, pose, Simulated(motion, face, seed, cast.rate_hz)) for pose, motion in poses]
        if LONG_WEAR in special:
            motion = long_motion(cast.motions, seed)
            trials.append(Trial(LONG_WEAR, "", Simulated(motion, face, seed, cast.rate_hz)))
    return trials


def stored_takes(folder: Path) -> list[Stored]:
    """The test takes of a data set, or all of one without a test split; not the routines, which are learned from.

    Raises:
        DatasetError: there is no such data set, or it is damaged.
    """
    takes = [(i, take.info) for i, take in enumerate(ShardedDataset.open(folder)) if not take.info.is_routine]
    tests = [i for i, info in takes if info.split == "test"]
    return [Stored(folder, i) for i in (tests or [i for i, _ in takes])]


def built(recipe: Recipe, folder: Path, workers: int, say: Callable[[str], None]) -> Path:
    """Build the test takes of a recipe, or all of one without; what is built already stays.

    Raises:
        ImuSimError: the recipe asks for what is not there.
    """
    tests = {name: takes for name, takes in recipe.takes.items() if takes.split == "test"}
    shared = shared_folder()
    build_dataset(
        replace(recipe, takes=tests or recipe.takes),
        folder,
        shared / "data" / "motion_arkit" if shared else None,
        workers=workers,
        on_progress=lambda done: say(f"simulating: take {done.takes} of {done.of_takes}"),
    )
    return folder


def hold_contest(
    trials: Sequence[Trial],
    contestants: Sequence[Contestant],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Run all trials; `progress` is told how many of how many are done.

    Raises:
        CommandError: there is nothing to do.
        InferenceError, FaceModelError: a model, motion or take cannot be used.
        ImuSimError: the same, or a worker was ended.
    """
    if not trials:
        raise CommandError("expected at least one take to evaluate, found none")
    outcomes: list[TrialOutcome] = []
    for done, found in enumerate(run_trials(trials, contestants, workers), start=1):
        outcomes += found
        if progress:
            progress(done, len(trials))
    return collected(outcomes, contestants)
