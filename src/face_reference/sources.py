"""The sources by name: one place that knows them all."""

from __future__ import annotations

from collections.abc import Sequence

from face_model.livelink_packet import PORT as LIVELINK_PORT
from face_reference.datagrams import parse_listen
from face_reference.errors import SourceError
from face_reference.livelink.source import LiveLinkSource
from face_reference.source import ReferenceSource
from face_reference.vmc import PORT as VMC_PORT
from face_reference.vmc import VmcSource
from face_reference.webcam.source import WebcamSource

HERE = "127.0.0.1"


def make_source(
    kind: str, listen: str = "", senders: Sequence[str] = (), phone: str = "", camera: str = "0", landmarker: str = ""
) -> ReferenceSource:
    """A source that is not open yet; arguments as the parameters of the same names.

    Raises:
        SourceError: no such kind, or an address makes no sense.
    """
    allowed = tuple(sender.strip() for sender in senders if sender.strip())
    if kind in ("livelink", "simulated"):
        at = parse_listen(listen) if listen else (HERE, LIVELINK_PORT)
        return LiveLinkSource(at, allowed, phone, kind)
    if kind == "vmc":
        return VmcSource(parse_listen(listen) if listen else (HERE, VMC_PORT), allowed)
    if kind == "webcam":
        return WebcamSource(camera, landmarker)
    raise SourceError(f"expected a source, one of livelink, vmc, webcam, simulated, found {kind!r}; set `source`")
