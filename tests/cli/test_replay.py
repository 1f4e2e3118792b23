"""``blocktap replay`` as a user meets it: what it takes, says and leaves behind."""

import json
import os
import struct
from pathlib import Path

import pytest

from tests.cli.commands import DEMO, DEMO_PACKETS, blocktap, packets_seen, packets_stored

KEYS = {
    "packets", "bytes", "matched", "unmatched", "malformed", "truncated",
    "flows", "records", "dns", "seconds", "workers", "store", "inputs",
}  # fmt: skip
INPUT_KEYS = {"path", "format", "packets", "error"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """The demo without its end, as a full disk leaves it."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(DEMO.read_bytes()[:5000])
    return path


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Whole packets, then one that claims to be huge, then more bytes."""
    path = tmp_path / "damaged.pcap"
    whole = DEMO.read_bytes()[:4833]
    path.write_bytes(whole + struct.pack("<IIII", 0, 0, 1 << 31, 1 << 31) + bytes(5000))
    return path


class TestInputs:
    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("missing.pcap", None, "no such file"),
            ("text.pcap", b"Dear reader,\n" * 50, "not a capture"),
            ("empty.pcap", b"", "empty file"),
        ],
    )
    def test_what_is_no_capture(
        self, tmp_path: Path, store: Path, name: str, content: bytes | None, said: str
    ) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        ended = blocktap("replay", path, "--store", store)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("blocktap: ")
        assert str(path) in ended.stderr
        assert said in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert not store.exists()

    def test_a_folder(self, tmp_path: Path) -> None:
        ended = blocktap("replay", tmp_path, "--store", "none")
        assert ended.returncode == 1
        assert "is a directory" in ended.stderr

    def test_one_bad_input_stops_all_before_anything_is_written(self, tmp_path: Path, store: Path) -> None:
        ended = blocktap("replay", DEMO, tmp_path / "missing.pcap", "--store", store)
        assert ended.returncode == 1
        assert not store.exists()

    def test_cut_short(self, cut: Path, store: Path) -> None:
        ended = blocktap("replay", cut, "--store", store, "--json")
        assert ended.returncode == 0
        told = json.loads(ended.stdout)
        assert told["packets"] == 36
        assert told["inputs"][0]["error"] is None
        assert "warning" in ended.stderr
        assert f"{cut}: cut short at byte 5000" in ended.stderr
        assert packets_seen(store) == 36

    def test_damaged(self, damaged: Path, store: Path) -> None:
        ended = blocktap("replay", damaged, "--store", store, "--json")
        assert ended.returncode == 1
        told = json.loads(ended.stdout)
        assert told["packets"] == 36
        assert "damaged at byte 4833" in told["inputs"][0]["error"]
        assert f"{damaged}: damaged at byte 4833" in ended.stderr
        assert "36 packets kept" in ended.stderr
        assert packets_seen(store) == 36
        assert packets_stored(store) == told["matched"]

    def test_damage_of_one_leaves_the_others_whole(self, damaged: Path) -> None:
        ended = blocktap("replay", damaged, DEMO, "--store", "none", "--json")
        assert ended.returncode == 1
        told = json.loads(ended.stdout)
        assert [one["packets"] for one in told["inputs"]] == [36, DEMO_PACKETS]
        assert told["packets"] == 36 + DEMO_PACKETS


