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
from numpy.typing import NDArray

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
        damping: (S, 4) ratio to the critical damping, above 0 and below 1.
    """

    frequency_hz: Floats
    damping: Floats


def rigid_tissue(sensors: int) -> Tissue:
    """Boards that follow skin and bone at once."""
    return Tissue(np.full((sensors, len(MODES)), np.inf), np.full((sensors, len(MODES)), 0.5))


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

    H is a pair of conjugate poles, so that the state of a channel is one complex number. The discretisation is exact
    for motion that is linear between samples (first-order hold): frequency and damping are exactly the stated ones.
    A block of samples is one matrix product, for what comes in and for the state before it.

    Args:
        tissue: under the boards.
        rate_hz: of the samples.
    """

    def __init__(self, tissue: Tissue, rate_hz: float) -> None:
        # Channels as the signals have them: force and rate, each along x and y (slide, rock) and z (press, twist).
        modes = [0, 0, 1, 2, 2, 3]
        frequency, damping = (each.T[modes].ravel() for each in (tissue.frequency_hz, tissue.damping))
        pole, gain, residue, through = _discrete(frequency / rate_hz, damping)
        self._powers = pole[:, None] ** np.arange(_BLOCK + 1)
        self._drive = _as_pairs(gain[:, None] * self._powers[:, _BLOCK - 1 :: -1])
        self._response = _response(residue[:, None] * self._powers[:, :_BLOCK], gain, through)
        self._rest = gain / (1.0 - pole)
        self._state: NDArray[np.complex128] | None = None

    def __call__(self, specific_force: Floats, angular_velocity: Floats) -> tuple[Floats, Floats]:
        """Both signals of the boards, (3, S, N) in board axes, from those of the skin.

        At the first call the boards are at rest on their springs, under the first values.
        """
        shape = (2, *specific_force.shape)
        skin = np.stack([specific_force, angular_velocity]).reshape(len(self._rest), shape[-1])
        if self._state is None and shape[-1]:
            self._state = self._rest * skin[:, 0]
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
        blocks = skin.reshape(len(skin), -1, length)
        states = (blocks @ self._drive[:, _BLOCK - length :]).view(np.complex128)[..., 0]
        state = self._rest if self._state is None else self._state
        power = self._powers[:, length]
        for index in range(states.shape[1]):
            # The state after a block makes place for the one before it.
            after = power * state + states[:, index]
            states[:, index], state = state, after
        self._state = state
        entering = np.concatenate([states[..., None].view(np.float64), blocks], axis=-1)
        return (entering @ self._response[:, : length + 2, :length]).reshape(skin.shape)


_BLOCK = 25
"""Samples in a block; 20 to 30 are fastest."""

_Complex = NDArray[np.complex128]


def _discrete(frequency: Floats, damping: Floats) -> tuple[_Complex, _Complex, _Complex, Floats]:
    """H by first-order hold for `C` channels with frequencies in cycles a sample.

    The state z of a channel goes on as pole z + gain u, and the answer is Re(residue z) + through u. After G. Franklin,
    J. Powell, M. Workman, "Digital Control of Dynamic Systems", 1998, section 6.3.2.
    """
    rigid = ~np.isfinite(frequency)
    w = 2.0 * np.pi * np.where(rigid, 1.0, frequency)
    turning = np.sqrt(1.0 - damping**2)
    root = w * (-damping + 1j * turning)
    residue = 2.0 * (2.0 * damping * w * root + w * w) / (2j * w * turning)
    pole = np.exp(root)
    ramp = (pole - 1.0 - root) / root**2
    gain = (pole - 1.0) / root - ramp + pole * ramp
    through = np.where(rigid, 1.0, np.real(residue * ramp))
    return np.where(rigid, 0.0, pole), np.where(rigid, 0.0, gain), np.where(rigid, 0.0, residue), through


def _response(free: _Complex, gain: _Complex, through: Floats) -> Floats:
    """Answer of a block to the state before it and to its samples, (C, 2 + L, L), to be multiplied from the right.

    Args:
        free: (C, L) the answer at each sample is Re(free z) for a state z before the block.
        gain: (C,) from a sample to the state.
        through: (C,) from a sample to the answer.
    """
    answer = np.concatenate([through[:, None], np.real(free[:, :-1] * gain[:, None])], axis=1)
    lag = np.arange(_BLOCK)[None, :] - np.arange(_BLOCK)[:, None]
    forced = np.where(lag >= 0, answer[:, lag], 0.0)
    return np.concatenate([np.stack([free.real, -free.imag], axis=1), forced], axis=1)


def _as_pairs(values: _Complex) -> Floats:
    """Complex numbers (...) as real and imaginary parts (..., 2)."""
    return np.stack([values.real, values.imag], axis=-1)
