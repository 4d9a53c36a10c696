from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from face_inference.errors import (
    ModelFolderError,
    ModelNotFoundError,
)
from face_inference.model_folder import FILES, STEP, WEIGHTS, find_model, load_model, sha256_of
from face_inference.mounts import NominalMounts
from face_inference.wearer.prior import PRIOR_FILE, Prior
from face_model import arkit
from face_model.share import share_dir


@pytest.fixture
def folder(trained, tmp_path):
    return shutil.copytree(trained["model"].path, tmp_path / "tiny")


def edit(folder, change):
    path = folder / "model.yaml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def swap(names):
    names[0], names[1] = names[1], names[0]


NAN = float("nan")


def exchange(sensors, one, other, *keys):
    for key in keys:
        sensors[one][key], sensors[other][key] = sensors[other][key], sensors[one][key]


BAD_DESCRIPTIONS = {
    "format version": (lambda c: c.update(format_version=99), ModelFolderError, "expected format_version 3, found 99"),
    "feature version": (lambda c: c.update(feature_version=0), ModelFolderError, "expected feature_version"),
    "no version": (lambda c: c.pop("format_version"), ModelFolderError, "found None"),
    "blendshape order": (lambda c: swap(c["blendshapes"]), ModelFolderError, "'eyeLookDownLeft' at 0"),
    "blendshape count": (lambda c: c["blendshapes"].pop(), ModelFolderError, "found 51 names"),
    "sensor twice": (lambda c: c["sensors"].append(c["sensors"][1]), ModelFolderError, "different names"),
    "no reference": (lambda c: c["sensors"][0].update(reference=False), ModelFolderError, "exactly one reference"),
    "mount not a rotation": (lambda c: c["sensors"][2].update(orientation=[0, 0, 0, 2]), ModelFolderError, "unit"),
    "mount missing": (lambda c: c["sensors"][2].pop("position_m"), ModelFolderError, "position_m"),
    "input count": (lambda c: c.update(input_count=72), ModelFolderError, "expected 176 inputs for 6 sensors"),
    **{
        f"hash of {n}": (lambda c, n=n: c["sha256"].update({n: "00"}), ModelFolderError, f"{n} with .* 00")
        for n in FILES
    },
    "no hash": (lambda c: c["sha256"].pop(STEP), ModelFolderError, "'step.onnx'"),
    "rate": (lambda c: c.update(rate_hz="fast"), ModelFolderError, "expected the fields"),
    "rings": (lambda c: c.pop("rings"), ModelFolderError, "'rings'"),
    "ring of three": (lambda c: c["rings"][0].update(length=3), ModelFolderError, "a power of two of rows"),
    **{
        f"rate {rate}": (lambda c, rate=rate: c.update(rate_hz=rate), ModelFolderError, "rate_hz.* (1 to 1000|finite)")
        for rate in (0, -100.0, float("nan"), float("inf"), 1e9)
    },
    "huge ring": (lambda c: c["rings"][0].update(length=2**40), ModelFolderError, "values together"),
    "wide ring": (lambda c: c["rings"][0].update(width=10**30), ModelFolderError, "values together"),
    "ring twice": (lambda c: c["rings"].append(c["rings"][0]), ModelFolderError, "different names"),
    "names exchanged": (lambda c: exchange(c["sensors"], 1, 2, "name"), ModelFolderError, "on its side"),
    "sensors exchanged": (
        lambda c: exchange(c["sensors"], 1, 2, "name", "position_m", "orientation"),
        ModelFolderError,
        "exchanged",
    ),
    "mount is NaN": (lambda c: c["sensors"][2].update(orientation=[NAN] * 4), ModelFolderError, "finite"),
    "place is NaN": (lambda c: c["sensors"][2].update(position_m=[0, NAN, 0]), ModelFolderError, "finite"),
    "place is far": (lambda c: c["sensors"][2].update(position_m=[0, 1e30, 0]), ModelFolderError, "expected mounts"),
    "network": (lambda c: c.pop("network"), ModelFolderError, "'network'"),
}


@pytest.fixture
def folder_of_sides(folder):
    """Its prior turns each sensor with its own half of the face, as in trained models."""
    prior = Prior.load(folder / PRIOR_FILE)
    names = [entry["name"] for entry in yaml.safe_load((folder / "model.yaml").read_text())["sensors"]][1:]
    mean = prior.mean.reshape(len(names), 3, -1).copy()
    for row, name in enumerate(names):
        for shape, blendshape in enumerate(arkit.BLENDSHAPES):
            if {name[-4:], blendshape[-4:].lower()} == {"left", "ight"}:
                mean[row, :, shape] *= 0.01
    replace(prior, mean=mean.reshape(prior.mean.shape)).save(folder / PRIOR_FILE)
    rehash(folder)
    return folder


