"""Fitting the prior: Jacobians of random people's rigs, weights and noise of the training takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from face_inference.wearer.adapt import adapt
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.prior import Prior
from face_model import arkit, rotation
from face_model.layout import SensorLayout
from face_model.skin import skin_patches
from face_training.training_take import Take
from imu_sim.families import FaceFamily

FloatArray = NDArray[np.float64]

_AMPLITUDE = 0.6
"""Weight at which a shape's Jacobian is measured: a turn is not quite linear in it, and full weight is rare."""
_PLACEMENT_M = 0.003
"""Standard deviation of a board's distance from its place along each direction of the skin."""
_HEADING_RAD = float(np.deg2rad(7.0))
"""Standard deviation of a mounting's turn about the vertical, which the neutral cannot tell from heading."""
_WIDENING = 1.1
"""Real anatomies differ more than ours: deviations from the mean Jacobian are taken this much larger."""
_OWN_SHARE = 0.3
"""Each element's own deviation, relative to the spread over people: no set of people spans all anatomies."""
_OWN_LEAST_RAD = float(np.deg2rad(0.5))
"""Half a degree of it at least: with 0.3 a kind of face that was left out lies twice as far away as the prior says."""
_NOISE_LEAST_RAD = float(np.deg2rad(0.3))
_FIRST_NOISE_RAD = float(np.deg2rad(1.0))
_DRIFT_RAD = float(np.deg2rad(1.0))
"""What the heading correction leaves in longer wear than the takes', about the vertical."""
_FACTORS = 400
_ROWS_HZ = 5.0
_NOISE_TAKES = 40
_RIDGE_ROWS = 5.0
"""Strength of the ridge, in rows of full weight: shapes that a take hardly moved stay near zero."""
FIRST_SEED = 700_000
"""Seeds of the people whose rigs are asked begin here, apart from those of training and of evaluation."""


def jacobians(family: FaceFamily, layout: SensorLayout, seeds: Sequence[int]) -> Iterator[FloatArray]:
    """(D, 52) rad for each seed: how far each shape turns each skin sensor of a random person, glued on by hand."""
    for seed in seeds:
        rng = np.random.default_rng([seed, 0x90B])
        offset = rng.normal(0.0, _PLACEMENT_M, (len(layout.sensors), 2))
        patches = skin_patches(family.subject(seed), layout, place_offset_m=offset)
        _, poses = patches.board_poses(np.concatenate([np.zeros((1, arkit.COUNT)), _AMPLITUDE * np.eye(arkit.COUNT)]))
        turns = rotation.to_vector(rotation.multiply(poses[1:], rotation.conjugate(poses[:1]))) / _AMPLITUDE
        skin = [i for i in range(len(layout.sensors)) if i != layout.reference_index]
        crooked = np.zeros((len(skin), 3))
        crooked[:, 2] = rng.normal(0.0, _HEADING_RAD, len(skin))
        turned = rotation.rotate(rotation.from_vector(crooked), turns[:, skin])  # (52, K, 3)
        yield np.asarray(turned.reshape(arkit.COUNT, -1).T, dtype=np.float64)


def jacobians_in(takes: Sequence[Take], rate_hz: float) -> Iterator[FloatArray]:
    """(D, 52) rad for each wearer in recorded takes, by ridge regression: where there is no rig to ask."""
    by_wearer: dict[str, list[LabelledRows]] = {}
    for take in takes:
        by_wearer.setdefault(take.wearer, []).append(labelled(take, max(1, round(rate_hz / _ROWS_HZ))))
    for rows in by_wearer.values():
        weights = np.concatenate([r.weights for r in rows])
        observed = np.concatenate([np.where(r.valid, r.observation, 0.0) for r in rows])
        normal = weights.T @ weights + _RIDGE_ROWS * np.eye(arkit.COUNT)
        yield np.asarray(np.linalg.solve(normal, weights.T @ observed).T, dtype=np.float64)


def fit_prior(drawn: Sequence[FloatArray], takes: Sequence[Take], rate_hz: float) -> Prior:
    """The prior that a model ships.

    Args:
        drawn: Jacobians (D, 52) of many people, from `jacobians` or `jacobians_in`.
        takes: training takes, for what faces show and for the noise, which is what no Jacobian explains.
        rate_hz: of the takes.
    """
    people = np.stack(drawn)  # (people, D, 52)
    mean = people.mean(axis=0)
    apart = _WIDENING * (people - mean)
    scaled = apart.reshape(len(people), -1) / np.sqrt(max(1, len(people) - 1))
    _, size, vectors = np.linalg.svd(scaled, full_matrices=False)
    factors = (size[:_FACTORS, None] * vectors[:_FACTORS]).reshape(-1, *mean.shape)
    spread = np.maximum(_OWN_SHARE * apart.std(axis=0), _OWN_LEAST_RAD)
    every = max(1, round(rate_hz / _ROWS_HZ))
    weights = np.concatenate([take.weights[::every] for take in takes])
    prior = Prior(
        mean.astype(np.float32),
        factors.astype(np.float32),
        spread.astype(np.float32),
        (np.eye(len(mean)) * _FIRST_NOISE_RAD**2).astype(np.float32),
        weights.mean(axis=0).astype(np.float32),
        np.cov(weights.T).astype(np.float32),
    )
    return replace(prior, noise=_noise(prior, takes, every))


def _noise(prior: Prior, takes: Sequence[Take], every: int) -> NDArray[np.float32]:
    """(D, D): what is left of the observations when each wearer's Jacobian was learned from the true weights."""
    products, count = np.zeros((prior.observations,) * 2), 0
    for take in takes[:: max(1, len(takes) // _NOISE_TAKES)]:
        rows = labelled(take, every)
        whole = rows.valid.all(axis=1)
        found = adapt(prior, rows, "phone")
        left = (rows.observation - rows.weights @ found.mean.T)[whole]
        products += left.T @ left
        count += len(left)
    floor = np.tile([_NOISE_LEAST_RAD**2, _NOISE_LEAST_RAD**2, _DRIFT_RAD**2], len(products) // 3)
    return (products / max(1, count) + np.diag(floor)).astype(np.float32)


def joined(rows: Sequence[LabelledRows]) -> LabelledRows:
    """All rows in one."""
    return LabelledRows(*(np.concatenate([getattr(r, f.name) for r in rows]) for f in fields(LabelledRows)))


def labelled(take: Take, every: int, spread: float = 0.0) -> LabelledRows:
    """Every so-many-th tick of a take as rows with true weights."""
    channels, features = take.channels, take.features[::every]
    return LabelledRows(
        features[:, channels.skin_block("rotation")].astype(np.float64),
        take.weights[::every].astype(np.float64),
        np.full((len(features), arkit.COUNT), spread),
        channels.observed(features),
    )
