from __future__ import annotations

import numpy as np
import pytest

from face_inference.errors import ModelFolderError
from face_inference.mounts import NominalMounts
from face_model import rotation
from face_model.layout import load_layout
from imu_sim.head import build_head


def test_mounts_on_the_generated_head_face_outwards_and_are_symmetric():
    mounts = NominalMounts.on_rig(build_head(), load_layout("face_12"))
    outward = rotation.rotate(mounts.orientation, np.array([0.0, 0.0, 1.0]))
    assert (outward[list(mounts.skin), 0] > 0.0).all(), "sensor z points out of the face"
    partner = list(mounts.mirror_permutation())
    assert [mounts.names[i] for i in partner][1:3] == ["frontalis_right", "frontalis_left"]
    skin = list(mounts.skin)
    mirrored = mounts.position_m[partner] * [1.0, -1.0, 1.0]
    np.testing.assert_allclose(mounts.position_m[skin], mirrored[skin], atol=1e-3)


def test_a_reference_index_beyond_the_sensors_is_refused(mounts):
    with pytest.raises(ModelFolderError, match="with reference 9"):
        NominalMounts(mounts.names, 9, mounts.orientation, mounts.position_m)
