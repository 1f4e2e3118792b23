"""Several files and blocks by hand in one plan: duplicates, overlaps, limits."""

import struct
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import RuleError
from sensor.rules import load_plan
from sensor.rules.summary import summarise


def write(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


class TestByHand:
    def test_each_is_a_block(self, words) -> None:
        plan = load_plan([], ["0.0.0.0/0", "::/0", "192.0.2.1", "10.0.0.0-10.0.0.2"])
        assert words(plan) == {
            "0.0.0.0/0": ["0.0.0.0/0"],
            "::/0": ["::/0"],
            "192.0.2.1": ["192.0.2.1/32"],
            "10.0.0.0-10.0.0.2": ["10.0.0.0/31", "10.0.0.2/32"],
        }
        assert plan.lengths[:2] == bytes([96, 0])

    def test_families_do_not_overlap(self) -> None:
        assert load_plan([], ["0.0.0.0/0", "::/0"]).warnings == ()

    def test_mistake(self) -> None:
        with pytest.raises(RuleError, match=r"--watch 10\.0\.0\.1/8: .*did you mean 10\.0\.0\.0/8\?"):
            load_plan([], ["10.0.0.1/8"])

    def test_given_twice(self) -> None:
        plan = load_plan([], ["10.0.0.0/8", "10.0.0.0/8"])
        assert len(plan.blocks) == 1
        assert plan.warnings == ("--watch 10.0.0.0/8 is given twice",)

    def test_besides_files(self, tmp_path: Path, words) -> None:
        plan = load_plan(write(tmp_path, one="192.0.2.0/24\n"), ["10.0.0.0/8"])
        assert words(plan) == {"one": ["192.0.2.0/24"], "10.0.0.0/8": ["10.0.0.0/8"]}


class TestWarnings:
    def test_duplicates_are_told_and_left_out(self, tmp_path: Path) -> None:
        plan = load_plan(write(tmp_path, one="192.0.2.0/24\n10.0.0.0/8\n192.0.2.0/24\n192.0.2.0/24\n"), [])
        path = tmp_path / "one"
        assert plan.warnings == tuple(
            f"{path}:{line}: 192.0.2.0/24 of one is given twice, first as 192.0.2.0/24 of one, {path}:1"
            for line in (3, 4)
        )
        assert len(plan) == 2

    def test_nesting_in_one_block_is_no_matter(self, tmp_path: Path) -> None:
        assert load_plan(write(tmp_path, one="10.0.0.0/8\n10.1.0.0/16\n"), []).warnings == ()

    def test_overlaps_of_blocks(self, tmp_path: Path) -> None:
        plan = load_plan(
            write(tmp_path, one="10.0.0.0/8\n", two="10.1.0.0/16\n11.0.0.0/8\n", three="11.0.0.0/8\n"), []
        )
        assert plan.warnings == (
            f"{tmp_path}/two:1: 10.1.0.0/16 of two lies in 10.0.0.0/8 of one, {tmp_path}/one:1",
            f"{tmp_path}/three:1: 11.0.0.0/8 of three is also 11.0.0.0/8 of two, {tmp_path}/two:2",
        )
        assert len(plan) == 4

    def test_no_overlap_in_time(self, load) -> None:
        text = (
            '[[block]]\nname = "a"\nprefixes = ["10.0.0.0/8"]\nvalid_to = 2017-04-01\n'
            '[[block]]\nname = "b"\nprefixes = ["10.0.0.0/8", "10.1.0.0/16"]\nvalid_from = 2017-04-02\n'
        )
        assert load(text).warnings == ()
        assert len(load(text.replace("04-02", "04-01")).warnings) == 2

    def test_twenty_and_how_many_more(self, tmp_path: Path) -> None:
        plan = load_plan(write(tmp_path, one="192.0.2.1\n" * 31), [])
        assert len(plan.warnings) == 21
        assert plan.warnings[-1] == "and 10 more duplicates and overlaps"

    def test_same_name_in_two_files(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        files = [*write(tmp_path, one="192.0.2.0/24\n"), *write(tmp_path / "sub", one="10.0.0.0/8\n")]
        assert "their flows will look alike" in load_plan(files, []).warnings[0]

    @given(
        st.lists(st.tuples(st.integers(0, 15), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=12)
    )
    def test_every_conflict_is_told(self, entries: list[tuple[int, int, int]]) -> None:
        networks = [
            (IPv4Network((number << 28, length), strict=False), block) for number, length, block in entries
        ]
        text = "".join(
            f'[[block]]\nname = "b{block}"\nprefixes = ["{network}"]\n' for network, block in networks
        )
        plan = load_text(text)
        distinct = set(networks)
        conflicting = sum(
            1
            for network, block in distinct
            if any(
                other_block != block and network.subnet_of(other) and network != other
                for other, other_block in distinct
            )
        )
        equal = sum(
            len({block for other, block in distinct if other == network}) - 1 for network, _ in distinct
        )
        told = [warning for warning in plan.warnings if " lies in " in warning or " is also" in warning]
        assert len(plan) == len(distinct)
        assert bool(told) == bool(conflicting or equal)
        assert sum("given twice" in warning for warning in plan.warnings) == len(networks) - len(distinct)


def load_text(text: str):
    from sensor.rules.blocks import read_blocks
    from sensor.rules.gather import Gathered
    from sensor.rules.load import compile_plan
    from sensor.rules.source import Source

    gathered = Gathered()
    read_blocks(Source("x", "x", text.encode()), gathered)
    return compile_plan(gathered)


class TestColumns:
    def test_little_endian_and_aligned(self, tmp_path: Path) -> None:
        plan = load_plan(write(tmp_path, one="192.0.2.0/24\n", two="2001:db8::/32\n"), [])
        assert plan.addresses == bytes(10) + b"\xff\xff\xc0\x00\x02\x00" + b"\x20\x01\x0d\xb8" + bytes(12)
        assert plan.lengths == bytes([120, 32])
        assert struct.unpack("<2I", plan.block_indices) == (0, 1)
        assert struct.unpack("<2q", plan.valid_from_ns) == (-(2**63),) * 2
        assert struct.unpack("<2q", plan.valid_until_ns) == (2**63 - 1,) * 2
        assert len(plan) == 2


class TestLimits:
    def test_a_million_lines(self, tmp_path: Path) -> None:
        lines = (f"{a}.{b}.{c}.0/24\n" for a in range(1, 17) for b in range(250) for c in range(250))
        path = tmp_path / "million.netset"
        path.write_text("# a million\n" + "".join(lines))
        plan = load_plan([path], [])
        assert len(plan) == 1_000_000
        assert plan.warnings == ()
        assert plan.refused == ()
        assert plan.addresses[-16:] == bytes(10) + b"\xff\xff\x10\xf9\xf9\x00"
        assert summarise(plan)[0].addresses == 256_000_000

    def test_prefixes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sensor.rules.gather.MAXIMUM_PREFIXES", 2)
        with pytest.raises(RuleError, match="more than 2 prefixes"):
            load_plan(write(tmp_path, one="192.0.2.1\n192.0.2.2\n192.0.2.3\n"), [])

    def test_blocks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sensor.rules.gather.MAXIMUM_BLOCKS", 1)
        with pytest.raises(RuleError, match="more than 1 blocks"):
            load_plan(write(tmp_path, one="192.0.2.1\n"), ["192.0.2.2"])


class TestSummary:
    def test_nested_addresses_count_once(self, tmp_path: Path) -> None:
        text = "10.0.0.0/8\n10.1.0.0/16\n10.255.255.255\n192.0.2.1\n2001:db8::/32\n2001:db8::1\n"
        summary = summarise(load_plan(write(tmp_path, one=text), []))[0]
        assert summary.prefixes == 6
        assert summary.addresses == 2**24 + 1 + 2**96

    def test_validity_spans_all(self, load) -> None:
        head = '[[block]]\nname = "a"\nprefixes = ["10.0.0.0/8"]\n'
        plan = load(
            head + "valid_from = 2017-04-01\nvalid_to = 2017-04-02\n" + head + "valid_from = 2017-05-01\n"
        )
        summary = summarise(plan)[0]
        assert summary.valid_from_ns == 17_257 * 86_400 * 10**9
        assert summary.valid_until_ns == 2**63 - 1