@pytest.mark.parametrize("case", BAD_DESCRIPTIONS)
def test_bad_descriptions_are_refused(folder_of_sides, case):
    folder = folder_of_sides
    load_model(folder)
    change, error, match = BAD_DESCRIPTIONS[case]
    edit(folder, change)
    with pytest.raises(error, match=match):
        load_model(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(folder, value):
    arrays = load_file(folder / WEIGHTS)
    name = max(arrays, key=lambda n: arrays[n].size)
    save_file(arrays | {name: np.full_like(arrays[name], value)}, folder / WEIGHTS)
    edit(folder, lambda c: c["sha256"].update({WEIGHTS: sha256_of(folder / WEIGHTS)}))
    with pytest.raises(ModelFolderError, match="finite weights"):
        load_model(folder)


def test_a_prior_without_spread_is_refused(folder):
    prior = Prior.load(folder / PRIOR_FILE)
    replace(prior, spread=np.zeros_like(prior.spread)).save(folder / PRIOR_FILE)
    rehash(folder)
    with pytest.raises(ModelFolderError, match="positive spreads"):
        load_model(folder)


@pytest.mark.parametrize("text", ["[1, 2", "- a list", "", "\x00"])
def test_a_description_that_is_not_a_mapping_is_refused(folder, text):
    (folder / "model.yaml").write_text(text)
    with pytest.raises(ModelFolderError):
        load_model(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_or_missing_file_is_refused(folder, name):
    with (folder / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelFolderError, match="copy the whole folder again"):
        load_model(folder)
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match="found none; fetch the whole model folder"):
        load_model(folder)


def rehash(folder):
    """Describe the prior that lies in the folder."""
    edit(folder, lambda c: c["sha256"].update({PRIOR_FILE: sha256_of(folder / PRIOR_FILE)}))


def test_a_prior_that_is_none_is_refused(folder):
    (folder / PRIOR_FILE).write_bytes(b"no tensors")
    rehash(folder)
    with pytest.raises(ModelFolderError, match="expected a prior in"):
        load_model(folder)


def test_a_prior_of_other_sensors_is_refused(folder, prior):
    fewer = replace(
        prior,
        mean=prior.mean[:12],
        factors=prior.factors[:, :12],
        spread=prior.spread[:12],
        noise=prior.noise[:12, :12],
    )
    fewer.save(folder / PRIOR_FILE)
    rehash(folder)
    with pytest.raises(ModelFolderError, match="expected a prior of 15 channels, found 12"):
        load_model(folder)


def test_a_folder_without_description_is_refused(folder):
    (folder / "model.yaml").unlink()
    with pytest.raises(ModelFolderError, match=r"expected model\.yaml"):
        load_model(folder)


def test_a_good_folder_loads_and_its_mounts_survive(folder, mounts, trained):
    model = load_model(folder)
    assert model.description.title == "tiny 1.2.3"
    assert model.description.mounts.names == mounts.names
    np.testing.assert_array_equal(model.description.prior.mean, trained["dataset"].prior.mean)
    assert NominalMounts.from_config(mounts.to_config()).reference == 0


def test_models_are_found_by_name_in_any_package_on_the_ament_index(folder, tmp_path, monkeypatch):
    prefix = tmp_path / "prefix"
    index = prefix / "share" / "ament_index" / "resource_index" / "imusic_models"
    index.mkdir(parents=True)
    (index / "other_package").write_text("")
    installed = prefix / "share" / "other_package" / "models" / "theirs"
    shutil.copytree(folder, installed)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix))
    assert find_model("theirs") == installed
    with pytest.raises(ModelNotFoundError, match=r"other_package/models: theirs"):
        find_model("nobodys")


def test_a_bare_name_is_never_the_working_directorys(folder, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    (here / "imusic").mkdir()  # as a workspace's src has
    (here / "evil").symlink_to(folder)
    (here / "no_separator.d").symlink_to(folder)
    monkeypatch.chdir(here)
    assert find_model("imusic") == share_dir() / "models" / "imusic"
    for name in ("evil", "no_separator.d", ""):
        with pytest.raises(ModelNotFoundError, match=r"\./NAME"):
            find_model(name)
    assert find_model("./evil").samefile(folder)
    assert find_model(Path("evil")).samefile(folder)
    assert find_model(str(here / "evil")).samefile(folder)
    with pytest.raises(ModelFolderError, match=r"expected model\.yaml"):
        find_model("./imusic")


def test_a_path_wins_and_an_unknown_name_lists_what_there_is(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert find_model(folder) == folder
    with pytest.raises(ModelNotFoundError, match="give one of these names, or a path"):
        find_model(tmp_path / "nothing")
