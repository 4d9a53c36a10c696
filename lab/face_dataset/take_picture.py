"""One take at a glance: what the face did and what the sensors felt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_dataset.shards import StoredTake
from face_model import arkit, rotation
from face_model.outputs import write_whole
from imu_sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SENSORS_SHOWN = 4
"""Sensors drawn one by one, beside the first, which is the reference in shipped layouts."""


def draw_take(take: StoredTake, path: Path) -> None:
    """Write a PNG: weights, sensors' angular velocity, specific force, rotation against the first sensor, validity."""
    from matplotlib.figure import Figure

    recording = take.recording()
    shown = [0, *_liveliest(recording)]
    times = np.arange(len(recording.valid)) / recording.rate_hz
    figure = Figure(figsize=(13.0, 15.0), layout="constrained")
    axes = figure.subplots(5, 1, sharex=True, height_ratios=(6, 2.2, 2.2, 2.2, 1.6))
    info = take.info
    who = " ".join(str(part) for part in (info.part, info.layout, info.family) if part)
    figure.suptitle(f"take {info.index}: {info.name}, {info.split}, {info.duration_s:.1f} s; {who}", fontsize=11)
    _weights(axes[0], recording, times)
    seen = {i: recording.valid[:, i] for i in shown}
    for axis, values, label in (
        (axes[1], np.rad2deg(np.linalg.norm(recording.angular_velocity, axis=-1)), "angular velocity\nnorm, deg/s"),
        (axes[2], np.linalg.norm(recording.specific_force, axis=-1), "specific force\nnorm, m/s²"),
        (axes[3], _turned_deg(recording), "turned against the\nfirst sensor, deg\n(own headings)"),
    ):
        _curves(axis, recording.sensor_names, times, values, seen)
        axis.set_ylabel(label)
    axes[1].legend(loc="upper right", fontsize=8, ncols=len(shown))
    _mask(axes[4], recording, times)
    axes[4].set_xlabel("time, s")
    write_whole(path, lambda part: figure.savefig(part, dpi=80))


def _liveliest(recording: Recording) -> list[int]:
    """Skin sensors that turn most against the reference: those worth seeing."""
    spread = np.nanstd(_turned_deg(recording), axis=0)
    spread[0] = -1.0
    return sorted(int(i) for i in np.argsort(spread)[::-1][:_SENSORS_SHOWN] if i != 0)


def _turned_deg(recording: Recording) -> NDArray[np.floating]:
    """(T, S) angle by which each sensor has turned against the first one since its first valid sample; NaN: unknown."""
    both = recording.valid & recording.valid[:, :1]
    safe = np.where(both[..., None], recording.orientation, [0.0, 0.0, 0.0, 1.0])
    reference = np.broadcast_to(safe[:, :1], safe.shape)
    relative = rotation.multiply(rotation.conjugate(reference), safe)
    start = np.take_along_axis(relative, np.argmax(both, axis=0)[None, :, None], axis=0)
    turned = rotation.multiply(np.broadcast_to(rotation.conjugate(start), relative.shape), relative)
    angle = np.rad2deg(np.linalg.norm(rotation.to_vector(turned), axis=-1))
    return np.where(both, angle, np.nan)


def _weights(axis: Axes, recording: Recording, times: NDArray[np.floating]) -> None:
    image = axis.imshow(
        recording.weights.T, aspect="auto", interpolation="nearest", cmap="magma", vmin=0.0, vmax=1.0,
        extent=(float(times[0]), float(times[-1]) + 1e-9, len(arkit.BLENDSHAPES) - 0.5, -0.5),
    )  # fmt: skip
    axis.set_yticks(range(len(arkit.BLENDSHAPES)), arkit.BLENDSHAPES, fontsize=6)
    axis.set_title("blendshape weights", fontsize=9)
    figure: Any = axis.figure
    figure.colorbar(image, ax=axis, pad=0.01)


def _curves(
    axis: Axes,
    names: tuple[str, ...],
    times: NDArray[np.floating],
    values: NDArray[np.floating],
    seen: dict[int, NDArray[np.bool_]],
) -> None:
    for i, valid in seen.items():
        axis.plot(times, np.where(valid, values[:, i], np.nan), linewidth=0.7, label=names[i])
    axis.grid(alpha=0.3)


def _mask(axis: Axes, recording: Recording, times: NDArray[np.floating]) -> None:
    axis.imshow(
        recording.valid.T, aspect="auto", interpolation="nearest", cmap="RdYlGn", vmin=0, vmax=1,
        extent=(float(times[0]), float(times[-1]) + 1e-9, len(recording.sensor_names) - 0.5, -0.5),
    )  # fmt: skip
    axis.set_yticks(range(len(recording.sensor_names)), recording.sensor_names, fontsize=6)
    axis.set_title(f"valid samples: {100.0 * recording.valid.mean():.2f} %", fontsize=9)
