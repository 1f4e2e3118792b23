"""What a flow is, from packets built here to rows: who began it, who answered, when it ended."""

import pytest

from sensor.config import Config, DuplicateSettings, FlowSettings
from tests.functional.built import NANOSECONDS, OUTSIDE, START_S, Bench, Talk, Timed
from tests.functional.replays import watching

TALK = Talk()
HANDSHAKE = [TALK.out(0, "S"), TALK.back(0.1, "SA"), TALK.out(0.2, "A")]


def later(packets: list[Timed], by_s: float) -> list[Timed]:
    return [(at_s + by_s, packet) for at_s, packet in packets]


class TestInitiator:
    @pytest.mark.parametrize(
        ("packets", "initiator"),
        [
            (HANDSHAKE, "inside"),
            ([TALK.back(0, "S"), TALK.out(0.1, "SA")], "outside"),
            # Who answers a SYN did not send it, even where the SYN was missed.
            ([TALK.back(0, "SA"), TALK.out(0.1, "A")], "inside"),
            ([TALK.out(0, "SA")], "outside"),
            ([TALK.out(0, "A", 10), TALK.back(0.1, "A", 10)], "unknown"),
            ([TALK.back(0, "R")], "unknown"),
            ([TALK.out(0)], "inside"),
            ([TALK.back(0), TALK.out(0.1)], "outside"),
        ],
    )
    def test_who_began(self, bench: Bench, packets: list[Timed], initiator: str) -> None:
        row = bench.row(packets)
        assert row["initiator"] == initiator
        assert (row["inside_ip"], row["outside_ip"]) == (TALK.inside, TALK.outside)
        assert (row["inside_port"], row["outside_port"]) == (40_000, 443)


class TestAnswered:
    @pytest.mark.parametrize(
        ("packets", "answered"),
        [
            ([TALK.out(0, "S")], False),
            ([TALK.out(0, "S"), TALK.back(0.1, "RA")], False),
            ([TALK.out(0, "S"), TALK.back(0.1, "RA", 20)], False),
            ([TALK.out(0, "S"), TALK.back(0.1, "A")], False),
            ([TALK.out(0, "S"), TALK.out(1, "S"), TALK.out(2, "S")], False),
            ([TALK.out(0, "S"), TALK.back(0.1, "SA")], True),
            ([TALK.out(0, "S"), TALK.back(0.1, "PA", 20)], True),
            ([*HANDSHAKE, TALK.back(1, "RA")], True),
            ([TALK.back(0, "S"), TALK.out(0.1, "RA")], False),
            ([TALK.back(0, "S"), TALK.out(0.1, "SA")], True),
            ([TALK.out(0), TALK.out(1)], False),
            ([TALK.out(0), TALK.back(1)], True),
            ([TALK.back(0), TALK.back(1)], False),
        ],
    )
    def test_by_what(self, bench: Bench, packets: list[Timed], answered: bool) -> None:
        assert bench.row(packets)["answered"] is answered


