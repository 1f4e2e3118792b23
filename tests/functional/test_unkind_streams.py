"""Streams that are out of order, silent for hours, set back in time or full of repeats still add up."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from sensor.config import Config, DuplicateSettings, FlowSettings
from tests.functional.replays import Replayed, packets_of, replay, watching
from tests.functional.traffic import FILE_HEADER, INSIDE, read_traffic, write_traffic

SETTINGS = {
    "short timeouts": FlowSettings(idle_timeout_s=2, active_timeout_s=10, close_timeout_s=1),
    "idle longer than active": FlowSettings(idle_timeout_s=120, active_timeout_s=20, close_timeout_s=5),
    "as shipped": FlowSettings(),
}
STREAMS = ["in order", "scrambled", "silences", "set back"]


def disturb(records: np.ndarray, how: str) -> np.ndarray:
    """Do that to a stream, and repeat every seventeenth packet at once."""
    number = np.arange(len(records))
    changed = records.copy()
    if how == "scrambled":
        noise_s = np.random.default_rng(3).uniform(0, 100, len(records))
        changed = changed[np.argsort(changed["seconds"] + noise_s)]
    elif how == "silences":
        changed["seconds"] += (number // 3000 * 5000).astype("u4")
    elif how == "set back":
        changed["seconds"] -= (number // 5000 * 3000).astype("u4")
    return np.insert(changed, number[::17], changed[::17])


@pytest.fixture(params=STREAMS)
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "unkind.pcap"
    write_traffic(path, flows=1500, packets_each=10, seed=11)
    path.write_bytes(FILE_HEADER + disturb(read_traffic(path), request.param).tobytes())
    return path


def assert_records_follow_each_other(replayed: Replayed) -> None:
    """Records of a flow are numbered without a gap, and all but the last say that it goes on."""
    flows = defaultdict(list)
    for row in replayed.flows:
        flows[row["flow_id"]].append(row)
        assert row["start_time"] <= row["end_time"]
    for records in flows.values():
        records.sort(key=lambda row: row["record"])
        numbers = [row["record"] for row in records]
        # A packet repeated when its flow is over begins another flow with the same identity.
        assert numbers == list(range(len(records))) or set(numbers) == {0}
        if len(set(numbers)) == len(numbers):
            assert [row["end_reason"] == "active" for row in records] == [True] * numbers[-1] + [False]


@pytest.mark.parametrize("settings", sorted(SETTINGS))
@pytest.mark.parametrize("action", ["count", "drop"])
def test_adds_up_with_any_workers(stream: Path, settings: str, action: str) -> None:
    duplicates = DuplicateSettings(action=action, window_ms=50)
    config = Config(flow=SETTINGS[settings], duplicates=duplicates)
    alone, together = (
        replay(stream, plan=watching(INSIDE), config=config, workers=workers) for workers in (1, 3)
    )
    assert together.rows.table("flows").equals(alone.rows.table("flows"))
    assert together.result.duplicates == alone.result.duplicates > 500
    dropped = alone.result.duplicates if action == "drop" else 0
    assert packets_of(alone.flows) == alone.result.matched - dropped
    assert_records_follow_each_other(alone)
