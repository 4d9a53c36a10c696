"""Recorded takes as a data set: what the sensors felt, labelled by what a phone or a webcam saw at the same time.

Labels are those of `face/reference`, on whose clock they came; both are brought together as a phone's file is (`bags`).
A take is cut where the reference lost the face, since a data set does not say which labels are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from face_dataset.shards import store_recordings
from face_dataset.shards.manifest import Split
from face_evaluation.bags import read_bag, with_truth
from face_inference.errors import WearerError
from face_inference.model_folder import ModelDescription, load_model
from face_model.livelink import LiveLinkReport, LiveLinkTake
from face_model.outputs import check_output_folder
from face_recording.bag_reader import FRAMES, REFERENCE
from face_recording.take_sheet import read_sheet
from face_recording.takes.reading import chosen_namespace, full_name, opened, stamp_ns, wearers
from imu_sim.recording import Recording
from imusic_cli.errors import CommandError

MOST_BRIDGED_S = 0.25
"""A face that is lost for longer ends a take of the data set; as in `face_model.livelink`."""
LEAST_S = 2.0
"""Shorter pieces teach nothing: the neutral alone takes as long."""
NS = 1_000_000_000


def store_takes(
    out: Path,
    folders: Sequence[Path],
    split: str,
    namespace: str | None = None,
    model: str = "imusic",
    licence: str = "",
    say: Callable[[str], None] = lambda line: None,
) -> Iterator[str]:
    """Make a data set; gives a line about each take, and one about the whole.

    Args:
        out: folder that does not exist yet, or is empty.
        folders: of takes.
        split: train, validation or test.
        namespace: whose topics, where takes hold those of several wearers.
        model: whose sensors are worn.
        licence: of the recordings.
        say: told what is being read.

    Raises:
        CommandError: a split that is none, a folder that holds something, or a take without a reference.
        DatasetError: a signal cannot be stored.
        WearerError: sensors and reference do not fit together.
    """
    if split not in get_args(Split):
        raise CommandError(f"expected --split {', '.join(get_args(Split))}, found {split}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CommandError(f"expected no folder yet at {out}, or an empty one, found something; give another with -o")
    check_output_folder(out)
    description = load_model(model).description
    pieces: list[Recording] = []
    for folder in folders:
        say(f"reading {folder.name}")
        made = recordings_of(folder, description, namespace)
        seconds = sum(piece.duration_s for piece in made)
        yield f"{folder.name}: {made[0].person}, {len(made)} pieces, {seconds:.1f} s with labels"
        pieces += made
    chosen: Any = split
    manifest = store_recordings(
        out,
        [(piece, chosen) for piece in pieces],
        name=out.name or "takes",
        licences={"": licence} if licence else None,
    )
    count = len(manifest.takes)
    many = f"{count} take" if count == 1 else f"{count} takes"
    yield f"written: {out}: {many}, {manifest.sha256[:12]}; look: imusic dataset inspect {out}"


def recordings_of(folder: Path, description: ModelDescription, namespace: str | None = None) -> list[Recording]:
    """The labelled pieces of a take.

    Raises:
        CommandError: it has no reference, or none of its pieces is long enough.
        DatasetError: as of `Recording`.
        WearerError: sensors and reference do not fit together.
        TakeError: it holds several wearers and none is named.
    """
    place, person, reference = reference_of(folder, namespace)
    try:
        labelled = with_truth(replace(read_bag(folder, place), person=person), reference, description)
    except WearerError as error:
        raise CommandError(f"{folder.name}: sensors and {reference.name} do not fit together: {error}") from error
    pieces = _pieces(labelled)
    if not pieces:
        raise CommandError(
            f"expected {LEAST_S:g} s or more in a row in which {reference.name} sees the face in {folder}, found less; "
            "record it again, in the camera's view"
        )
    return pieces


def reference_of(folder: Path, namespace: str | None) -> tuple[str, str, LiveLinkTake]:
    """Namespace, wearer, and what the reference saw, at its own even rate.

    Raises:
        CommandError: there is no reference, or hardly any.
        TakeError: it holds several wearers and none is named.
    """
    sheet = read_sheet(folder) if folder.is_dir() else None
    with opened(folder) as bag:
        place = chosen_namespace(bag, namespace=namespace, needs=(FRAMES,))
        topic = full_name(place, REFERENCE)
        messages = [bag.decoded(raw) for raw in bag.messages((topic,))] if topic in bag.topics else []
        person = (sheet.wearer if sheet else "") or wearers(bag).get(place, "") or place or folder.resolve().name
    there = [message for message in messages if message.face_seen]
    if len(there) < 10:
        raise CommandError(
            f"expected faces of a phone or a webcam on {topic} in {folder}, found {len(there)}; record with one beside "
            "the sensors, or give its CSV: imusic evaluate --bag TAKE --truth CSV"
        )
    stamps = np.array([stamp_ns(message.header) for message in there], dtype=np.int64)
    order = np.unique(stamps, return_index=True)[1]
    stamps, there = stamps[order], [there[i] for i in order]
    time_s = (stamps - stamps[0]) / NS
    rate_hz = 1.0 / float(np.median(np.diff(time_s)))
    grid = np.arange(int(time_s[-1] * rate_hz + 1e-6) + 1) / rate_hz
    weights = np.array([message.weights for message in there], dtype=np.float64)
    measured = np.array([message.seen for message in there], dtype=np.bool_)
    # Known where a picture is near on both sides.
    after = np.clip(np.searchsorted(time_s, grid), 1, len(time_s) - 1)
    near = np.minimum(np.abs(time_s[after] - grid), np.abs(time_s[after - 1] - grid)) <= 1.0 / rate_hz
    seen = near[:, None] & measured.all(axis=0)
    on_grid = np.stack([np.interp(grid, time_s, np.clip(np.nan_to_num(c), 0.0, 1.2)) for c in weights.T], axis=1)
    name = str(there[0].source) or "the reference"
    missing, largest = int((~near).sum()), float(on_grid.max())
    report = LiveLinkReport(len(messages), rate_hz, 0, 0, 0, 0, missing, 0, largest, False, False)
    return place, person, LiveLinkTake(name, person, rate_hz, on_grid, seen, np.zeros((len(grid), 3)), report)


def _pieces(recording: Recording) -> list[Recording]:
    """Where the labels are known, but for short gaps."""
    seen: NDArray[np.bool_] = np.ones(len(recording.valid), bool) if recording.seen is None else recording.seen
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]]))).reshape(-1, 2).tolist()
    joined: list[list[int]] = []
    for begins, ends in edges:
        if joined and begins - joined[-1][1] <= MOST_BRIDGED_S * recording.rate_hz:
            joined[-1][1] = ends
        else:
            joined.append([begins, ends])
    long_enough = [span for span in joined if span[1] - span[0] >= LEAST_S * recording.rate_hz]
    names = ("orientation", "angular_velocity", "specific_force", "valid", "weights", "head_orientation")
    return [
        replace(
            recording,
            take=recording.take if len(long_enough) == 1 else f"{recording.take}_{number}",
            seen=None,
            **{name: getattr(recording, name)[begins:ends] for name in names},
        )
        for number, (begins, ends) in enumerate(long_enough, 1)
    ]
