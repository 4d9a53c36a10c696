from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from face_inference.errors import InferenceError
from face_model import arkit
from face_model.faces import load_rig
from face_model.rig import activations
from face_training.geometry import face_geometry, surface_form
from face_training.loss import contact_loss


@pytest.fixture(scope="module")
def rig():
    return load_rig()


@pytest.fixture(scope="module")
def geometry(rig):
    return face_geometry([rig])


def _weights(**named: float) -> np.ndarray:
    weights = np.zeros(arkit.COUNT, dtype=np.float32)
    for name, value in named.items():
        weights[arkit.INDEX[name]] = value
    return weights


@settings(deadline=None, max_examples=20)
@given(error=arrays(np.float64, arkit.COUNT, elements=st.floats(-1.0, 1.0)))
def test_the_quadratic_form_is_the_mean_squared_displacement_of_the_vertices(rig, error):
    form = surface_form(rig, rig.lip_vertices)
    moved = np.tensordot(error, rig.deltas[:, rig.lip_vertices].astype(np.float64), axes=1)  # (V, 3)
    assert error @ form @ error == pytest.approx(np.mean(np.sum(moved**2, axis=1)), rel=1e-9, abs=1e-15)


def test_forms_weigh_like_the_squared_error_of_weights(geometry):
    for form in (geometry.skin, geometry.lips):
        assert form.diagonal().mean() == pytest.approx(1.0, abs=1e-5)
        assert torch.allclose(form, form.T)
        assert torch.linalg.eigvalsh(form).min() > -1e-4
    assert geometry.lips.diagonal()[arkit.INDEX["browInnerUp"]] < 1e-3


def test_activations_are_those_of_the_rig(rig, geometry):
    weights = np.random.default_rng(1).uniform(size=(5, arkit.COUNT)).astype(np.float32)
    expected = activations(weights, rig.pairs)
    np.testing.assert_allclose(geometry.activations(torch.from_numpy(weights)), expected, atol=1e-6)


def test_lips_and_both_lids_are_found_and_touch_where_they_should(geometry):
    gaps = {}
    for contact in geometry.contacts:
        assert len(contact.closed) >= 5

        def gap(contact=contact, **named: float) -> torch.Tensor:
            return geometry.activations(torch.from_numpy(_weights(**named))) @ contact.form + contact.neutral

        gaps[contact.name] = gap
        assert torch.allclose(contact.closed, torch.zeros(len(contact.closed)), atol=0.2)
    assert set(gaps) == {"lips", "left lids", "right lids"}
    assert gaps["lips"]().max() < 0.1
    assert gaps["lips"](jawOpen=0.5).mean() > 0.3
    assert gaps["lips"](jawOpen=0.3, mouthClose=0.3).mean() < 0.3 * gaps["lips"](jawOpen=0.3).mean()
    assert gaps["left lids"]().mean() == pytest.approx(1.0, abs=0.05)
    assert gaps["left lids"](eyeBlinkLeft=1.0).mean() == pytest.approx(0.0, abs=0.05)
    assert gaps["left lids"](eyeBlinkRight=1.0).mean() == pytest.approx(1.0, abs=0.05)


def test_an_open_estimate_of_closed_lips_costs_and_one_of_open_lips_does_not(geometry):
    lips = geometry.contacts[0]

    def cost(estimate: dict[str, float], truth: dict[str, float]) -> float:
        pair = (geometry.activations(torch.from_numpy(_weights(**named))) for named in (estimate, truth))
        return float(contact_loss(lips, *pair))

    assert cost({"jawOpen": 0.2}, {}) > 0.02
    assert cost({}, {}) == 0.0
    assert cost({"browInnerUp": 1.0}, {}) < 1e-4
    assert cost({"jawOpen": 0.8}, {"jawOpen": 0.6}) == 0.0
    assert cost({"mouthClose": 0.0, "jawOpen": 0.0}, {"mouthSmileLeft": 0.0}) == 0.0


def test_the_form_of_several_faces_is_their_mean(rig, geometry):
    again = face_geometry([rig, rig])
    assert torch.allclose(again.skin, geometry.skin, atol=1e-6)
    assert torch.allclose(again.lips, geometry.lips, atol=1e-6)
    with pytest.raises(InferenceError, match="at least one face"):
        face_geometry([])


@pytest.mark.shared
def test_a_face_of_another_topology_has_contacts_too():
    shared = Path(os.environ.get("IMUSIC_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    path = shared / "data" / "face_ict" / "ict_face.npz"
    if not path.is_file():
        pytest.skip("no ICT-FaceKit: ../shared/data/face_ict/ict_face.npz is not beside the checkout")
    contacts = face_geometry([load_rig(path)]).contacts
    assert {contact.name for contact in contacts} == {"lips", "left lids", "right lids"}
