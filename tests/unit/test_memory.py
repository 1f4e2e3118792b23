"""One number for the memory: how it is said, and how it is shared."""

import re
from pathlib import Path

import pytest

from sensor.config import Config, load_config
from sensor.errors import ConfigError
from sensor.memory import MINIMUM_BYTES, _group_limits, check_size, live_shares, machine_bytes, replay_shares

MIB = 1 << 20


@pytest.mark.parametrize(
    ("told", "size"),
    [
        ("2GiB", 2 << 30), ("512MiB", 512 * MIB), ("1.5 gib", 3 << 29), ("1G", 10**9), ("300M", 300 * 10**6),
        ("1TB", 10**12), ("536870912", 512 * MIB), (512 * MIB, 512 * MIB),
    ],
)  # fmt: skip
def test_a_size_is_a_number_or_a_text(told: object, size: int) -> None:
    assert check_size(told) == size


@pytest.mark.parametrize(
    "told", ["", "2", "much", "-1GiB", "2XiB", "1e9", True, None, 1.5, "99999999TiB", 255 * MIB]
)
def test_what_is_no_size_is_refused(told: object) -> None:
    with pytest.raises(ValueError, match=r"size|memory"):
        check_size(told)


def test_the_parts_are_less_than_the_whole_and_grow_with_it() -> None:
    small, large = replay_shares(MINIMUM_BYTES), replay_shares(2 << 30)
    assert 0 < small.core < large.core
    for shares, whole in ((small, MINIMUM_BYTES), (large, 2 << 30)):
        # The writer holds its part four times at most.
        assert shares.core + shares.queue + 4 * shares.buffered < whole


def test_rings_are_part_of_it() -> None:
    with_rings, without = live_shares(1 << 30, 256 * MIB), live_shares(1 << 30, 0)
    assert with_rings.core < without.core
    with pytest.raises(ConfigError, match=re.escape("memory_max: 300MiB")):
        live_shares(300 * MIB, 256 * MIB)


def test_the_default_is_half_of_the_machine_and_always_enough() -> None:
    half = replay_shares(max(MINIMUM_BYTES, machine_bytes() // 2))
    assert replay_shares(None) == half
    assert live_shares(None, 1 << 50).core > 0


def test_a_control_group_may_have_less(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert _group_limits(tmp_path) == []
    (tmp_path / "memory.max").write_text(f"{300 * MIB}\n")
    assert _group_limits(tmp_path)[-1] == 300 * MIB


def test_it_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('memory_max = "1GiB"\n')
    assert load_config(path).memory_max == 1 << 30
    assert Config().memory_max is None
    path.write_text('memory_max = "lots"\n')
    with pytest.raises(ConfigError, match=r"settings.toml:1: memory_max: a size is"):
        load_config(path)
