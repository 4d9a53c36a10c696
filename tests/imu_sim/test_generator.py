from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit, observability, rotation
from imu_sim.errors import MotionError
from imu_sim.generator import SPEECH_REST_S, from_text, generate
from imu_sim.motion import FaceMotion

SEEDS = range(16)
LIDS = [i for i, name in enumerate(arkit.BLENDSHAPES) if name.startswith("eyeBlink")]
SKIN = [i for i in observability.OBSERVABLE if i not in LIDS]


@pytest.fixture(scope="module")
def takes() -> list[FaceMotion]:
    return [generate(seed, 90.0) for seed in SEEDS]


def test_takes_are_valid_whoever_performs(takes: list[FaceMotion]) -> None:
    for take in takes:
        assert take.weights.min() >= 0.0
        assert take.weights.max() <= 1.0
        assert take.loops
        close, jaw = take.weights[:, arkit.INDEX["mouthClose"]], take.weights[:, arkit.INDEX["jawOpen"]]
        assert np.all(close <= jaw + 1e-12)
        step = np.abs(np.diff(take.weights, axis=0))
        assert step[:, SKIN].max() < 0.45  # full strength takes 0.1 s at least, and gains steepen it a little
        assert step[:, LIDS].max() < 0.6
        # Begins with still, relaxed neutral, long enough to learn the neutral from.
        first = np.argmax(take.weights.any(axis=1) | (np.abs(take.head_orientation[:, :3]).max(axis=1) > 0.0))
        assert first >= 1.0 * take.rate_hz


def test_same_seed_same_motion_other_seed_other_motion() -> None:
    np.testing.assert_array_equal(generate(3, 20.0).weights, generate(3, 20.0).weights)
    np.testing.assert_array_equal(generate(3, 20.0).head_position, generate(3, 20.0).head_position)
    assert not np.array_equal(generate(3, 20.0).weights, generate(4, 20.0).weights)


@pytest.mark.parametrize("duration_s", [2.0, 4.0, 7.3, 31.0])
def test_takes_of_any_length_loop(duration_s: float) -> None:
    for seed in range(5):
        motion = generate(seed, duration_s)
        assert motion.duration_s == pytest.approx(duration_s, abs=0.02)
        assert motion.loops


def test_every_shape_occurs_held_isolated_and_one_sided(takes: list[FaceMotion]) -> None:
    weights = np.concatenate([take.weights for take in takes])
    strongest = weights.max(axis=0)
    assert not [arkit.BLENDSHAPES[i] for i in observability.OBSERVABLE if strongest[i] < 0.4]
    # Held: some shape stays high and nearly constant for three seconds.
    window = 3 * 60
    means = np.lib.stride_tricks.sliding_window_view(weights[::6], window // 6, axis=0)
    assert np.any((means.min(axis=-1) > 0.3) & (np.ptp(means, axis=-1) < 0.15))
    # Isolated: a skin shape is strong while every other one is nearly at rest.
    ordered = np.sort(weights[:, SKIN], axis=1)
    assert np.mean((ordered[:, -1] > 0.4) & (ordered[:, -3] < 0.15)) > 0.01
    # Held alone: for a second one shape, or pair, or the brows, stands and nothing else comes near it.
    assert np.mean([_held_alone(take) for take in takes]) > 0.05
    # One-sided: left and right of a pair differ widely.
    mirrored = weights[:, list(arkit.MIRROR)]
    assert np.abs(weights - mirrored)[:, arkit.INDEX["mouthSmileLeft"]].max() > 0.4


def _held_alone(take: FaceMotion) -> float:
    """Share of time in which one muscle group stays within 0.12 for a second and all others are below 0.4 of it."""
    stems = [arkit.BLENDSHAPES[i].removesuffix("Left").removesuffix("Right") for i in SKIN]
    groups = [stem.replace("InnerUp", "Up").replace("OuterUp", "Up") for stem in stems]
    weights = take.weights[::6, SKIN]
    strength = np.stack([weights[:, [g == name for g in groups]].max(axis=1) for name in sorted(set(groups))])
    ordered, first = np.sort(strength, axis=0), strength.argmax(axis=0)
    window = np.lib.stride_tricks.sliding_window_view(ordered[-1], 10)
    steady = (np.ptp(window, axis=1) < 0.12) & (first[: len(window)] == first[9:])
    return float(np.mean(steady & (ordered[-1, 4:-5] > 0.3) & (ordered[-2, 4:-5] < 0.4 * ordered[-1, 4:-5])))


def test_some_heads_hardly_move_and_some_walk() -> None:
    rates, bounces = [], []
    for seed in range(30):
        take = generate(seed, 40.0)
        step = rotation.multiply(rotation.conjugate(take.head_orientation[:-1]), take.head_orientation[1:])
        rates.append(float(np.rad2deg(np.linalg.norm(rotation.to_vector(step), axis=1).mean() * take.rate_hz)))
        height = take.head_position[:, 2]
        power = np.abs(np.fft.rfft(height - height.mean())) ** 2
        frequency = np.fft.rfftfreq(len(height), 1.0 / take.rate_hz)
        bounces.append(float(np.sqrt(power[(frequency > 1.4) & (frequency < 2.5)].sum() * 2.0) / len(height)))
    assert min(rates) < 3.0
    assert max(rates) > 10.0  # mean over the take, deg/s
    walking = np.array(bounces) > 0.004
    assert 0.05 < walking.mean() < 0.4


def test_a_text_is_said_after_a_rest() -> None:
    take = from_text("Hello there, Mama!", seed=1)
    rest = round(SPEECH_REST_S * take.rate_hz)
    assert not take.weights[:rest].any()
    assert take.loops
    assert take.weights[rest:, arkit.INDEX["jawOpen"]].max() > 0.2
    assert take.weights[rest:, arkit.INDEX["mouthPressLeft"]].max() > 0.15
    assert np.abs(rotation.to_vector(take.head_orientation)).max() > 0.01
    longer = from_text("Hello there, Mama! How are you doing today?", seed=1)
    assert longer.duration_s > take.duration_s + 1.0
    with pytest.raises(MotionError):
        from_text("…")
