"""Loading rules from a text, and reading a plan back as words."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.rules import Plan, load_plan
from sensor.rules.address import show_prefix

Loader = Callable[..., Plan]
Words = Callable[[Plan], dict[str, list[str]]]


@pytest.fixture
def load(tmp_path: Path) -> Loader:
    """Write a text to a file and load it."""

    def load_text(text: str | bytes, *, name: str = "list.txt", format: str | None = None) -> Plan:  # noqa: A002
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_plan([path], [], format=format)

    return load_text


@pytest.fixture
def words() -> Words:
    """Turn a plan into the CIDRs of each block."""

    def words_of(plan: Plan) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row, length in enumerate(plan.lengths):
            index = int.from_bytes(plan.block_indices[4 * row : 4 * row + 4], "little")
            found[plan.blocks[index].name].append(
                show_prefix(plan.addresses[16 * row : 16 * row + 16], length)
            )
        return dict(found)

    return words_of
