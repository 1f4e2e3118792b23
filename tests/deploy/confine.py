"""Run the command of a systemd unit under the unit's restrictions, on a machine without systemd.

``python -m tests.deploy.confine --unit FILE... --keep FOLDER... --execute DIRECTIVE`` makes a mount namespace as
the unit and its drop-ins say, becomes their user with their capabilities, loads their system call filter, and
executes ``ExecStart`` or another directive. The folders stay visible and as they are: those that the test itself
needs. What only systemd can do is listed with the reason; a directive that
is neither there nor done here is an error, so that none is forgotten.
"""

import argparse
import ctypes
import json
import os
import pwd
import resource
import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.deploy.seccomp import Filter
from tests.deploy.unit_file import Unit

CLONE_NEWNS = 0x0002_0000
MS_BIND, MS_REC = 0x1000, 0x4000
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

NOT_HERE = {
    "Type": "the test listens to the notifications",
    "NotifyAccess": "the test listens to the notifications",
    "Restart": "the service manager's work",
    "RestartSec": "the service manager's work",
    "RestartPreventExitStatus": "the service manager's work",
    "TimeoutStopSec": "the test measures it",
    "OOMPolicy": "of control groups",
    "MemoryMax": "of control groups",
    "IPAddressDeny": "of control groups",
    "IPAddressAllow": "of control groups",
    "DevicePolicy": "of control groups; PrivateDevices leaves nothing to open",
    "RemoveIPC": "after the end",
    "KeyringMode": "nothing uses keys",
    "PrivateMounts": "in the new namespace everything is private",
    "ProtectHostname": "sethostname is not among the allowed calls",
    "ProtectKernelLogs": "syslog is not among the allowed calls; PrivateDevices leaves no /dev/kmsg",
    "ProtectKernelModules": "module calls are not among the allowed ones, nor is the capability",
    "SystemCallArchitectures": "the filter kills calls of other architectures by itself",
}
DONE_HERE = {
    "ExecStart", "ExecReload", "WatchdogSec", "User", "Group", "StateDirectory", "StateDirectoryMode",
    "RuntimeDirectory", "RuntimeDirectoryMode", "ConfigurationDirectory", "UMask", "AmbientCapabilities",
    "CapabilityBoundingSet", "LimitMEMLOCK", "LimitNOFILE", "Nice", "NoNewPrivileges", "ProtectSystem",
    "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectProc", "ProcSubset", "ProtectKernelTunables",
    "ProtectControlGroups", "LockPersonality", "MemoryDenyWriteExecute", "RestrictRealtime",
    "RestrictSUIDSGID", "RestrictNamespaces", "RestrictAddressFamilies", "SystemCallFilter",
    "SystemCallErrorNumber",
}  # fmt: skip


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def bind(handle: int, path: Path) -> None:
    """Put what an open handle stands for at a path; by the system call, since paths to it may be hidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(f"/proc/self/fd/{handle}".encode(), os.fsencode(path), None, MS_BIND | MS_REC, None):
        raise OSError(ctypes.get_errno(), f"bind {path}")
    os.close(handle)


def hide(folder: str, *options: str) -> None:
    """Put an empty folder over one that is there."""
    if Path(folder).is_dir():
        mount("-t", "tmpfs", "-o", ",".join(("mode=0755", *options)), "tmpfs", folder)


def make_folders(unit: Unit) -> list[Path]:
    """The folders that the service manager makes; the first two kinds may be written to."""
    made = []
    user = pwd.getpwnam(unit.one("User"))
    for kind, top, mode, own in (
        ("StateDirectory", "/var/lib", "0755", True),
        ("RuntimeDirectory", "/run", "0755", True),
        ("ConfigurationDirectory", "/etc", "0755", False),
    ):
        for name in unit.words(kind):
            path = Path(top) / name
            path.mkdir(exist_ok=True)
            path.chmod(int(unit.one(f"{kind}Mode", mode), 8))
            if own:
                os.chown(path, user.pw_uid, user.pw_gid)
                made.append(path)
    return made


def make_view(unit: Unit, kept: list[Path], writable: list[Path]) -> None:
    """What the service sees of the file system, in a mount namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")
    handles = [os.open(path, os.O_PATH) for path in kept]
    for path in writable:
        mount("--bind", path, path)
    if unit.one("ProtectHome") == "yes":
        for folder in ("/home", "/root", "/run/user"):
            hide(folder)
    if unit.one("PrivateTmp") == "yes":
        for folder in ("/tmp", "/var/tmp"):
            mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder)
    for path, handle in zip(kept, handles, strict=True):
        path.mkdir(parents=True, exist_ok=True)
        bind(handle, path)
    if unit.one("PrivateDevices") == "yes":
        make_devices()
    options = {"ProtectProc": "hidepid", "ProcSubset": "subset"}
    chosen = [f"{option}={value}" for name, option in options.items() if (value := unit.one(name))]
    mount("-t", "proc", "-o", ",".join(["nosuid", "nodev", "noexec", *chosen]), "proc", "/proc")
    if unit.one("ProtectSystem") == "strict":
        make_read_only(
            {str(path) for path in [*kept, *writable]} | {"/tmp", "/var/tmp", "/dev", "/dev/shm", "/proc"}
        )


