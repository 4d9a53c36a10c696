"""One planned take: its motion, its subject, its signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_dataset.plan import GENERATED, TakePlan, recorded_take
from face_dataset.recipe import Recipe
from face_dataset.shards.encoding import CountScale, encode
from face_dataset.shards.manifest import ROUTINE_SOURCE, TakeInfo
from face_dataset.shards.writer import describe
from face_model.layout import load_layout
from imu_sim import head_motion
from imu_sim.chips.magnetometer import random_scene
from imu_sim.chips.parts import load_part
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.hub.timing import HubTiming
from imu_sim.motion import FaceMotion
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.simulate import simulate
from imu_sim.subject import random_subject

_SCENE_STREAM = 0x3A6
"""Stream of random numbers for what is magnetic around the subject."""


def make_take(recipe: Recipe, plan: TakePlan, recorded_dir: Path | None) -> tuple[TakeInfo, dict[str, NDArray[Any]]]:
    """Simulate a take: what the manifest says about it, and its arrays as stored.

    Raises:
        ImuSimError: motion or part cannot be used.
        FaceModelError: face or layout cannot be used, or a signal cannot be stored.
    """
    layout, part = load_layout(plan.layout), load_part(plan.part)
    subject = random_subject(
        load_family(plan.family),
        layout,
        plan.wearer_seed,
        placement_m=recipe.gluing.placement_m,
        mount_rad=float(np.deg2rad(recipe.gluing.mounting_deg)),
    )
    motion = motion_of(recipe, plan, recorded_dir)
    rng = np.random.default_rng([plan.sensor_seed, _SCENE_STREAM])
    recording = simulate(
        motion,
        subject,
        layout,
        part,
        recipe.hub.rate_hz,
        plan.sensor_seed,
        timing=HubTiming(plan.skew_ppm, plan.jitter_s, plan.loss),
        scene=random_scene(motion.duration_s, rng) if plan.fusion == "9d" else None,
    )
    scale = CountScale.of_ranges(part.gyro.full_scale, part.accel.full_scale)
    info = describe(
        recording,
        plan.index,
        plan.shard,
        plan.split,
        scale,
        source=plan.source,
        family=plan.family,
        wearer_seed=plan.wearer_seed,
        layout=plan.layout,
        part=plan.part,
        details=details_of(plan),
    )
    return info, dict(encode(recording, scale))


def details_of(plan: TakePlan) -> dict[str, Any]:
    """Choices that the manifest lists beside its own fields."""
    return {
        "group": plan.group,
        "motion_seed": plan.motion_seed,
        "sensor_seed": plan.sensor_seed,
        "fusion": plan.fusion,
        "mirrored": plan.mirrored,
        "stretch": round(plan.stretch, 6),
        "skew_ppm": round(plan.skew_ppm, 3),
        "jitter_s": round(plan.jitter_s, 9),
        "loss": round(plan.loss, 6),
    }


def motion_of(recipe: Recipe, plan: TakePlan, recorded_dir: Path | None) -> FaceMotion:
    """What the face does in a take, varied as planned."""
    recorded = recipe.takes[plan.group].recorded
    if plan.source == ROUTINE_SOURCE:
        motion = perform_routine(plan.motion_seed)
    elif plan.source == GENERATED:
        motion = generate(plan.motion_seed, plan.duration_s / plan.stretch)
    else:
        assert recorded is not None
        assert recorded_dir is not None
        motion, report = recorded_take(recorded_dir / plan.source, recorded.fps)
        if not report.head_recorded:
            # The recording has no head motion: each subject gets another one.
            rng = np.random.default_rng(plan.motion_seed)
            orientation, position = head_motion.natural(motion.duration_s, motion.rate_hz, rng)
            motion = replace(motion, head_orientation=orientation, head_position=position)
        motion = motion.faded(rest_s=recorded.rest_s)
    if plan.mirrored:
        motion = motion.mirrored()
    return replace(motion, rate_hz=motion.rate_hz / plan.stretch, person=plan.person)
