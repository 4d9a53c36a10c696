"""Soft tissue under a board: it lags and rings like a mass on a damped spring.

Skin-mounted sensors follow the bone as an underdamped second-order system does (L. Wu et al., "In vivo evaluation of
wearable head impact sensors", Annals of Biomedical Engineering 44, 2016, arXiv 1503.03948). One of 34 g rings on its
own, one of 1.5 g shows nearly the bone's acceleration (J. Ziegert, J. Lewis, "The effect of soft tissue on measurements
of vibrational bone motion by skin-mounted accelerometers", J. Biomech. Eng. 101, 1979); a face unit has 0.3 g.

For a base that moves, d'' + 2 zeta w d' + w^2 d = -a_base. The sum a_base + d'' is a_base through the filter
H(s) = (2 zeta w s + w^2) / (s^2 + 2 zeta w s + w^2), and so it is for angular velocity. Gravity, felt as a constant
force, passes unchanged: H(0) = 1. Left out, as d stays below 0.2 mm: its Coriolis terms, and what the little turn of
the ringing board does to the direction of gravity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm

from imu_sim.motion import Floats

BOARD_AREA_M2 = 0.6e-4
"""Of a face unit (IMUSIC, arXiv 2402.03944)."""
BOARD_MASS_KG = 0.5e-3
"""0.3 g of a face unit (IMUSIC), and a guess of 0.2 g for glue, wire and the skin that moves along."""

MODES = ("slide", "press", "rock", "twist")
"""Ways a board moves on the tissue: along the skin, into it, tilting, and about its normal."""


@dataclass(frozen=True)
class Tissue:
    """The springs under `S` boards.

    Attributes:
        frequency_hz: (S, 4) undamped natural frequency of each of `MODES`; infinite: the board is rigid on the bone.
        damping: (S, 4) ratio to the critical damping, above 0.
    """

    frequency_hz: Floats
    damping: Floats


def rigid_tissue(sensors: int) -> Tissue:
    """Boards that follow skin and bone at once."""
    return Tissue(np.full((sensors, len(MODES)), np.inf), np.ones((sensors, len(MODES))))


def natural_frequencies(shear_modulus_pa: Floats, depth_m: Floats, height_m: Floats) -> Floats:
    """Natural frequencies of `MODES` in Hz, (S, 4), of boards on incompressible tissue over bone.

    A board is a rigid disc on an elastic layer. Stiffness: E. Kausel, "Forced vibrations of circular foundations on
    layered media", MIT Research Report R74-11, 1974, static terms, as in G. Gazetas, "Analysis of machine foundation
    vibrations: state of the art", Soil Dynamics and Earthquake Engineering 2, 1983, with Poisson's ratio 1/2.

    Args:
        shear_modulus_pa: (S,) of the tissue.
        depth_m: (S,) of the tissue.
        height_m: (S,) of a board's centre of mass above the skin.
    """
    a = np.sqrt(BOARD_AREA_M2 / np.pi)
    flat = a / depth_m
    g, m = shear_modulus_pa, BOARD_MASS_KG
    slide = 16.0 / 3.0 * g * a * (1.0 + flat / 2.0) / m
    press = 8.0 * g * a * (1.0 + 1.28 * flat) / m
    rock = 16.0 / 3.0 * g * a**3 * (1.0 + flat / 6.0) / (m * (a**2 / 4.0 + height_m**2))
    twist = 16.0 / 3.0 * g * a**3 / (m * a**2 / 2.0)
    return np.asarray(np.sqrt(np.stack([slide, press, rock, twist], axis=-1)) / (2.0 * np.pi))


class TissueFilter:
    """What the tissue makes of the skin's motion, as a stream: any split gives the same values.

    The discretisation is exact for motion that is linear between samples (first-order hold), so that frequency and
    damping are exactly the stated ones. A block of samples is one matrix product, for what comes in and for the state
    before it.

    Args:
        tissue: under the boards.
        rate_hz: of the samples.
    """

    def __init__(self, tissue: Tissue, rate_hz: float) -> None:
        # Channels as the signals have them: force and rate, each along x and y (slide, rock) and z (press, twist).
        modes = [0, 0, 1, 2, 2, 3]
        system = _discrete(tissue.frequency_hz.T[modes].ravel(), tissue.damping.T[modes].ravel(), rate_hz)
        self._powers, self._drive, self._response = _block(*system)
        self._rest = _at_rest(*system[:2])
        self._state: Floats | None = None

    def __call__(self, specific_force: Floats, angular_velocity: Floats) -> tuple[Floats, Floats]:
        """Both signals of the boards, (3, S, N) in board axes, from those of the skin.

        At the first call the boards are at rest on their springs, under the first values.
        """
        shape = (2, *specific_force.shape)
        skin = np.stack([specific_force, angular_velocity]).reshape(len(self._rest), shape[-1])
        if self._state is None and shape[-1]:
            self._state = self._rest * skin[:, :1]
        whole = shape[-1] // _BLOCK * _BLOCK
        boards = np.empty_like(skin)
        boards[:, :whole] = self._blocks(skin[:, :whole], _BLOCK)
        boards[:, whole:] = self._blocks(skin[:, whole:], shape[-1] - whole)
        force, rate = boards.reshape(shape)
        return force, rate

    def _blocks(self, skin: Floats, length: int) -> Floats:
        """The next blocks of `length` samples, at most `_BLOCK`."""
        if not skin.shape[1]:
            return skin
        channels = len(skin)
        blocks = skin.reshape(channels, -1, length)
        driven = blocks @ self._drive[:, _BLOCK - length :]
        power = self._powers[:, length]
        states = np.empty((channels, blocks.shape[1], 2))
        state = self._rest if self._state is None else self._state
        for index in range(blocks.shape[1]):
            states[:, index] = state
            state = (power @ state[..., None])[..., 0] + driven[:, index]
        self._state = state
        answer = np.concatenate([states, blocks], axis=-1) @ self._response[:, : length + 2, :length]
        return answer.reshape(channels, -1)


_BLOCK = 25
"""Samples in a block; 20 to 30 are fastest."""


def _discrete(frequency_hz: Floats, damping: Floats, rate_hz: float) -> tuple[Floats, Floats, Floats, Floats]:
    """State space of H by first-order hold, for `C` channels: A (C, 2, 2), B (C, 2), C (C, 2), D (C,).

    After G. Franklin, J. Powell, M. Workman, "Digital Control of Dynamic Systems", 1998, section 6.3.2; time is in
    samples.
    """
    rigid = ~np.isfinite(frequency_hz)
    w = 2.0 * np.pi * np.where(rigid, 0.0, frequency_hz) / rate_hz
    count = len(w)
    # State: displacement in units of acceleration, its rate; input: acceleration of the base; held in two steps.
    exponent = np.zeros((count, 4, 4))
    exponent[:, 0, 1] = 1.0
    exponent[:, 1, 0], exponent[:, 1, 1], exponent[:, 1, 2] = -w * w, -2.0 * damping * w, 1.0
    exponent[:, 2, 3] = 1.0
    full = expm(exponent)
    a, held, ramp = full[:, :2, :2], full[:, :2, 2], full[:, :2, 3]
    b = held - ramp + np.einsum("cij,cj->ci", a, ramp)
    c = np.stack([w * w, 2.0 * damping * w], axis=-1)
    d = np.sum(c * ramp, axis=-1)
    a[rigid], b[rigid], d[rigid] = 0.0, 0.0, 1.0
    return a, b, c, d


def _at_rest(a: Floats, b: Floats) -> Floats:
    """State (C, 2) for a constant input of 1."""
    return np.asarray(np.linalg.solve(np.eye(2) - a, b[..., None])[..., 0])


def _block(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats]:
    """What a block needs.

    Returns:
        Powers of A from 0 to `_BLOCK`, (C, 1 + L, 2, 2); the state after a block from its samples, (C, L, 2), to be
        multiplied from the right; the answer from the state before it and its samples, (C, 2 + L, L), likewise.
    """
    powers = np.empty((len(a), _BLOCK + 1, 2, 2))
    powers[:, 0] = np.eye(2)
    for k in range(_BLOCK):
        powers[:, k + 1] = powers[:, k] @ a
    impulse = np.einsum("ckij,cj->cki", powers, b)
    free = np.einsum("ci,ckij->cjk", c, powers[:, :-1])
    response = np.concatenate([free, np.zeros((len(a), _BLOCK, _BLOCK))], axis=1)
    forced = np.einsum("ci,cki->ck", c, impulse[:, :-1])
    for k in range(_BLOCK):
        response[:, 2 + k, k] = d
        response[:, 2 + k, k + 1 :] = forced[:, : _BLOCK - 1 - k]
    return powers, impulse[:, _BLOCK - 1 :: -1], response
