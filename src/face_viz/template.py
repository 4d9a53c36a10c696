"""A serialised message whose numbers are replaced in place.

A marker with 38,000 points is 38,000 Python objects to make and to convert: 100 ms and more. Its bytes differ from
frame to frame only in known places, so the message is serialised once, with patterns that occur nowhere else in those
places, the patterns are looked up in the bytes, and from then on numpy writes there.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from face_viz.errors import VizError


class MessageTemplate:
    """Bytes of one message with named places."""

    def __init__(self, serialised: bytes) -> None:
        self._bytes = bytearray(serialised)
        self._original = serialised
        self._places: dict[str, list[int]] = {}
        self._sizes: dict[str, int] = {}

    def locate(self, name: str, pattern: bytes, times: int = 1) -> None:
        """Remember where `pattern` stands.

        Raises:
            VizError: it does not stand there exactly `times` times, so the bytes are not laid out as expected.
        """
        found: list[int] = []
        at = self._original.find(pattern)
        while at >= 0 and len(found) <= times:
            found.append(at)
            at = self._original.find(pattern, at + len(pattern))
        if len(found) != times:
            raise VizError(f"expected {name} {times} times in the serialised message, found it {len(found)} times")
        self._places[name], self._sizes[name] = found, len(pattern)

    def write(self, name: str, data: bytes | NDArray[Any], occurrence: int | None = None) -> None:
        """Replace the place `name`, or one occurrence of it, by `data` of the same size.

        Raises:
            VizError: `data` has another size.
        """
        view = memoryview(data if isinstance(data, bytes) else data.tobytes())
        if len(view) != self._sizes[name]:
            raise VizError(f"expected {self._sizes[name]} bytes for {name}, found {len(view)}")
        places = self._places[name]
        for at in places if occurrence is None else [places[occurrence]]:
            self._bytes[at : at + len(view)] = view

    def to_bytes(self) -> bytes:
        """The message as it is now."""
        return bytes(self._bytes)
