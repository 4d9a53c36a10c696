"""Profiles: what goes in comes out, names stay in the folder, foreign ones are refused, a crash leaves the old one."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from face_inference.errors import ProfileError
from face_inference.wearer.adapt import adapt
from face_inference.wearer.guided import guided_rows
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import Prior
from face_inference.wearer.profile import check_fits, checked_name, fitted, new_profile, prior_digest
from face_inference.wearer.profile_folder import ProfileFolder

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


def test_noises_evidence_and_what_wear_added_come_back(folder, profile, prior):
    noise = (2.0 * prior.noise).astype(float)
    labelled = replace(profile.jacobian, noise=noise, labelled_noise=0.5 * noise)
    worn = replace(labelled, mean=1.1 * labelled.mean, noise=3.0 * noise)
    folder.save(replace(profile, jacobian=labelled, worn=worn))
    found = folder.load("ann")
    np.testing.assert_allclose(found.jacobian.noise, noise, rtol=1e-6)
    np.testing.assert_allclose(found.jacobian.labelled_noise, 0.5 * noise, rtol=1e-6)
    np.testing.assert_allclose(found.worn.mean, worn.mean, rtol=1e-6)
    np.testing.assert_allclose(found.worn.noise, worn.noise, rtol=1e-6)
    np.testing.assert_allclose(found.jacobian.evidence.cross, labelled.evidence.cross, rtol=1e-6)
    assert found.worn.evidence is found.jacobian.evidence


def test_what_wear_added_is_kept_beside_the_labels_and_forgotten_without_them(folder, profile):
    folder.save(profile)
    worn = replace(profile.jacobian, mean=1.1 * profile.jacobian.mean)
    assert folder.keep_worn(profile.label, worn)
    found = folder.load("ann")
    np.testing.assert_allclose(found.worn.mean, worn.mean, rtol=1e-6)
    np.testing.assert_allclose(found.jacobian.mean, profile.jacobian.mean, rtol=1e-6)
    np.testing.assert_array_equal(found.routine.values, profile.routine.values)
    assert folder.keep_worn(profile.label, None)
    assert folder.load("ann").worn is None


def test_what_wear_added_never_replaces_newer_labels(folder, profile):
    newer = replace(profile, label=replace(profile.label, created="later"))
    folder.save(newer)
    assert not folder.keep_worn(profile.label, profile.jacobian)
    assert folder.load("ann").worn is None
    folder.remove("ann")
    with pytest.raises(ProfileError):
        folder.keep_worn(profile.label, profile.jacobian)


def test_a_profile_of_the_first_version_is_read_and_learned_anew_for_its_evidence(folder, profile, prior, monkeypatch):
    monkeypatch.setattr("face_inference.wearer.profile_content.FORMAT_VERSION", 1)
    folder.save(replace(profile, jacobian=replace(profile.jacobian, evidence=None)))
    monkeypatch.undo()
    old = folder.load("ann")
    assert old.jacobian.evidence is None
    found, told = fitted(old, prior, SENSORS, "skull")
    assert told == ""
    np.testing.assert_allclose(found.jacobian.mean, profile.jacobian.mean, atol=1e-5)
    assert found.jacobian.evidence is not None


def test_a_profile_of_another_model_is_learned_anew_from_its_routine(profile, prior):
    other = replace(prior, noise=(2.0 * prior.noise).astype(np.float32))
    assert fitted(profile, prior, SENSORS, "skull") == (profile, "")
    found, told = fitted(replace(profile, worn=profile.jacobian), other, SENSORS, "skull")
    assert "learned anew from the routine" in told
    assert found.worn is None
    expected = adapt(other, guided_rows(profile.routine).rows, "prompts")
    np.testing.assert_allclose(found.jacobian.mean, expected.mean, atol=1e-9)
    phone = replace(profile, label=replace(profile.label, source="phone"))
    assert "phone" in fitted(phone, other, SENSORS, "skull")[1]
    with pytest.raises(ProfileError, match="run the routine again"):
        fitted(replace(profile, routine=None), other, SENSORS, "skull")
    with pytest.raises(ProfileError, match="sensors"):
        fitted(profile, other, SENSORS[:-1], "skull")


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

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
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


@pytest.mark.parametrize("unnamed", [True, False])
def test_folder_and_file_are_the_owners_alone(folder, profile, monkeypatch, unnamed):
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    folder.path.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        path = folder.save(profile)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert [p.name for p in folder.path.iterdir()] == ["ann.safetensors"]


def test_a_profile_that_an_older_version_left_open_to_all_is_closed(folder, profile):
    path = folder.save(profile)
    path.chmod(0o644)
    folder.path.chmod(0o755)
    folder.load("ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("unnamed", [True, False])
def test_it_is_on_the_disk_before_it_has_the_name(folder, profile, monkeypatch, unnamed):
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    order, fsync, replace_file = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda d: (order.append("sync"), fsync(d))[1])
    monkeypatch.setattr(Path, "replace", lambda *a: (order.append("name"), replace_file(*a))[1])
    folder.save(profile)
    assert order == ["sync", "name", "sync"], "the file, then the name, then the folder"


def test_a_writer_that_is_killed_leaves_nothing(folder, profile):
    path = folder.save(profile)
    code = (
        "import os, sys, signal; from pathlib import Path; from face_inference.wearer import private_file\n"
        "os.fsync = lambda d: os.kill(os.getpid(), signal.SIGKILL)\n"
        "private_file.write_durably(Path(sys.argv[1]), b'half')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    assert killed.returncode == -9
    assert [p.name for p in folder.path.iterdir()] == ["ann.safetensors"]
    assert folder.load("ann").label == profile.label


def saved_by_a_child(folder, profile, killed_at):
    """Saves in a child that is killed before the step of this number, counted from 1; whether it was."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    steps, fsync = itertools.count(1), os.fsync

    def step(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event.startswith("os.")) and next(steps) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def synced(descriptor):
        step("os.fsync", ())
        fsync(descriptor)

    os.fsync = synced
    sys.addaudithook(step)
    try:
        folder.save(profile)
    finally:
        os._exit(0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_killed_at_any_step_of_saving_there_is_the_old_profile_or_the_new(folder, profile):
    folder.save(profile)
    newer = replace(profile, label=replace(profile.label, quality="newer"))
    found, killed = [], True
    for step in itertools.count(1):
        killed = saved_by_a_child(folder, newer, step)
        found.append(folder.load("ann").label.quality)
        if not killed:
            break
        folder.save(profile)
    assert len(found) > 5, "it was killed at several steps"
    assert set(found) == {profile.label.quality, "newer"}, "killed before the name is given, and after"
    assert found[-1] == "newer"
    assert [p.name for p in folder.path.iterdir()] == ["ann.safetensors"]


def test_what_a_killed_writer_left_goes_with_the_next_one_but_not_a_living_ones(folder, profile):
    import fcntl

    folder.save(profile)
    dead, alive = (folder.path / f".ann.safetensors.{n}.part" for n in (1, 2))
    dead.write_bytes(b"half")
    with alive.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        folder.save(profile)
    assert not dead.exists()
    assert alive.exists()


def test_two_writers_at_once_each_have_a_file_of_their_own(folder, profile):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: folder.save(profile), range(40)))
    assert folder.load("ann").label == profile.label
    assert [p.name for p in folder.path.iterdir()] == ["ann.safetensors"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_is_noticed_wherever_it_is(folder, profile, data):
    path = folder.save(profile)
    whole = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(whole[:8], "little")
    at = data.draw(st.integers(0, header - 1) | st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(whole))
    with pytest.raises(ProfileError):
        folder.load("ann")


def test_old_profiles_without_a_hash_are_loaded(folder, profile):
    rewritten(folder, profile, lambda content, arrays: content)
    assert folder.load("ann").label == profile.label


def test_removing_leaves_nothing_of_the_wearer_and_all_of_the_others(folder, profile):
    for name in ("ann", "joann", "ann b"):
        folder.save(replace(profile, label=replace(profile.label, wearer=name)))
    for left in (".ann.safetensors.123", ".ann.safetensors.1.part", "ann.safetensors~", "ann.safetensors.bak"):
        (folder.path / left).write_bytes(b"half a face")
    folder.remove("ann")
    assert sorted(p.name for p in folder.path.iterdir()) == ["ann b.safetensors", "joann.safetensors"]
    (folder.path / ".ann.safetensors.7.part").write_bytes(b"half a face")
    folder.remove("ann")
    with pytest.raises(ProfileError, match="joann"):
        folder.remove("ann")


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
    monkeypatch.setattr("face_inference.wearer.profile_content.FORMAT_VERSION", 99)
    with pytest.raises(ProfileError, match="format_version 1 or 99"):
        folder.load("ann")


def rewritten(folder, profile, change):
    """The profile's file after `change(content, arrays)`, which returns the content to write."""
    path = folder.save(profile)
    arrays = dict(load_file(path))
    head = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    content = json.loads(head["__metadata__"]["profile"])
    content.pop("sha256", None)  # as an old file
    content = change(content, arrays)
    save_file(arrays, path, metadata={"profile": content if isinstance(content, str) else json.dumps(content)})
    return path


def spoil(name, value):
    def change(content, arrays):
        arrays[name] = arrays[name].copy()
        arrays[name].flat[3] = value
        return content

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda content, arrays: [],
        lambda content, arrays: None,
        lambda content, arrays: "no JSON",
        lambda content, arrays: "[" * 100_000,
        lambda content, arrays: content | {"sensors": "skull"},
        lambda content, arrays: content | {"sensors": [["skull"]] * 6},
        lambda content, arrays: content | {"sensors": ["skull"] * 6},
        lambda content, arrays: content | {"reference": "nose"},
        lambda content, arrays: content | {"person": 7},
        lambda content, arrays: content | {"quality": {"a": 1}},
        lambda content, arrays: content | {"source": ["prompts"]},
        spoil("response", 1e38),
        spoil("response", np.nan),
        spoil("response", np.inf),
        spoil("uncertainty", 1e38),
        spoil("uncertainty", np.nan),
        spoil("uncertainty", -50.0),
        spoil("routine.time_s", np.nan),
        spoil("routine.values", np.inf),
        lambda content, arrays: arrays.update({"routine.values": arrays["routine.values"][:, :4].copy()}) or content,
        lambda content, arrays: arrays.update({"response": arrays["response"].astype(np.int32)}) or content,
        lambda content, arrays: arrays.update({"uncertainty": np.zeros((15,), np.float32)}) or content,
        lambda content, arrays: arrays.pop("routine.valid") is None or content,
    ],
)
def test_what_no_routine_could_have_learned_is_refused(folder, profile, change):
    rewritten(folder, profile, change)
    with pytest.raises(ProfileError, match="run the routine again") as told:
        folder.load("ann")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_profile_of_any_content_is_used_or_refused(folder, profile, prior, data):
    def change(content, arrays):
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(arrays)))
            array = arrays[name] = arrays[name].copy()
            array.flat[data.draw(st.integers(0, array.size - 1))] = data.draw(st.floats(width=32))
            return content
        if data.draw(st.booleans()):
            return data.draw(json_values)
        return content | {data.draw(st.sampled_from(sorted(content))): data.draw(json_values)}

    rewritten(folder, profile, change)
    try:
        found = folder.load("ann")
    except ProfileError:
        return
    with np.errstate(all="raise", under="ignore"):
        gain = LinearEstimate(prior, found.jacobian).gain(np.ones(15, bool))
    assert np.isfinite(gain.matrix).all()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), at=st.integers(0, 5000))
def test_bytes_of_any_content_are_used_or_refused(folder, profile, content, at):
    path = folder.save(profile)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    with contextlib.suppress(ProfileError):
        folder.load("ann")


def test_by_default_they_are_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert ProfileFolder().path == tmp_path / "imusic" / "wearers"


def test_what_is_no_file_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "ann.safetensors").mkdir()
    os.mkfifo(tmp_path / "bob.safetensors")
    (tmp_path / "eve.safetensors").symlink_to(tmp_path / "eve.safetensors")
    folder = ProfileFolder(tmp_path)
    assert folder.names() == []
    for name in ("ann", "bob", "eve"):
        with pytest.raises(ProfileError, match="found profiles of nobody"):
            folder.load(name)


def test_a_folder_is_tried_and_left_as_it_is(tmp_path: Path) -> None:
    ProfileFolder(tmp_path / "there").check()
    assert list((tmp_path / "there").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ProfileError, match="expected to write into"):
        ProfileFolder(tmp_path / "file").check()