class TestEnds:
    @pytest.mark.parametrize(
        ("packets", "reason", "flags"),
        [
            (HANDSHAKE, "end", (0x12, 0x12)),
            ([*HANDSHAKE, TALK.out(1, "FA")], "end", (0x13, 0x12)),
            ([*HANDSHAKE, TALK.out(1, "FA"), TALK.back(1.1, "FA")], "fin", (0x13, 0x13)),
            # The last ACK belongs to the flow that it ends.
            ([*HANDSHAKE, TALK.out(1, "FA"), TALK.back(1, "FA"), TALK.out(1.1, "A")], "fin", (0x13, 0x13)),
            ([*HANDSHAKE, TALK.back(1, "RA"), TALK.back(1.1, "R")], "rst", (0x12, 0x16)),
        ],
    )
    def test_tcp(self, bench: Bench, packets: list[Timed], reason: str, flags: tuple[int, int]) -> None:
        row = bench.row(packets)
        assert row["end_reason"] == reason
        assert (row["tcp_flags_out"], row["tcp_flags_in"]) == flags
        assert row["packets_out"] + row["packets_in"] == len(packets)

    @pytest.mark.parametrize("closing", [[TALK.out(1, "FA"), TALK.back(1.1, "FA")], [TALK.back(1, "RA")]])
    def test_tuple_used_again_after_close_is_a_new_flow(self, bench: Bench, closing: list[Timed]) -> None:
        first, second = bench.rows([*HANDSHAKE, *closing, *later(HANDSHAKE, 2)])
        assert first["flow_id"] != second["flow_id"]
        assert (first["record"], second["record"]) == (0, 0)
        assert first["packets_out"] + first["packets_in"] == 3 + len(closing)
        assert second["packets_out"] + second["packets_in"] == 3
        assert (second["end_reason"], second["answered"]) == ("end", True)

    def test_packet_long_after_close_is_a_new_flow(self, bench: Bench) -> None:
        first, second = bench.rows([*HANDSHAKE, TALK.back(1, "RA"), TALK.out(7, "A")])
        assert (first["end_reason"], second["end_reason"]) == ("rst", "end")
        assert second["initiator"] == "unknown"

    def test_idle(self, bench: Bench) -> None:
        first, second, third = bench.rows([TALK.out(0), TALK.out(120), TALK.out(240.5), TALK.out(361)])
        assert [row["end_reason"] for row in (first, second, third)] == ["idle", "idle", "end"]
        assert len({row["flow_id"] for row in (first, second, third)}) == 3
        assert first["packets_out"] == 2
        assert first["end_time"] - first["start_time"] == 120 * NANOSECONDS

    def test_idle_is_a_setting(self, bench: Bench) -> None:
        config = Config(flow=FlowSettings(idle_timeout_s=10))
        assert len(bench.rows([TALK.out(0), TALK.out(11)], config=config)) == 2

    def test_silence_of_one_flow_ends_it_while_others_speak(self, bench: Bench) -> None:
        other = Talk(outside_port=53)
        rows = bench.rows([TALK.out(0), *(other.out(at_s) for at_s in range(0, 200, 20))])
        assert {row["outside_port"]: row["end_reason"] for row in rows} == {443: "idle", 53: "end"}


