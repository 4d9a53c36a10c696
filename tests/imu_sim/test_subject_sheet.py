from __future__ import annotations

import numpy as np

from face_model.faces import load_rig
from imu_sim.subject_sheet import subject_sheet
from imu_sim.warped_family import WarpedFamily


def test_it_shows_as_many_people_as_asked() -> None:
    named: list[str] = []
    page = subject_sheet(WarpedFamily(load_rig()), count=2, progress=named.append)
    assert named == ["person 1", "person 2"]
    assert np.asarray(page).std() > 10