def make_devices() -> None:
    """A ``/dev`` with what every program may expect, and no more."""
    handles = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    hide("/dev", "nosuid")
    for name, handle in handles.items():
        Path("/dev", name).touch()
        bind(handle, Path("/dev", name))
    Path("/dev/shm").mkdir()
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")


def make_read_only(except_for: set[str]) -> None:
    """Take the right to write from every mount but these: ``ProtectSystem=strict`` and the kernel's settings."""
    found = subprocess.run(["findmnt", "--list", "--noheadings", "--output", "TARGET"],
                           check=True, capture_output=True, text=True).stdout  # fmt: skip
    for target in dict.fromkeys(found.splitlines()):
        if target not in except_for and not target.startswith("/dev/") and Path(target).exists():
            mount("-o", "remount,bind,ro", target)


def limit(unit: Unit) -> None:
    for name in ("MEMLOCK", "NOFILE"):
        value = unit.one(f"Limit{name}")
        number = resource.RLIM_INFINITY if value == "infinity" else int(value)
        kind = getattr(resource, f"RLIMIT_{name}")
        try:
            resource.setrlimit(kind, (number, number))
        except ValueError:
            # This machine does not let its root raise it: what it has is then the harder test.
            resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
    os.nice(int(unit.one("Nice")))
    os.umask(int(unit.one("UMask"), 8))


def environment(unit: Unit) -> dict[str, str]:
    """What systemd would give, and how this Python finds the checkout."""
    passed = {name: os.environ[name] for name in ("NOTIFY_SOCKET", "PYTHONPATH") if name in os.environ}
    watchdog_us = str(int(unit.one("WatchdogSec")) * 1_000_000)
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": unit.one("User"), "WATCHDOG_USEC": watchdog_us,
            "PYTHONDONTWRITEBYTECODE": "1", **passed}  # fmt: skip


def as_user(unit: Unit) -> list[str]:
    """The words before a command that let it run as the unit's user with its capabilities."""

    def sets(directive: str) -> str:
        names = [name.removeprefix("CAP_").lower() for name in unit.words(directive)]
        return ",".join(["-all", *(f"+{name}" for name in names)])

    ambient = sets("AmbientCapabilities")
    return ["setpriv", f"--reuid={unit.one('User')}", f"--regid={unit.one('Group')}", "--init-groups",
            f"--inh-caps={ambient}", f"--ambient-caps={ambient}",
            f"--bounding-set={sets('CapabilityBoundingSet')}", "--no-new-privs"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--unit", nargs="+", type=Path, required=True)
    parser.add_argument("--keep", nargs="*", type=Path, default=[])
    parser.add_argument("--execute", default="ExecStart")
    words = parser.parse_args()
    unit = Unit(*words.unit)
    unknown = unit.names() - DONE_HERE - set(NOT_HERE)
    if unknown:
        sys.exit(f"say in {__file__} what becomes of {', '.join(sorted(unknown))}")
    rules = json.dumps(asdict(Filter.of(unit)))
    make_view(unit, words.keep, make_folders(unit))
    limit(unit)
    command = [sys.executable, "-m", "tests.deploy.seccomp", rules, *shlex.split(unit.one(words.execute))]
    os.execvpe("setpriv", [*as_user(unit), *command], environment(unit))


if __name__ == "__main__":
    main()