class TestRecords:
    def test_active_timeout(self, bench: Bench) -> None:
        packets = [TALK.out(100 * number, size=number) for number in range(9)]
        answers = [TALK.back(100 * number + 1, size=1000) for number in range(9)]
        rows = bench.rows([packet for pair in zip(packets, answers, strict=True) for packet in pair])
        assert [row["record"] for row in rows] == [0, 1, 2]
        assert [row["end_reason"] for row in rows] == ["active", "active", "end"]
        assert len({row["flow_id"] for row in rows}) == 1
        assert [row["packets_out"] for row in rows] == [3, 3, 3]
        assert [row["packets_in"] for row in rows] == [3, 3, 3]
        assert [row["bytes_out"] for row in rows] == [3 * 28 + 3, 3 * 28 + 12, 3 * 28 + 21]
        assert [row["bytes_in"] for row in rows] == [3 * 1028] * 3
        starts = [(row["start_time"] - START_S * NANOSECONDS) // NANOSECONDS for row in rows]
        ends = [(row["end_time"] - START_S * NANOSECONDS) // NANOSECONDS for row in rows]
        assert (starts, ends) == ([0, 300, 600], [201, 501, 801])
        assert all(row["answered"] for row in rows)

    def test_flags_and_answer_are_those_so_far(self, bench: Bench) -> None:
        going_on = [TALK.out(100 * number, "A", 1) for number in range(1, 4)]
        first, second = bench.rows([*HANDSHAKE, *going_on, TALK.out(301, "PA", 1)])
        assert (first["tcp_flags_out"], second["tcp_flags_out"]) == (0x12, 0x1A)
        assert (second["tcp_flags_in"], second["answered"], second["packets_in"]) == (0x12, True, 0)
        assert second["initiator"] == "inside"

    def test_times_out_of_order(self, bench: Bench) -> None:
        row = bench.row([TALK.out(5), TALK.out(4), TALK.out(6)])
        assert row["start_time"] == (START_S + 4) * NANOSECONDS
        assert row["end_time"] == (START_S + 6) * NANOSECONDS

    def test_one_time_of_the_far_future_ends_nothing_else(self, bench: Bench) -> None:
        stray = Talk(outside_port=53).out(1e8)
        rows = bench.rows([TALK.out(0), stray, *(TALK.out(at_s) for at_s in range(1, 30))])
        assert [row["packets_out"] for row in rows if row["outside_port"] == 443] == [30]


class TestDuplicates:
    TWICE = (TALK.out(0, size=50), TALK.out(0.009, size=50), TALK.out(0.05, size=50))

    def test_counted(self, bench: Bench) -> None:
        replayed = bench.replay(self.TWICE)
        assert replayed.result.duplicates == 1
        assert replayed.flows[0]["packets_out"] == 3

    def test_dropped(self, bench: Bench) -> None:
        config = Config(duplicates=DuplicateSettings(action="drop"))
        replayed = bench.replay(self.TWICE, config=config)
        assert (replayed.result.duplicates, replayed.result.matched) == (1, 3)
        assert replayed.flows[0]["packets_out"] == 2

    def test_window_is_a_setting(self, bench: Bench) -> None:
        config = Config(duplicates=DuplicateSettings(window_ms=100))
        assert bench.replay(self.TWICE, config=config).result.duplicates == 2


class TestInternal:
    """Both ends watched."""

    PLAN = ("192.0.2.0/24", "198.51.100.0/24")

    @pytest.mark.parametrize("from_low", [True, False])
    def test_inside_is_who_began(self, bench: Bench, from_low: bool) -> None:
        first = TALK.out(0, "S") if from_low else TALK.back(0, "S")
        second = TALK.back(0.1, "SA") if from_low else TALK.out(0.1, "SA")
        row = bench.row([first, second], watching(*self.PLAN))
        assert (row["scope"], row["initiator"], row["answered"]) == ("internal", "inside", True)
        assert row["inside_ip"] == (TALK.inside if from_low else OUTSIDE)
        assert (row["block"], row["outside_block"]) == (self.PLAN if from_low else self.PLAN[::-1])
        assert (row["packets_out"], row["packets_in"]) == (1, 1)

    def test_inside_is_the_lower_address_where_nobody_is_known_to_have_begun(self, bench: Bench) -> None:
        row = bench.row([TALK.back(0, "A", 5), TALK.out(1, "A", 7)], watching(*self.PLAN))
        assert (row["scope"], row["initiator"], row["inside_ip"]) == ("internal", "unknown", TALK.inside)
        assert (row["bytes_out"], row["bytes_in"]) == (47, 45)

    def test_one_end_watched(self, bench: Bench) -> None:
        row = bench.row(HANDSHAKE)
        assert (row["scope"], row["outside_block"]) == ("external", None)


class TestSilence:
    """All is quiet for longer than a minute, then packets come again."""

    def speak(self, flow: list[Timed], last: Timed) -> list[Timed]:
        before, since = Talk(outside_port=53), [Talk(outside_port=port) for port in range(1000, 1020)]
        others = [talk.out(102 + number / 100) for number, talk in enumerate(since)]
        return [before.out(0), *later(flow, 100), *others, last]

    def test_last_packet_of_a_closed_flow(self, bench: Bench) -> None:
        closing = [TALK.out(1, "FA"), TALK.back(1.1, "FA")]
        rows = bench.rows(self.speak([*HANDSHAKE, *closing], TALK.out(102.5, "A")))
        assert [row["packets_out"] for row in rows if row["outside_port"] == 443] == [4]

    def test_flow_of_a_short_idle_timeout(self, bench: Bench) -> None:
        config = Config(flow=FlowSettings(idle_timeout_s=30))
        rows = bench.rows(self.speak([TALK.out(0)], TALK.out(102.5)), config=config)
        assert [row["packets_out"] for row in rows if row["outside_port"] == 443] == [2]
