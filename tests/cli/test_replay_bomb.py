"""A small packed file that unpacks to a large one: read so far and no further, unless it is trusted."""

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.commands import DEMO, blocktap

PACKETS = 6 << 20
"""Of no bytes each: their headers alone are 96 MiB."""
PCAP_HEADER_BYTES, PACKET_HEADER_BYTES = 24, 16


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bomb") / "bomb.pcap.gz"
    plain = DEMO.read_bytes()[:PCAP_HEADER_BYTES] + bytes(PACKETS * PACKET_HEADER_BYTES)
    path.write_bytes(gzip.compress(plain, 9))
    return path


def test_reading_ends_where_it_is_no_capture_any_more(bomb: Path) -> None:
    ended = blocktap("replay", bomb, "--store", "none", "--json")
    assert ended.returncode == 1
    assert "more than 1000 times its size" in ended.stderr
    assert "--max-ratio" in ended.stderr
    said = json.loads(ended.stdout)
    assert 0 < said["packets"] < PACKETS
    assert str(bomb) in said["inputs"][0]["path"]


def test_who_trusts_it_gets_all_of_it(bomb: Path) -> None:
    ended = blocktap("replay", bomb, "--store", "none", "--json", "--max-ratio", "2000")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["packets"] == PACKETS
