"""Profiles: what goes in comes out, names stay in the folder, foreign ones are refused, a crash leaves the old one."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.errors import ProfileError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.prior import Prior
from face_inference.wearer.profile import (
    ProfileFolder,
    check_fits,
    checked_name,
    default_folder,
    new_profile,
    prior_digest,
)

SENSORS = ("skull", "brow_left", "brow_right", "cheek_left", "cheek_right", "chin")


@pytest.fixture
def folder(tmp_path) -> ProfileFolder:
    return ProfileFolder(tmp_path / "wearers")


@pytest.fixture
def profile(prior, wearer):
    jacobian = adapt(prior, guided_rows(wearer.observations).rows, "prompts")
    return new_profile("ann", jacobian, prior, SENSORS, "skull", "tiny 1", "22 of 22", wearer.observations)


def test_what_is_saved_is_loaded(folder, profile):
    path = folder.save(profile)
    found = folder.load("ann")
    assert found.label == profile.label
    np.testing.assert_allclose(found.jacobian.mean, profile.jacobian.mean, atol=1e-6)
    np.testing.assert_allclose(found.jacobian.uncertainty, profile.jacobian.uncertainty, atol=1e-8)
    assert found.jacobian.source == "prompts"
    np.testing.assert_array_equal(found.routine.values, profile.routine.values)
    np.testing.assert_array_equal(found.routine.time_s, profile.routine.time_s)
    np.testing.assert_array_equal(found.routine.valid, profile.routine.valid)
    assert folder.names() == ["ann"]
    assert path.stat().st_size < 1_000_000


def test_its_beginning_can_be_read_by_people(folder, profile):
    head = folder.save(profile).read_bytes()[:4000].decode("utf-8", errors="replace")
    for text in ("ann", "prompts", profile.label.created, "cheek_left", "22 of 22"):
        assert text in head


def test_a_profile_without_its_routine_is_fine(folder, profile):
    folder.save(replace(profile, routine=None))
    assert folder.load("ann").routine is None


def test_saving_again_replaces_and_leaves_nothing_else(folder, profile):
    folder.save(profile)
    folder.save(replace(profile, label=replace(profile.label, quality="better")))
    assert folder.load("ann").label.quality == "better"
    assert [p.name for p in folder.path.iterdir()] == ["ann.safetensors"]


def test_a_write_that_fails_leaves_the_old_profile(folder, profile, monkeypatch):
    folder.save(profile)

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ProfileError, match="No space left"):
        folder.save(replace(profile, label=replace(profile.label, quality="lost")))
    monkeypatch.undo()
    assert folder.load("ann").label.quality == "22 of 22"
    assert len(list(folder.path.iterdir())) == 1


def test_a_write_that_is_cut_off_leaves_the_old_profile(folder, profile):
    """However it is written: the disk takes half of it, then no more."""
    path = folder.save(profile)
    old, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, limits[1]))
    try:
        with pytest.raises(ProfileError, match="File too large"):
            folder.save(replace(profile, label=replace(profile.label, quality="lost")))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert [p.name for p in folder.path.iterdir()] == [path.name]


def test_an_unknown_name_says_who_is_known(folder, profile):
    folder.save(profile)
    for call in (folder.load, folder.remove):
        with pytest.raises(ProfileError, match="ann"):
            call("bob")


def test_removing(folder, profile):
    folder.save(profile)
    folder.remove("ann")
    assert folder.names() == []


@pytest.mark.parametrize("name", ["", "..", "../bob", "a/b", ".hidden", "a\x00b", "bob ", " bob", "x" * 65, "a\nb"])
def test_names_that_would_leave_the_folder_are_refused(folder, name):
    with pytest.raises(ProfileError, match="expected a name"):
        folder.load(name)


@given(st.text(max_size=80))
def test_any_name_is_refused_or_stays_in_the_folder(name):
    try:
        kept = checked_name(name)
    except ProfileError:
        return
    path = (Path("/folder") / f"{kept}.safetensors").resolve()
    assert path.parent == Path("/folder")
    assert len(path.name.encode()) < 256
    assert checked_name(kept) == kept


def test_people_have_names_in_their_own_script():
    assert checked_name("Jörg Müller") == checked_name("Jo\u0308rg Mu\u0308ller")
    assert checked_name("李小龙") == "李小龙"


def test_another_prior_or_other_sensors_are_refused(profile, prior):
    check_fits(profile.label, prior, SENSORS, "skull")
    other = replace(prior, noise=(2.0 * prior.noise).astype(np.float32))
    with pytest.raises(ProfileError, match="run the routine again"):
        check_fits(profile.label, other, SENSORS, "skull")
    with pytest.raises(ProfileError, match="sensors"):
        check_fits(profile.label, prior, SENSORS[:-1], "skull")
    with pytest.raises(ProfileError, match="reference"):
        check_fits(profile.label, prior, SENSORS, "chin")


def test_the_digest_survives_the_priors_own_file(prior, tmp_path):
    prior.save(tmp_path / "p.safetensors")
    assert prior_digest(Prior.load(tmp_path / "p.safetensors")) == prior_digest(prior)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"nonsense" * 100])
def test_a_damaged_file_is_told(folder, profile, damage):
    path = folder.save(profile)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ProfileError, match="run the routine again"):
        folder.load("ann")


def test_a_file_of_another_version_is_told(folder, profile, monkeypatch):
    folder.save(profile)
    monkeypatch.setattr("face_inference.wearer.profile.FORMAT_VERSION", 99)
    with pytest.raises(ProfileError, match="format_version 99"):
        folder.load("ann")


def test_the_default_folder_follows_the_xdg_specification(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "imusic" / "wearers"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert default_folder() == tmp_path / ".local" / "share" / "imusic" / "wearers"
