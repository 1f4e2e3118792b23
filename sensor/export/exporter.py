"""Takes rows of flows and sends them to a collector."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sensor.errors import ConfigError
from sensor.export.collector import Collector, Destination
from sensor.export.elements import DEFAULT_ENTERPRISE
from sensor.export.messages import HEADER_BYTES, Messages
from sensor.export.pace import Pace
from sensor.export.records import encode

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Exporter", "ExporterOptions"]

TEMPLATES_AGAIN_S = 30.0
"""Over UDP templates are sent again so often: a collector may have missed them, or begun later."""
UDP_RECORDS_PER_SECOND = 10_000
TCP_MESSAGE_BYTES = 16_384
LEAST_MTU, MOST_MTU = 576, 65_535
_IP_AND_UDP_BYTES = 48
"""Of IPv6; 20 less of IPv4."""
_SLICE_ROWS = 8_192
"""Encoded at once."""


@dataclass(frozen=True)
class ExporterOptions:
    """How records are sent.

    Attributes
    ----------
    enterprise
        Number of the enterprise of our own elements.
    observation_domain
        Tells the exporters behind one address apart.
    mtu
        Bytes that the link to the collector carries at once; messages over UDP keep below it.
    records_per_second
        At most; None is 10,000 over UDP, and over TCP what the collector takes. 0 is no limit.
    """

    enterprise: int = DEFAULT_ENTERPRISE
    observation_domain: int = 1
    mtu: int = 1500
    records_per_second: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.enterprise < 1 << 32:
            raise ConfigError(f"{self.enterprise} is no enterprise number: they go from 1 to 4294967295")
        if not 0 <= self.observation_domain < 1 << 32:
            raise ConfigError(f"{self.observation_domain}: observation domains go from 0 to 4294967295")
        if not LEAST_MTU <= self.mtu <= MOST_MTU:
            raise ConfigError(f"an MTU of {self.mtu} bytes: give {LEAST_MTU} to {MOST_MTU}")


class Exporter:
    """Sends flows to one collector; made, it is connected. A context manager.

    Only rows of the table flows are sent. ``records`` counts the data records sent, ``left_out`` the rows
    that no template fits.

    Raises
    ------
    ConnectionError
        The collector is unknown or refuses.
    """

    def __init__(
        self,
        destination: Destination,
        options: ExporterOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = options or ExporterOptions()
        self._clock = clock
        self._udp = destination.transport == "udp"
        self._collector = Collector(destination)
        most_bytes = max(options.mtu - _IP_AND_UDP_BYTES, HEADER_BYTES) if self._udp else TCP_MESSAGE_BYTES
        self._messages = Messages(options.observation_domain, options.enterprise, most_bytes)
        self._pace = Pace(_rate(options.records_per_second, udp=self._udp))
        self._templates_at = float("-inf")
        self.records = 0
        self.messages = 0
        self.bytes = 0
        self.left_out = 0

    def write(self, table: str, batch: pa.RecordBatch) -> None:
        """Send rows.

        Raises
        ------
        ConnectionError
            The collector does not take them.
        """
        if table != "flows":
            return
        for start in range(0, batch.num_rows, _SLICE_ROWS):
            self._write(batch.slice(start, _SLICE_ROWS))

    def finish(self) -> None:
        """Tell the collector that this was all.

        Raises
        ------
        ConnectionError
            It is gone.
        """
        self._collector.finish()

    def close(self) -> None:
        """Let go of the collector."""
        self._collector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, rows: pa.RecordBatch) -> None:
        sent = 0
        for records in encode(rows):
            messages = self._messages.data(records, int(self._clock()))
            # The templates are numbered like the records, so they are sent before the next message is made.
            self._send_templates()
            while (made := next(messages, None)) is not None:
                message, count = made
                self._send(message)
                sent += count
                self.records += count
                self._pace.spend(count)
                self._send_templates()
        self.left_out += rows.num_rows - sent

    def _send_templates(self) -> None:
        """Send the templates before the first record, and over UDP again and again (RFC 7011, 8.4)."""
        now = self._clock()
        first = self._templates_at == float("-inf")
        if not first and not (self._udp and now - self._templates_at >= TEMPLATES_AGAIN_S):
            return
        self._templates_at = now
        for message in self._messages.templates(int(now)):
            self._send(message)
        if not self._udp:
            # They are records and counted; collectors that know none of it would report losses over UDP.
            for message in self._messages.descriptions(int(now)):
                self._send(message)

    def _send(self, message: bytes) -> None:
        self._collector.send(message)
        self.messages += 1
        self.bytes += len(message)


def _rate(asked: int | None, *, udp: bool) -> float | None:
    if asked is None:
        return UDP_RECORDS_PER_SECOND if udp else None
    return asked or None
