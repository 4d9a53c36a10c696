# Environment of this checkout with ROS 2 from PyPI wheels; source it with `root` set to the checkout.
# In a ROS 2 distribution, source the workspace's install/setup.bash instead.
VIRTUAL_ENV="$root/.venv"
PATH="$VIRTUAL_ENV/bin:$PATH"
AMENT_PREFIX_PATH="$root/install/imusic:$VIRTUAL_ENV"
CMAKE_PREFIX_PATH="$VIRTUAL_ENV"
for packages in "$root"/install/imusic/lib/python3*/site-packages; do PYTHONPATH="$packages"; done
# The messages' own libraries and those of the wheels, as ros_wheels_bootstrapper would set them after a restart of Python.
LD_LIBRARY_PATH="$root/install/imusic/lib:$VIRTUAL_ENV/lib"
for libraries in "$VIRTUAL_ENV"/lib/python3*/site-packages/ros_*.libs; do LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$libraries"; done
# Packages that you built beside, such as hri_msgs: prefixes of `colcon build --merge-install`, separated by colons.
if [ -n "${IMUSIC_OVERLAY:-}" ]; then
  separators="$IFS"; IFS=:
  for prefix in $IMUSIC_OVERLAY; do
    AMENT_PREFIX_PATH="$AMENT_PREFIX_PATH:$prefix"
    LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$prefix/lib"
    for packages in "$prefix"/lib/python3*/site-packages; do PYTHONPATH="$PYTHONPATH:$packages"; done
  done
  IFS="$separators"
fi
_ROS_WHEELS_BOOTSTRAP_COMPLETE=1
# Stay on this machine unless told otherwise.
ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
export VIRTUAL_ENV PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH LD_LIBRARY_PATH
export _ROS_WHEELS_BOOTSTRAP_COMPLETE ROS_AUTOMATIC_DISCOVERY_RANGE
