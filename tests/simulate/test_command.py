"""``blocktap simulate``, called as a user calls it."""

import json
from pathlib import Path

import pytest

from sensor.store import read_manifest
from tests.cli.commands import blocktap, packets_stored

WORDS_WRONG, WORK_FAILED = 2, 1


def test_a_capture_and_its_replay(tmp_path: Path) -> None:
    capture, store = tmp_path / "model.pcapng", tmp_path / "store"
    ended = blocktap("simulate", "model-2017", "-o", capture, "--flows", 500, "--seed", 9, "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["scenario"], told["seed"], told["blocks"]) == ("model-2017", 9, None)
    assert blocktap("replay", capture, "--store", store).returncode == 0
    assert packets_stored(store) == told["packets"]
    assert read_manifest(store).simulated == "model-2017"
    numbers = json.loads(Path(told["planted"]).read_text())
    assert Path(told["planted"]) == tmp_path / "model.pcapng.planted.json"
    assert numbers["planted"]["seed"] == 9
    realised = numbers["realised"]
    assert realised["packets_out"] + realised["packets_in"] == told["packets"]


def test_rows_alone(tmp_path: Path) -> None:
    words = ["--flows", 500, "--planted", tmp_path / "numbers.json", "--json"]
    ended = blocktap("simulate", "relay-2017", "--store", tmp_path / "store", *words)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert json.loads((tmp_path / "numbers.json").read_text())["realised"]["rows"] == told["flows"]
    assert read_manifest(tmp_path / "store").simulated == "relay-2017"
    again = blocktap("simulate", "relay-2017", "--store", tmp_path / "store", *words)
    assert again.returncode == WORK_FAILED
    assert "has rows already" in again.stderr


def test_blocks_of_its_own_come_as_a_rule_file(tmp_path: Path) -> None:
    capture = tmp_path / "relay.pcapng"
    told = json.loads(blocktap("simulate", "relay-2017", "-o", capture, "--flows", 300, "--json").stdout)
    ended = blocktap("replay", capture, "--store", "none", "--blocks", told["blocks"], "--json")
    assert json.loads(ended.stdout)["matched"] == told["packets"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["model-2017"], WORDS_WRONG, "say what to write"),
        (["model-2017", "-o", "x", "--store", "y"], WORDS_WRONG, "say what to write"),
        (["model-2018", "-o", "x"], WORK_FAILED, "no such scenario"),
        (["null", "-o", "x", "--flows", "99000000000"], WORDS_WRONG, "--flows"),
        (["null", "-o", "no/such/folder/x"], WORK_FAILED, "cannot write no/such/folder/x"),
    ],
)
def test_wrong_words(words: list[str], status: int, message: str, tmp_path: Path) -> None:
    ended = blocktap("simulate", *words, cwd=tmp_path)
    assert ended.returncode == status
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
