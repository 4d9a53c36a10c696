"""Trials in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from face_evaluation.trials import Contestant, Outcome, Trial, run_trial
from imusic_cli.errors import CommandError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_trials(trials: Sequence[Trial], contestants: Sequence[Contestant], workers: int = 1) -> Iterator[list[Outcome]]:
    """Outcomes of each trial as it is finished; one worker is this process.

    Raises:
        CommandError: a worker was ended.
        InferenceError, ImuSimError, FaceModelError: a model, motion or take cannot be used.
    """
    # One wearer after the other, so that each is drawn once and learned once.
    ordered = sorted(trials, key=lambda trial: trial.source.wearer)
    if workers <= 1:
        for trial in ordered:
            yield run_trial(trial, contestants)
        return
    for name in _THREADS:
        os.environ.setdefault(name, "1")  # before the workers start: they inherit it
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(ordered)), mp_context=context) as pool:
        futures = [pool.submit(run_trial, trial, contestants) for trial in ordered]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise CommandError(
                "expected the workers to go on to the end, but one was ended, perhaps for want of memory; "
                "use fewer workers"
            ) from error
        finally:
            for future in futures:
                future.cancel()
