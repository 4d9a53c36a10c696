"""Whether a hub that should be heard is heard: silences, streams that stop, and hubs of another protocol version."""

from __future__ import annotations

from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1.attachment import Attachment
from imu_driver.hubs.imusic_v1.handshake import silence
from imu_driver.hubs.imusic_v1.params import SessionCounters, SessionParams
from imu_driver.hubs.imusic_v1.progress import Progress, Stage
from imu_driver.hubs.imusic_v1.protocol import VERSION, StreamParser, wrong_version
from imu_driver.hubs.imusic_v1.sample_flow import SampleFlow
from imu_driver.tapped_line import TappedLine


class SilenceWatch:
    """Of one session.

    Args:
        line: to the hub.
        parser: of what comes from it.
        progress: of the session.
        flow: of the samples.
        attachment: begun anew where the hub should be asked again.
        counters: of the session.
        params: timing.

    Attributes:
        heard_s: when anything of a hub came.
        bytes_before: that had come before the line was opened.
        other_versions: packets of other versions so far.
    """

    def __init__(
        self,
        line: TappedLine,
        parser: StreamParser,
        progress: Progress,
        flow: SampleFlow,
        attachment: Attachment,
        counters: SessionCounters,
        params: SessionParams,
    ) -> None:
        self.heard_s = 0.0
        self.bytes_before = 0
        self.other_versions = 0
        self._line, self._parser, self._progress, self._flow = line, parser, progress, flow
        self._attachment, self._counters, self._params = attachment, counters, params

    def opened(self) -> None:
        """The line is open; silence counts from now on."""
        self.heard_s = self._line.now_s
        self.bytes_before = self._received

    def heard(self) -> None:
        """A packet came."""
        self.heard_s = self._line.now_s

    def check(self) -> str:
        """Do what a silence asks for; why the line must be opened anew, empty if it need not."""
        params, now_s = self._params, self._line.now_s
        self._check_version()
        stage = self._progress.stage
        if stage is Stage.DONE:
            self._check_flow()
        elif self._line.listen_only:
            return ""
        elif stage is Stage.CLOCK:
            self._attachment.start_if_clocks_agree()
        elif stage is Stage.FIRST_SAMPLE and (
            now_s - max(self._progress.since_s, self._attachment.patient_until_s) > params.first_sample_s
        ):
            self._attachment.begin_from_start("the hub acknowledged START, but no sample came")
        elif now_s - self.heard_s > params.silence_s:
            received = self._received - self.bytes_before
            return f"{self._line.description}: {silence(self._line.datagrams, received)}"
        return ""

    @property
    def _received(self) -> int:
        checked = self._line.checked
        return checked.received if checked is not None else self._parser.bytes

    def _check_version(self) -> None:
        seen = self._parser.rejects["wrong_version"]
        if seen == self.other_versions:
            return
        self.other_versions = seen
        self.heard()
        if self._progress.stage is Stage.HELLO and self._parser.found_version is not None:
            self._attachment.fail(str(wrong_version(VERSION, self._parser.found_version)))

    def _check_flow(self) -> None:
        params, now_s, attachment = self._params, self._line.now_s, self._attachment
        if attachment.streaming:
            since_s = max(self._flow.sampled_s, attachment.patient_until_s)
            quiet_s = now_s - since_s
            limit_s = max(params.watchdog_s, params.watchdog_periods / attachment.rate_hz)
        else:
            quiet_s, limit_s = now_s - self.heard_s, params.idle_watchdog_s
        if quiet_s <= limit_s:
            return
        self._counters.watchdog += 1
        quietly = f"{self._line.description}: nothing from the hub for {quiet_s:.1f} s"
        if self._line.listen_only:
            self._progress.enter(ConnectionState.CONNECTING, Stage.FIRST_SAMPLE, now_s)
            self._progress.problem = quietly
        else:
            attachment.begin(f"{quietly}, asking it again", resume=attachment.started)
