"""``blocktap check --interface``: what it finds wrong, and the mend that it names."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sensor.cli import _check_machine as machine
from sensor.cli._check_finding import Finding
from sensor.cli._check_interface import findings_of, memory_for_rings
from sensor.config import CaptureSettings, Config, ProcessSettings, StoreSettings
from sensor.daemon import capabilities
from sensor.interface import Amount, ClockState, Interface, Offloads
from tests.cli.commands import DEMO, ROOT, blocktap

GIB = 1 << 30
GOOD = Interface(
    name="tap0", index=7, kind="", driver="ixgbe", mtu=1500, link_type="ethernet", mac="02:00:00:00:00:01",
    addresses=(), default_route=False, admin_up=True, carrier=True, promiscuity=0, rx_queues=4, master="",
    xdp=False, namespace=1, peer_namespace=None, speed_mbps=10_000, rx_ring=Amount(4096, 4096),
    channels=Amount(4, 8), hardware_timestamps=True, offloads=Offloads(*[False] * 9),
)  # fmt: skip


def found(interface: Interface, workers: int = 4, **settings: object) -> list[Finding]:
    return list(findings_of(interface, CaptureSettings(**settings), workers))  # type: ignore[arg-type]


def test_nothing_is_wrong() -> None:
    assert found(GOOD) == []
    assert found(GOOD, prefilter="xdp") == []


@pytest.mark.parametrize(
    ("changed", "level", "text", "mend"),
    [
        ({"admin_up": False}, "error", "is down", "ip link set tap0 up"),
        ({"carrier": False}, "warning", "no carrier", "ip -s link show tap0"),
        ({"link_type": "infiniband"}, "error", "type infiniband cannot be decoded", "ip link show"),
        ({"offloads": Offloads(gro=True)}, "warning", "GRO is on", "ethtool -K tap0 gro off"),
        ({"offloads": Offloads(lro=True)}, "warning", "LRO is on", "ethtool -K tap0 lro off"),
        (
            {"offloads": Offloads(gro_hw=True)},
            "warning",
            "hands over merged",
            "ethtool -K tap0 rx-gro-hw off",
        ),
        ({"offloads": Offloads(rx_vlan_filter=True)}, "hint", "VLANs", "ethtool -K tap0 rx-vlan-filter off"),
        (
            {"rx_ring": Amount(512, 4096)},
            "warning",
            "512 frames and could have 4,096",
            "ethtool -G tap0 rx 4096",
        ),
        ({"mtu": 1400}, "warning", "MTU is 1400", "ip link set tap0 mtu 1500"),
        ({"channels": Amount(1, 2)}, "hint", "receive queues are 1", "ethtool -L tap0 combined 2"),
    ],
)
def test_wrong(changed: dict[str, object], level: str, text: str, mend: str) -> None:
    (finding,) = found(replace(GOOD, **changed))  # type: ignore[arg-type]
    assert (finding.level, finding.about, finding.mends[0]) == (level, "tap0", mend)
    assert text in finding.text


@pytest.mark.parametrize(
    ("changed", "settings"),
    [
        ({"offloads": Offloads(gro=True, lro=True)}, {"gro": "off", "lro": "off"}),
        ({"rx_ring": Amount(512, 4096)}, {"ring_size": "max"}),
        ({"rx_ring": None, "channels": None, "offloads": Offloads()}, {}),
        ({"addresses": ("192.0.2.1/24",), "default_route": True}, {"prefilter": "socket"}),
        ({"addresses": ("fe80::1/64",)}, {"prefilter": "xdp"}),
        ({"offloads": Offloads(gro=True), "link_type": "loopback"}, {}),
    ],
    ids=["set by us", "ring set by us", "nothing told", "no xdp", "own link alone", "loopback"],
)
def test_not_wrong(changed: dict[str, object], settings: dict[str, object]) -> None:
    assert found(replace(GOOD, **changed), **settings) == []  # type: ignore[arg-type]


def test_down_is_a_hint_where_it_would_be_set_up() -> None:
    assert [finding.level for finding in found(replace(GOOD, admin_up=False), up=True)] == ["hint"]


def test_xdp_on_a_port_in_use() -> None:
    used = replace(GOOD, addresses=("192.0.2.1/24", "fe80::1/64"), default_route=True, master="br0", xdp=True)
    drops, attached = found(used, prefilter="xdp")
    assert drops.level == attached.level == "error"
    assert drops.text.endswith("it has the address 192.0.2.1/24 and has the default route and is part of br0")
    assert attached.mends == ("ip link set dev tap0 xdp off",)
    (kind,) = found(replace(GOOD, link_type="none", addresses=()), prefilter="xdp")
    assert "Ethernet alone" in kind.text


def test_merging_that_nobody_can_change() -> None:
    fixed = replace(GOOD, offloads=Offloads(gro_hw=True, gro_hw_fixed=True))
    (finding,) = found(fixed, gro="off")
    assert finding.mends == ()
    assert "does not let that be changed" in finding.text


def test_ring_that_the_card_has_not() -> None:
    assert "more than the card's 4096" in found(GOOD, ring_size=8192)[0].text
    assert "tells of no ring" in found(replace(GOOD, rx_ring=None), ring_size=64)[0].text


def test_name_is_quoted_in_commands() -> None:
    (finding,) = found(replace(GOOD, name="a;reboot", admin_up=False))
    assert finding.mends[0] == "ip link set 'a;reboot' up"


def test_memory_for_rings() -> None:
    settings = CaptureSettings(memory_bytes=16 << 20)
    assert list(memory_for_rings(["a"], settings, 8)) == []
    (finding,) = memory_for_rings(["a", "b"], settings, 8)
    assert finding.mends == (f"capture.memory_bytes = {32 << 20}",)


def test_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine, "clock_state", lambda: ClockState(False, 0, 0, "the clock is not synchronised")
    )
    monkeypatch.setattr(capabilities, "effective", frozenset)
    monkeypatch.setattr(machine, "_available_memory_bytes", lambda: 1 << 20)
    monkeypatch.setattr(machine, "_kernel", lambda: (5, 10))
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: (1 << 16, 1 << 16))
    config = Config(
        capture=CaptureSettings(prefilter="socket", gro="off"), process=ProcessSettings(user="nosuchuser")
    )
    findings = {finding.about: finding for finding in machine.look_at_machine(config, None)}
    assert findings["clock"].mends == ("timedatectl set-ntp true",)
    assert "no CAP_BPF CAP_NET_ADMIN CAP_NET_RAW" in findings["privileges"].text
    assert findings["process.user"].mends[0].startswith("useradd --system")
    assert findings["memory"].level == "error"
    assert findings["locked memory"].mends[0] == "ulimit -l unlimited"


@pytest.mark.parametrize(
    ("free", "most", "level"),
    [
        (GIB // 2, None, "error"),
        (4 * GIB, 5 * GIB, "warning"),
        (4 * GIB, 2 * GIB, None),
        (4 * GIB, None, None),
    ],
)
def test_disk(free: int, most: int | None, level: str | None) -> None:
    config = Config(store=StoreSettings(max_bytes=most))
    assert [finding.level for finding in machine._budget(config, free, 0)] == ([level] if level else [])


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT CHECKED: only root can become another user")
def test_store_that_the_user_cannot_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    config = Config(process=ProcessSettings(user="nobody"), store=StoreSettings(min_free_bytes=0))
    (finding,) = machine._disk(config, str(tmp_path / "store"))
    assert finding.level == "error"
    assert finding.mends == (f"chown -R nobody: {tmp_path}",)


def test_json() -> None:
    ended = blocktap("check", "--interface", "lo", "--interface", "nosuch", "--json")
    assert ended.returncode == 1
    answer = json.loads(ended.stdout)
    assert answer["ok"] is False
    lo, nosuch = answer["interfaces"]
    assert lo["found"]["link_type"] == "loopback"
    assert nosuch["found"] is None
    assert nosuch["findings"][0]["level"] == "error"
    assert answer["machine"] == [] or answer["machine"][0].keys() == {"level", "about", "text", "mends"}


def test_for_people_and_from_settings(tmp_path: Path) -> None:
    (tmp_path / "blocktap.toml").write_text('[capture]\ninterfaces = ["lo"]\nmemory_bytes = 8388608\n')
    ended = blocktap("check", "--config", tmp_path / "blocktap.toml")
    assert "interface lo: loopback, " in ended.stdout
    asked = blocktap("check", "--config", tmp_path / "blocktap.toml", "--interface", "nosuch")
    assert "interface lo" not in asked.stdout
    assert "error: nosuch: no interface nosuch; known are " in asked.stdout.replace(
        "did you mean", "known are"
    )
    assert asked.returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT CHECKED: only root can become another user")
def test_without_root() -> None:
    script = (
        "import json, os\n"
        "from sensor.cli import _check_interface, _check_machine\n"
        "from sensor.cli._check_capture import look_at_capture\n"
        "from sensor.config import Config\n"
        "_check_interface.describe('lo')\n"  # loads all of the code while its files can still be read
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "print(json.dumps(look_at_capture(['lo'], Config(), '/root/store').as_json()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["interfaces"][0]["found"]["offloads"]["gro"] is not None
    assert "could not be looked at" in next(one["text"] for one in told["machine"] if one["about"] == "store")
    assert "CAP_NET_RAW" in next(one["text"] for one in told["machine"] if one["about"] == "privileges")


def test_store_is_one_finding_among_others(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = blocktap("check", "--interface", "lo", "--store", tmp_path / "file")
    assert ended.returncode == 1
    assert "interface lo" in ended.stdout
    assert "error: store: " in ended.stdout


def test_replay_loads_none_of_it(tmp_path: Path) -> None:
    script = (
        "import sys, runpy\n"
        f"sys.argv = ['blocktap', 'replay', {str(DEMO)!r}, '--store', {str(tmp_path / 'store')!r}]\n"
        "try: runpy.run_module('sensor', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({'pyroute2', 'structlog', 'textual', 'sensor.daemon', 'sensor.interface'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert ended.stdout.strip() == "[]"
