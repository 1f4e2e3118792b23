"""Whatever a file holds, it is a plan or a RuleError, in every format."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import RuleError
from sensor.rules import load_plan
from sensor.rules.formats import NAMES

PIECES = st.sampled_from(
    [
        "192.0.2.0/24", "10.0.0.1/8", "2001:db8::/32", "::", "0.0.0.0-255.255.255.255", "name:",
        "elements = {", "}", "{", ",", ";", "|", "apnic|KP|ipv4|", "1024", "|assigned", "add one ", "create",
        "[[block]]", "name = ", '"', "prefixes = [", "]", "cidr,block", '{"list": [', '{"cidr":', "\n",
        "\r\n", " ", "#", "-", "/", "\t", "é", "\\", "table inet x {", "set y {", "define", "=", "\x1b",
    ]
)  # fmt: skip


@pytest.mark.parametrize("format_name", [None, *NAMES])
@given(text=st.lists(PIECES, max_size=25).map("".join), tail=st.binary(max_size=4))
def test_a_plan_or_a_rule_error(format_name: str | None, text: str, tail: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(text.encode() + tail)
        with suppress(RuleError):
            plan = load_plan([path], [], format=format_name)
            assert len(plan) > 0
            assert len(plan.addresses) == 16 * len(plan)
            assert all(length <= 128 for length in plan.lengths)
