"""The sensor works under the restrictions of its unit, and under them alone."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.machine import Machine
from tests.deploy.service import (
    DEMO_PACKETS,
    METRICS,
    SETTINGS,
    Service,
    install_checkout,
    play,
    settings,
    wait_until,
)
from tests.deploy.unit_file import DROP_IN, UNIT

pytestmark = [
    pytest.mark.skipif(shutil.which(command) is None, reason=f"no {command}")
    for command in ("systemd-analyze", "setpriv", "tcpreplay", "curl")
]

STOP_S = 10.0


SOME_CHANGE = '[[block]]\nname = "lab"\nprefixes = ["192.0.2.0/24"]\n'


@dataclass(frozen=True)
class Case:
    units: tuple[Path, ...]
    settings: dict[str, str]
    capabilities: str


NET_RAW, NET_ADMIN, BPF = (1 << number for number in (13, 12, 39))
CASES = {
    "capture alone": Case((UNIT,), {}, f"{NET_RAW:x}"),
    "with the drop-in, prefilter and set-up": Case(
        (UNIT, DROP_IN),
        {"prefilter": '"socket"', "gro": '"off"', "up": "true"},
        f"{NET_RAW | NET_ADMIN | BPF:x}",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_sensor_works_under_the_restrictions_of_its_unit(machine: Machine, case: Case) -> None:
    install_checkout(machine)
    machine.write(SETTINGS, settings(flush_interval_s="1", memory_bytes="16777216", **case.settings))
    service = Service(machine, *case.units)
    service.wait_ready()
    assert status_of(machine, service.pid()) == {
        **dict.fromkeys(("CapEff", "CapPrm", "CapBnd"), case.capabilities), "NoNewPrivs": "1", "Seccomp": "2",
    }  # fmt: skip
    assert machine.fetch(f"{METRICS}/-/healthy")
    assert machine.fetch(f"{METRICS}/-/ready")

    play(machine)
    wait_until(lambda: service.metric("blocktap_packets_total") == DEMO_PACKETS, "every packet counted")
    machine.write("/etc/blocktap/blocks.toml", SOME_CHANGE)
    service.reload()
    assert service.metric("blocktap_rules_last_reload_successful") == 1
    assert service.stop() < STOP_S, service.log.read_text()

    log = service.log.read_text()
    assert service.process.returncode == 0, log
    assert {"READY=1", "WATCHDOG=1", "RELOADING=1", "STOPPING=1"} <= set(service.said())
    # Nothing was refused, nor did anything fail and go on without it.
    assert not re.search("not permitted|denied|Traceback|No such file|read-only", log, re.IGNORECASE), log
    sql = (
        "SELECT sum(packets_matched + packets_unmatched + packets_malformed)::INT AS packets FROM accounting"
    )
    answer = machine.run(
        "/usr/bin/blocktap", "query", "--store", "/var/lib/blocktap/store", "--format", "json", sql
    )
    assert json.loads(answer.stdout)[0]["packets"] == DEMO_PACKETS, log


def status_of(machine: Machine, pid: str) -> dict[str, str]:
    """Capabilities and filters of every thread; they must agree."""
    wanted = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")
    lines = machine.run("sh", "-c", f"cat /proc/{pid}/task/*/status").stdout.splitlines()
    found = {
        tuple(line.split(":\t")) for line in lines if line.startswith(tuple(f"{name}:" for name in wanted))
    }
    status = {name: value.lstrip("0") or "0" for name, value in found}
    assert len(status) == len(found), f"threads differ: {sorted(found)}"
    return status
