"""When templates are sent, and how fast records are."""

import pytest

from sensor.export import Destination, Exporter, ExporterOptions
from sensor.export.pace import Pace
from tests.export.collectors import HOST, data_records, keeping
from tests.export.rows import batch, row

TEMPLATE_SET = b"\x00\x02"


class Clock:
    """A time that is what it was set to, and that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds


@pytest.mark.parametrize(("transport", "times"), [("udp", 3), ("tcp", 1)])
def test_templates_come_first_and_over_udp_again(transport: str, times: int) -> None:
    clock = Clock()
    with keeping(transport) as collector:
        destination = Destination(HOST, collector.port, transport)  # type: ignore[arg-type]
        with Exporter(destination, ExporterOptions(records_per_second=0), clock) as exporter:
            for number in range(7):
                exporter.write("flows", batch([row(number)]))
                clock.now += 10
            exporter.finish()
        collector.wait_for(7)
    kinds = [message[16:18] == TEMPLATE_SET for message in collector.messages]
    assert kinds[0]
    # At the beginning, and then every 30 of 70 seconds.
    runs = sum(kind and not before for before, kind in zip([False, *kinds], kinds, strict=False))
    assert runs == times
    assert sum(map(data_records, collector.messages)) == exporter.records == 7


def test_messages_over_udp_keep_below_the_mtu() -> None:
    with keeping("udp") as collector:
        options = ExporterOptions(mtu=1280, records_per_second=0)
        with Exporter(Destination(HOST, collector.port), options) as exporter:
            exporter.write("flows", batch([row(number, name="a.example") for number in range(300)]))
        collector.wait_for(300)
    assert max(map(len, collector.messages)) <= 1280 - 48


def test_a_rate_is_held() -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    began = clock.now
    for _ in range(500):
        pace.spend(5)
    assert clock.now - began == pytest.approx(2.5, abs=0.01)


def test_a_pause_is_no_credit() -> None:
    clock = Clock()
    pace = Pace(1000, clock, clock.sleep)
    clock.now += 60
    for _ in range(100):
        pace.spend(10)
    assert clock.slept == pytest.approx(1, abs=0.01)


def test_no_rate_is_no_pause() -> None:
    clock = Clock()
    Pace(None, clock, clock.sleep).spend(10**9)
    assert clock.slept == 0


def test_other_tables_are_left_alone() -> None:
    with keeping("udp") as collector, Exporter(Destination(HOST, collector.port)) as exporter:
        exporter.write("dns", batch([row(1)]))
        assert (exporter.records, exporter.messages) == (0, 0)