class TestWords:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([DEMO], "--store"),
            (["--store", "none"], "CAPTURE"),
            ([DEMO, "--store", "none", "--stor", "x"], "--stor"),
            ([DEMO, "--store", "none", "--format", "no-such"], "unknown format"),
            ([DEMO, "--store", "none", "--watch", "192.0.2.0/40"], "192.0.2.0/40"),
            ([DEMO, "--store", "none", "--workers", "0"], "--workers"),
            ([DEMO, "--store", "none", "--sensor", "a/b"], "--sensor"),
            ([DEMO, "--store", "none", "--config", "/no-such.toml"], "no-such.toml"),
        ],
    )
    def test_wrong(self, words: list[str], said: str) -> None:
        ended = blocktap("replay", *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_rules_that_are_no_rules(self, tmp_path: Path) -> None:
        rules = tmp_path / "rules.toml"
        rules.write_text('[[block]]\nname = "A"\nprefixes = ["192.0.2.0/99"]\n')
        ended = blocktap("replay", DEMO, "--store", "none", "--blocks", rules)
        assert ended.returncode == 1
        assert f"{rules}:3" in ended.stderr
        assert "192.0.2.0/99" in ended.stderr


class TestJson:
    def test_one_object_and_nothing_else(self, store: Path) -> None:
        ended = blocktap("replay", DEMO, "--store", store, "--json", "--workers", "3")
        assert ended.returncode == 0
        told = json.loads(ended.stdout)
        assert set(told) >= KEYS
        assert set(told["inputs"][0]) >= INPUT_KEYS
        assert told["packets"] == told["matched"] + told["unmatched"] + told["malformed"] == DEMO_PACKETS
        assert (told["workers"], told["store"]) == (3, str(store))
        assert told["inputs"][0]["path"] == str(DEMO)
        assert told["inputs"][0]["format"] == "pcap"
        assert packets_stored(store) == told["matched"]

    def test_without_it_standard_output_is_empty(self) -> None:
        ended = blocktap("replay", DEMO, "--store", "none")
        assert (ended.returncode, ended.stdout) == (0, "")
        assert "2,559" in ended.stderr

    def test_nothing_stored(self, tmp_path: Path) -> None:
        ended = blocktap("replay", DEMO, "--store", "none", "--json", cwd=tmp_path, env=_with_checkout())
        assert json.loads(ended.stdout)["store"] is None
        assert list(tmp_path.iterdir()) == []


class TestStore:
    def test_second_run_appends_and_warns(self, store: Path) -> None:
        first = blocktap("replay", DEMO, "--store", store)
        once = packets_stored(store)
        second = blocktap("replay", DEMO, "--store", store)
        assert (first.returncode, second.returncode) == (0, 0)
        assert "warning" not in first.stderr
        assert "has these captures already" in second.stderr
        assert "--replace" in second.stderr
        assert packets_stored(store) == 2 * once

    def test_replace(self, store: Path) -> None:
        blocktap("replay", DEMO, "--store", store)
        once = packets_stored(store)
        ended = blocktap("replay", DEMO, "--store", store, "--replace")
        assert ended.returncode == 0
        assert "warning" not in ended.stderr
        assert packets_stored(store) == once
        assert packets_seen(store) == DEMO_PACKETS

    def test_newer_schema(self, store: Path) -> None:
        blocktap("replay", DEMO, "--store", store)
        manifest = store / "store.toml"
        manifest.write_text(manifest.read_text().replace("schema_version = 1", "schema_version = 99"))
        before = packets_stored(store)
        ended = blocktap("replay", DEMO, "--store", store)
        assert ended.returncode == 1
        assert "schema version 99" in ended.stderr
        assert packets_stored(store) == before

    def test_two_sensors(self, store: Path) -> None:
        for sensor in ("north", "south"):
            assert blocktap("replay", DEMO, "--store", store, "--sensor", sensor).returncode == 0
        names = {path.name.rpartition("-")[0] for path in store.glob("flows/*/*.parquet")}
        assert names == {"north", "south"}
        assert packets_seen(store) == 2 * DEMO_PACKETS

    def test_folder_with_something_else_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("Dear reader,")
        ended = blocktap("replay", DEMO, "--store", tmp_path)
        assert ended.returncode == 1
        assert "no store" in ended.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]

    def test_a_file(self, cut: Path) -> None:
        ended = blocktap("replay", DEMO, "--store", cut)
        assert ended.returncode == 1
        assert ended.stderr == f"blocktap: cannot open the store {cut}: Not a directory\n"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_folder_that_may_not_be_written(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        ended = blocktap("replay", DEMO, "--store", tmp_path / "store")
        assert ended.returncode == 1
        assert str(tmp_path) in ended.stderr
        assert "Traceback" not in ended.stderr


def _with_checkout() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(DEMO.parents[3])}
