"""A folder of profiles, one file for each wearer: found, read, written by one at a time, deleted whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from safetensors import SafetensorError

from face_inference.errors import ProfileError, WearerError
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.private_file import (
    FILE_MODE,
    FOLDER_MODE,
    PART,
    delete_if_unlocked,
    sync_folder,
    write_durably,
)
from face_inference.wearer.profile import ProfileLabel, WearerProfile, checked_name
from face_inference.wearer.profile_content import encoded, read_profile
from face_model.user_folders import data_folder

SUFFIX = ".safetensors"

MOST_BYTES = 16 << 20
"""Of a profile's file: one with its routine has some hundred kilobytes."""


TRIED_BYTES = 1 << 20
"""Written for a try: somewhat more than a profile."""


@dataclass(frozen=True)
class ProfileFolder:
    """Profiles in one folder, by default the user's own."""

    path: Path = field(default_factory=lambda: data_folder() / "wearers")

    def names(self) -> list[str]:
        """Wearers with a profile here."""
        return sorted(file.name.removesuffix(SUFFIX) for file in self.path.glob(f"*{SUFFIX}") if _may_be_read(file))

    def save(self, profile: WearerProfile) -> Path:
        """Write a profile in place of the wearer's old one: a reader, a crash or a power cut sees either.

        It tells a face apart from others: its folder and file are the owner's alone (0700 and 0600).

        Raises:
            ProfileError: the name cannot be a file's, or the folder cannot be written.
        """
        with self._alone():
            return self._save(profile)

    def check(self) -> None:
        """Whether a profile could be written now, to be asked before a wearer's minute is spent on one.

        Raises:
            ProfileError: the folder cannot be written, or is full.
        """
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(bytes(TRIED_BYTES))
        except OSError as error:
            raise ProfileError(f"expected to write into {self.path}, found: {error}; free the folder") from error

    def keep_worn(self, label: ProfileLabel, worn: WearerJacobian | None) -> bool:
        """Keep what wear added to a profile, in place of what it added before; False where it is another one by now.

        Whoever saves another profile meanwhile, a routine or a phone's labels, loses nothing.

        Raises:
            ProfileError: there is no such profile any more, it is damaged, or cannot be written.
        """
        return self.change(label, lambda profile: replace(profile, worn=worn))

    def change(self, label: ProfileLabel, changed: Callable[[WearerProfile], WearerProfile]) -> bool:
        """Write what `changed` makes of a profile in place of it; False where it is another one by now.

        Raises:
            ProfileError: there is no such profile any more, it is damaged, or cannot be written.
        """
        with self._alone():
            profile = self.load(label.wearer)
            if profile.label != label:
                return False
            self._save(changed(profile))
            return True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, of all processes."""
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ProfileError(f"expected to write into {self.path}, found: {error}; free the folder") from error
        try:
            with contextlib.suppress(OSError):  # file systems without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _save(self, profile: WearerProfile) -> Path:
        path = self._file(profile.label.wearer)
        written = encoded(profile)
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            self.path.chmod(FOLDER_MODE)
            write_durably(path, written)
            self._sweep(path)
        except OSError as error:
            raise ProfileError(f"expected to write the profile {path}, found: {error}; free the folder") from error
        return path

    def load(self, wearer: str) -> WearerProfile:
        """Read a profile.

        Raises:
            ProfileError: there is none of this name, it is damaged, or of another version.
        """
        path = self._file(wearer)
        try:
            if not path.is_file():
                raise ProfileError(
                    f"expected a profile at {path}, found profiles of {', '.join(self.names()) or 'nobody'}; "
                    f"make one with `imusic wearer routine {wearer}`"
                )
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"{path.stat().st_size} bytes, more than {MOST_BYTES}")
            self._keep_private(path)
            return read_profile(path)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError, WearerError) as error:
            raise ProfileError(
                f"expected a wearer's profile in {path}, found: {error!r}; run the routine again"
            ) from error

    def remove(self, wearer: str) -> None:
        """Delete a profile, with all that a writer that was killed, or an editor, left of it in the folder.

        Raises:
            ProfileError: there is nothing of this name, or it cannot be deleted.
        """
        path = self._file(wearer)
        try:
            found = [path, *self._leftovers(path)] if path.exists() else self._leftovers(path)
            for file in found:
                file.unlink(missing_ok=True)
            if found:
                sync_folder(self.path)
        except OSError as error:
            raise ProfileError(f"expected to delete {path}, found: {error}; delete it by hand") from error
        if not found:
            raise ProfileError(f"expected a profile at {path}, found profiles of {', '.join(self.names()) or 'nobody'}")

    def _leftovers(self, path: Path) -> list[Path]:
        """Temporary files and copies of a profile: its name with something before or behind."""
        if not self.path.is_dir():
            return []
        return [
            file
            for file in self.path.iterdir()
            if file.name.lstrip(".#~").startswith(path.name) and file.name != path.name and file.is_file()
        ]

    def _sweep(self, path: Path) -> None:
        """Delete what writers that were killed left of this profile; those at work hold a lock on theirs."""
        for file in self._leftovers(path):
            if file.name.endswith(PART):
                delete_if_unlocked(file)

    def _keep_private(self, path: Path) -> None:
        """Older versions left files that everybody could read."""
        for place, mode in ((path.parent, FOLDER_MODE), (path, FILE_MODE)):
            if stat.S_IMODE(place.stat().st_mode) & 0o077:
                with contextlib.suppress(OSError):  # somebody else's, or a file system without modes
                    place.chmod(mode)

    def _file(self, wearer: str) -> Path:
        return self.path / f"{checked_name(wearer)}{SUFFIX}"


def _may_be_read(file: Path) -> bool:
    """Whether it is a file; also where only reading it can tell, and what is wrong with it."""
    try:
        return file.is_file()
    except OSError:
        return True
