"""The hub that a session speaks with: who it is, how it fits the layout, and how its samples become SI units."""

from __future__ import annotations

from dataclasses import replace

from face_model.layout import SensorLayout
from face_model.saved_arrays import SavedArrays
from imu_driver import host_fusion
from imu_driver.hub import HubIdentity
from imu_driver.hubs.imusic_v1.conversion import SampleConverter
from imu_driver.hubs.imusic_v1.handshake import HandshakeReport, absent_units, compare, identity_of, layout_id
from imu_driver.hubs.imusic_v1.protocol import Hello, HubFlags


class HubInUse:
    """What follows from a hub's HELLO and a layout; before the first HELLO nothing does.

    Attributes:
        layout: the sensors expected.
        hello: the newest that was adopted; after a START it streams only once it says so again.
        report: it against the layout.
        identity: who the hub is; the same object as long as nothing in it changes.
        layout_id: see `Hub`.
        converter: of its samples; None: it cannot be used.
        absent: indices of units that did not answer.
        orientation_problem: why there are no orientations; empty: there are.
    """

    def __init__(self, layout: SensorLayout) -> None:
        self.layout = layout
        self.hello: Hello | None = None
        self.report: HandshakeReport | None = None
        self.identity: HubIdentity | None = None
        self.layout_id = 0
        self.converter: SampleConverter | None = None
        self.absent: tuple[int, ...] = ()
        self.orientation_problem = ""
        self._converter_of = 0, 0  # layout's number and rate of the last converter

    def compared(self, hello: Hello) -> HandshakeReport:
        """How a HELLO fits the layout."""
        return compare(hello, self.layout)

    def adopt(self, hello: Hello, rate_hz: int) -> HandshakeReport:
        """Go on with this HELLO, at the rate that is asked of the hub; how it fits the layout.

        Converter and filters outlive a new connection to the same hub with the same units.
        """
        self.hello, self.report = hello, self.compared(hello)
        usable = self.report.usable
        identity, number = identity_of(hello, rate_hz), layout_id(self.layout, hello)
        same = (identity, number) == (self.identity, self.layout_id)
        # A hub that was refused before has no converter yet, though nothing in its identity may change.
        if same and (self.converter is not None or not usable):
            return self.report
        if not same:
            self.identity, self.layout_id = identity, number
        before, self.converter, self.orientation_problem = self.converter, None, ""
        self.absent = absent_units(hello)
        if not usable:
            return self.report
        self.converter = self._make_converter(hello, identity, number)
        if before is not None and self._converter_of == (number, identity.rate_hz):
            self.converter.go_on_from(before)
        self._converter_of = number, identity.rate_hz
        if not identity.sends_orientation and not self.converter.fuses:
            self.orientation_problem = host_fusion.MISSING_PACKAGE
        return self.report

    def doubt_streaming(self) -> None:
        """START was acknowledged: what HELLO said of streaming was before it, perhaps before a boot."""
        if self.hello is not None and self.hello.streaming:
            self.hello = replace(self.hello, flags=self.hello.flags & ~HubFlags.STREAMING)

    @classmethod
    def restored(cls, layout: SensorLayout, hello: Hello, rate_hz: int, converter: SavedArrays | None) -> HubInUse:
        """One that adopted `hello` before; `converter`: the state of its converter.

        Raises:
            SnapshotError, ValueError: that state is damaged, or there is one of a hub that cannot be used.
        """
        found = cls(layout)
        found.hello, found.report = hello, found.compared(hello)
        identity, number = identity_of(hello, rate_hz), layout_id(layout, hello)
        found.identity, found.layout_id, found.absent = identity, number, absent_units(hello)
        found._converter_of = number, identity.rate_hz
        if converter is not None:
            if not found.report.usable:
                raise ValueError("samples of a hub that cannot be used")
            found.converter = found._make_converter(hello, identity, number)
            found.converter.restore_state(converter)
        return found

    def _make_converter(self, hello: Hello, identity: HubIdentity, number: int) -> SampleConverter:
        fusion = None
        if not identity.sends_orientation:
            fusion = host_fusion.make_filter(len(self.layout.sensors), identity.rate_hz)
        return SampleConverter(hello, self.layout, identity.rate_hz, fusion, number)
