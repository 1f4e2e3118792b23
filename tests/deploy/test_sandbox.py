"""The sensor works under the restrictions of its unit, and under them alone."""

import json
import shutil

import pytest

from tests.deploy.machine import Machine
from tests.deploy.service import METRICS, SETTINGS, Service, install_checkout, play, settings, wait_until

pytestmark = [
    pytest.mark.skipif(shutil.which(command) is None, reason=f"no {command}")
    for command in ("systemd-analyze", "setpriv", "tcpreplay", "curl")
]

DEMO_PACKETS = 2559
STOP_S = 10.0


def test_sensor_works_under_the_restrictions_of_its_unit(machine: Machine) -> None:
    install_checkout(machine)
    machine.write(SETTINGS, settings(flush_interval_s="1", memory_bytes="16777216"))
    service = Service(machine)
    service.wait_ready()
    assert status_of(machine, service.pid()) == {
        "CapEff": "2000", "CapPrm": "2000", "CapBnd": "2000", "NoNewPrivs": "1", "Seccomp": "2",
    }  # fmt: skip

    assert machine.fetch(f"{METRICS}/-/healthy")
    assert machine.fetch(f"{METRICS}/-/ready")
    play(machine)
    wait_until(lambda: service.metric("blocktap_packets_total") >= DEMO_PACKETS, "all packets counted")

    machine.write("/etc/blocktap/blocks.toml", '[[block]]\nname = "lab"\nprefixes = ["192.0.2.0/24"]\n')
    reloaded = machine.run("setpriv", "--reuid=blocktap", "--regid=blocktap", "--init-groups",
                           "/usr/bin/blocktap", "reload", "--config", SETTINGS, check=False)  # fmt: skip
    assert reloaded.returncode == 0, reloaded.stdout + reloaded.stderr + service.log.read_text()
    assert service.metric("blocktap_rules_last_reload_successful") == 1

    assert service.stop() < STOP_S, service.log.read_text()
    assert service.process.returncode == 0, service.log.read_text()
    assert "STOPPING=1" in service.said()
    assert "WATCHDOG=1" in service.said()
    refused = [line for line in service.log.read_text().splitlines() if "not permitted" in line]
    assert refused == []
    sql = "SELECT sum(packets_matched + packets_unmatched + packets_malformed)::INT AS packets FROM accounting"
    answer = machine.run("/usr/bin/blocktap", "query", "--store", "/var/lib/blocktap/store", "--format", "json", sql)
    assert json.loads(answer.stdout)[0]["packets"] >= DEMO_PACKETS


def status_of(machine: Machine, pid: str) -> dict[str, str]:
    """Capabilities and filters of every thread; they must agree."""
    wanted = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")
    lines = machine.run("sh", "-c", f"cat /proc/{pid}/task/*/status").stdout.splitlines()
    found = {tuple(line.split(":\t")) for line in lines if line.startswith(tuple(f"{name}:" for name in wanted))}
    status = {name: value.lstrip("0") or "0" for name, value in found}
    assert len(status) == len(found), f"threads differ: {sorted(found)}"
    return status
