"""What could be known of each wearer: nothing, what a guided routine tells, what a phone beside it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_inference.errors import WearerError
from face_inference.mounts import NominalMounts
from face_inference.training.population import labelled
from face_inference.training.take import Take
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.observations import Observations
from face_inference.wearer.population import Population
from face_inference.wearer.reading import Reading
from face_inference.wearer.response import Source, WearerResponse

SOURCES: tuple[Source, ...] = ("population", "prompts", "phone")
PHONE_HZ = 10.0
PHONE_SPREAD = 0.04
"""Standard deviation of a phone's own weights; a guess."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Readings:
    """One wearer's readings by how much is known; a wearer who did no routine has the first alone."""

    population: Reading
    prompts: Reading | None = None
    phone: Reading | None = None

    def of(self, source: Source) -> Reading:
        """The reading with what `source` tells, or with what everybody has in common."""
        return getattr(self, source) or self.population


def readings_of(
    takes: Sequence[Take],
    mounts: NominalMounts,
    population: Population,
    rate_hz: float,
    folder: Path,
    threads: int = 2,
    progress: Progress | None = None,
) -> dict[str, Readings]:
    """Readings by wearer, learned from the routines among `takes` and kept in `folder`."""
    anybody = Reading(population, population.anybody)
    routines = [take for take in takes if take.is_routine]
    path = folder / f"wearers_{_key(routines, population)}.npz"
    if not path.is_file():
        for stale in folder.glob("wearers_*.npz"):
            stale.unlink()
        arrays: dict[str, np.ndarray] = {}
        with ThreadPoolExecutor(threads) as pool:
            learned = pool.map(lambda take: _learned(take, mounts, population, rate_hz), routines)
            for number, (take, responses) in enumerate(zip(routines, learned, strict=True)):
                for response in responses:
                    name = f"{take.wearer}:{response.source}"
                    arrays[f"{name}:response"] = response.response.astype(np.float32)
                    arrays[f"{name}:uncertainty"] = response.uncertainty.astype(np.float32)
                if progress:
                    progress((number + 1) / len(routines), f"wearers: {number + 1} of {len(routines)}")
        partial = path.with_name(f".{path.name}")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        partial.replace(path)
    with np.load(path) as stored:
        known = dict(stored.items())

    def reading(wearer: str, source: Source) -> Reading | None:
        name = f"{wearer}:{source}"
        if f"{name}:response" not in known:
            return None
        return Reading(population, WearerResponse(known[f"{name}:response"], known[f"{name}:uncertainty"], source))

    return {
        wearer: Readings(anybody, reading(wearer, "prompts"), reading(wearer, "phone"))
        for wearer in sorted({take.wearer for take in takes})
    }


def _learned(take: Take, mounts: NominalMounts, population: Population, rate_hz: float) -> list[WearerResponse]:
    """From one routine, once by its prompts and once by its true weights."""
    found = [adapt(population, labelled(take, max(1, round(rate_hz / PHONE_HZ)), PHONE_SPREAD), "phone")]
    times = np.arange(len(take.features)) / rate_hz
    observations = Observations.of(take.features, take.channels, times)
    try:
        found.append(adapt(population, guided_rows(observations).rows, "prompts"))
    except WearerError:
        # Too little was seen of this wearer; a real one would be told so and go on without.
        return found
    return found


def _key(routines: Sequence[Take], population: Population) -> str:
    digest = hashlib.sha256(population.mean.tobytes() + population.noise.tobytes())
    for take in routines:
        digest.update(f"{take.wearer} {len(take.features)}".encode())
    return digest.hexdigest()[:16]
