"""What wear teaches of a wearer, in ROS: kept in their profile, told, and forgotten when asked to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from rclpy.impl.rcutils_logger import RcutilsLogger
from std_srvs.srv import Trigger

from face_inference.errors import ProfileError
from face_inference.tracker import FaceTracker
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.profile import ProfileLabel, WearerProfile
from face_inference.wearer.profile_folder import ProfileFolder
from imusic_ros.managed_node import ManagedNode

KEEP_PERIOD_S = 60.0
"""How often what was learned is written into the profile."""

GLUED_ANEW = (
    "the sensors do not move as in this wearer's profile: they were glued on anew, or somebody else wears them; "
    "what the profile knows counts little from here on. Run the guided routine again (`imusic wearer routine NAME`)"
)


class WearerWear:
    """Made when the node is configured, closed when it is cleaned up; `poll` is called with every frame.

    What labels told stays in the profile as it is; what wear added stands beside it. A replay keeps nothing.

    Args:
        node: that it belongs to.
        place: what its name begins with: a namespace relative to the node's, with a slash at its end, or nothing.
        tracker: that learns.
        log: where it is told.
        replay: whether frames are those of a recording.
    """

    def __init__(
        self, node: ManagedNode, place: str, tracker: FaceTracker, log: RcutilsLogger, replay: bool = False
    ) -> None:
        self._node, self._tracker, self._log, self._replay = node, tracker, log, replay
        self._folder = ProfileFolder()
        self._label: ProfileLabel | None = None
        self._kept_rounds = 0
        self._kept_s = float("-inf")
        self._told = False
        self._writing: Future[str] | None = None
        self._service = node.create_service(Trigger, f"{place}{node.get_name()}/forget_worn", self._on_forget)

    def follow(self, label: ProfileLabel | None) -> None:
        """The profile in use from now on, into which what is learned goes; None: none, or one of another model."""
        self._label = None if self._replay else label
        self._kept_rounds = self._tracker.wear.kept

    def change(self, changed: Callable[[WearerProfile], WearerProfile]) -> None:
        """Write what `changed` makes of the profile in use in place of it; nothing where there is none.

        Raises:
            ProfileError: it is gone, damaged, another one by now, or cannot be written.
        """
        self._wait()
        if self._label is not None and not self._folder.change(self._label, changed):
            raise ProfileError(
                f"expected the profile of {self._label.wearer} as it was taken into use, found another one; "
                "use it again (`imusic wearer use NAME`) and try again"
            )

    def poll(self, now_s: float) -> None:
        """Tell and keep what is new; `now_s` is the node's."""
        wear = self._tracker.wear
        if wear.glued_anew is not self._told:
            self._told = wear.glued_anew
            if self._told:
                self._log.warning(GLUED_ANEW)
        if wear.kept != self._kept_rounds and now_s - self._kept_s >= KEEP_PERIOD_S:
            self._kept_s = now_s
            self._keep_beside()

    def keep(self) -> None:
        """Write what is new, and wait for it."""
        self._wait()
        if self._tracker.wear.kept != self._kept_rounds:
            self._keep_beside()
            self._wait()

    def close(self) -> None:
        """Withdraw the service."""
        self.keep()
        self._node.destroy_service(self._service)

    def _keep_beside(self) -> None:
        """Write in a thread of its own: a disk may take long, and frames do not wait for it."""
        wear, label = self._tracker.wear, self._label
        if self._writing is not None and not self._writing.done():
            return  # what is new goes in with the next round, or when this one is waited for
        self._kept_rounds = wear.kept
        if label is None or wear.glued_anew:
            return
        writer = ThreadPoolExecutor(1, thread_name_prefix="keep_worn")
        self._writing = writer.submit(self._write, label, wear.learned)
        writer.shutdown(wait=False)

    def _wait(self) -> None:
        """For a write that is under way."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, label: ProfileLabel, learned: WearerJacobian | None) -> str:
        try:
            if self._folder.keep_worn(label, learned):
                return ""
            told = f"the profile of {label.wearer} is another one by now"
        except ProfileError as error:
            told = str(error)
        self._log.warning(f"what wear taught is not kept: {told}", throttle_duration_sec=600.0)
        return told

    def _on_forget(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        rounds = self._tracker.wear.kept
        self._tracker.forget_worn()
        self._wait()  # or what is being written would stay in the profile
        self._keep_beside()
        source = self._tracker.wearer.source
        response.success = True
        response.message = f"forgot what {rounds} rounds of wear taught; what is known from {source} stays"
        self._log.info(response.message)
        return response
