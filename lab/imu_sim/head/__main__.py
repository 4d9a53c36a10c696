"""`python -m imu_sim.head`: write the typical head into the package, after the generator changed."""

from __future__ import annotations

from face_model.faces import HEAD_FILE
from face_model.stored_rig import save_rig
from imu_sim.head import build_head

if __name__ == "__main__":
    save_rig(build_head(), HEAD_FILE)
