"""Streams behind one seam: an address becomes something that takes faces and says how it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from face_streams.address import StreamAddress
from face_streams.encoders.livelink import SUBJECT, LiveLinkEncoder
from face_streams.encoders.protocol import Encoder
from face_streams.encoders.unified import UnifiedEncoder
from face_streams.encoders.vmc import VmcEncoder
from face_streams.encoders.web_json import JsonEncoder, hello
from face_streams.face import StreamFace
from face_streams.pacing import Pacing
from face_streams.udp import UdpSender

OK, WARN = 0, 1


@dataclass(frozen=True)
class StreamReport:
    """How a stream is: a level (0 well, 1 not), one line, and values."""

    level: int
    message: str
    values: dict[str, object] = field(default_factory=dict)


class Stream(Protocol):
    """One way out."""

    @property
    def address(self) -> StreamAddress:
        """Where it goes."""
        ...

    def is_due(self, time_s: float) -> bool:
        """Whether a face of this time is to be sent; asked once for each."""
        ...

    def send(self, face: StreamFace) -> None:
        """Send a face; never waits."""
        ...

    def report(self) -> StreamReport:
        """How it is."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class UdpStream:
    """Datagrams of an encoder to one reader.

    Raises:
        AddressError: the address cannot be sent to.
    """

    def __init__(self, address: StreamAddress, encoder: Encoder) -> None:
        self.address = address
        self._encoder = encoder
        self._pacing = Pacing(address.rate_hz)
        self._sender = UdpSender(address.host, address.port)

    def is_due(self, time_s: float) -> bool:
        """Whether the pace lets it through, and nobody said that it is not read."""
        return not self._sender.is_refused(time.monotonic()) and self._pacing.is_due(time_s)

    def send(self, face: StreamFace) -> None:
        """Encode and send."""
        self._sender.send(self._encoder(face), time.monotonic())

    def report(self) -> StreamReport:
        """What was sent, and what came back."""
        sender, told = self._sender, sum(self._sender.failed.values())
        values: dict[str, object] = {"datagrams": sender.sent, "bytes": sender.bytes_sent, "failed": told}
        values |= {f"failed: {reason}": count for reason, count in sorted(sender.failed.items())}
        problem = sender.problem(time.monotonic())
        if problem:
            return StreamReport(WARN, f"{self.address}: {problem}; start the reader, or correct the address", values)
        # UDP has no answer: that nothing came back is all that is known.
        return StreamReport(OK, f"{self.address}: sent, unanswered as UDP is", values)

    def close(self) -> None:
        """Close the socket."""
        self._sender.close()


class WebStream:
    """Texts to whoever connects.

    Raises:
        AddressError: the address cannot be listened on.
    """

    def __init__(self, address: StreamAddress, mapping: str) -> None:
        from face_streams.web_socket import FaceServer  # aiohttp only where it is used

        self.address = address
        self._encoder = JsonEncoder()
        self._pacing = Pacing(address.rate_hz)
        origins = address.options.get("origins", ())
        assert isinstance(origins, tuple)
        self.server = FaceServer(address.host, address.port, hello(mapping), origins)

    def is_due(self, time_s: float) -> bool:
        """Whether the pace lets it through, and somebody looks."""
        return self.server.clients > 0 and self._pacing.is_due(time_s)

    def send(self, face: StreamFace) -> None:
        """Show the face to whoever looks."""
        self.server.show(self._encoder(face)[0])

    def report(self) -> StreamReport:
        """Who looks."""
        server = self.server
        values: dict[str, object] = {
            "clients": server.clients,
            "texts": server.sent,
            "skipped": server.skipped,
            "refused": server.refused,
        }
        who = f"clients: {server.clients}" if server.clients else "nobody connected"
        return StreamReport(OK, f"{self.address}: {who}", values)

    def close(self) -> None:
        """End the server."""
        self.server.close()


def open_stream(address: StreamAddress, mapping: str, extra_names: tuple[str, ...] = ()) -> Stream:
    """A stream that is open.

    Args:
        address: where to.
        mapping: name of what maps its weights.
        extra_names: of the mapping's extra shapes.

    Raises:
        AddressError: the address cannot be sent to or listened on.
    """
    options = address.options
    if address.scheme == "ws":
        return WebStream(address, mapping)
    if address.scheme == "livelink":
        return UdpStream(address, LiveLinkEncoder(str(options.get("subject", SUBJECT)), str(options.get("device", ""))))
    if address.scheme == "vmc":
        return UdpStream(address, VmcEncoder(extra_names, bool(options.get("case", False))))
    bits = options.get("bits", 0)
    assert isinstance(bits, int)
    return UdpStream(address, UnifiedEncoder(str(options.get("prefix", "")), bits))
