"""Give up what is not needed after start: another user, few capabilities, no way back.

The kernel keeps capabilities by thread and hands them to the threads that one starts. So this is done by the
thread that starts the capture, before it does; that no other thread kept more is looked at afterwards.
"""

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sensor.daemon import capabilities
from sensor.daemon.capabilities import Capability
from sensor.errors import ConfigError
from sensor.rules.mistake import printable, printable_path

PrefilterMode = Literal["none", "socket", "xdp"]


@dataclass(frozen=True)
class Identity:
    """A user to become, with the groups that user is in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def needed(*, interface_setup: bool, prefilter: PrefilterMode) -> frozenset[Capability]:
    """What a running sensor needs: opening rings always, the rest only for what is on."""
    keep = {Capability.CAP_NET_RAW}
    if interface_setup or prefilter != "none":
        keep.add(Capability.CAP_NET_ADMIN)
    if prefilter != "none":
        keep.add(Capability.CAP_BPF)
    return frozenset(keep)


def identity_of(user: str) -> Identity:
    """Find a user by name or number.

    Raises
    ------
    ConfigError
        There is none.
    """
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError, ValueError):
        mend = (
            f"make it with: useradd --system --no-create-home --shell /usr/sbin/nologin {shlex.quote(user)}"
        )
        raise ConfigError(f"there is no user {printable(user)}; {mend}") from None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)


def drop(keep: Iterable[Capability], user: str | None = None) -> None:
    """Become a user where one is given, keep the given capabilities alone, and never gain any again.

    Parameters
    ----------
    keep
        As `needed` says.
    user
        Name or number; None keeps the user, as where systemd has chosen one already.

    Raises
    ------
    ConfigError
        A capability that is needed is not there, the user does not exist or may not be become, or a thread
        that was started before keeps more. The process must then not go on.
    """
    kept = frozenset(keep)
    missing = kept - capabilities.permitted()
    if missing:
        raise ConfigError(_missing(missing))
    identity = identity_of(user) if user is not None else None
    _shrink_bounds(kept)
    if identity is not None and not _is(identity):
        capabilities.prctl(capabilities.PR_SET_KEEPCAPS, 1)
        _become(identity)
    capabilities.set_all(kept)
    capabilities.prctl(capabilities.PR_CAP_AMBIENT, capabilities.PR_CAP_AMBIENT_CLEAR_ALL)
    capabilities.prctl(capabilities.PR_SET_NO_NEW_PRIVS, 1)
    _check_threads(kept, os.getuid())


def prepare_folder(path: Path, identity: Identity | None, *, mode: int = 0o750) -> None:
    """Make a folder that the sensor will write to, as the user that it will be; one that is there stays as it is.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    try:
        path.mkdir(mode=mode)
        if identity is not None:
            os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigError(f"{printable_path(path)}: cannot be made: {error.strerror}") from None


def check_folder(path: Path, identity: Identity | None = None) -> None:
    """Make sure that a folder can be written to by the user that the sensor will be, or is.

    Judged by owner, group and mode, so that it can be asked before the user is changed.

    Raises
    ------
    ConfigError
        With the owner, the mode, and the command that mends it.
    """
    shown = printable_path(path)
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigError(f"{shown}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{shown}: not a folder")
    if identity is None:
        writable = os.access(path, os.W_OK | os.X_OK, effective_ids=True)
        name = _user_name(os.geteuid())
    else:
        writable = _may_write(found, identity)
        name = identity.name
    if not writable:
        owner = f"{_user_name(found.st_uid)}:{_group_name(found.st_gid)}"
        mode = stat.filemode(found.st_mode)
        mend = f"chown -R {shlex.quote(name)}: {shlex.quote(str(path))}"
        raise ConfigError(f"{shown}: user {name} cannot write there ({owner} {mode}); {mend}")


def _may_write(found: os.stat_result, identity: Identity) -> bool:
    if identity.uid == 0:
        return True
    wanted = 0o3  # write and search
    if found.st_uid == identity.uid:
        return found.st_mode >> 6 & wanted == wanted
    if found.st_gid in {identity.gid, *identity.groups}:
        return found.st_mode >> 3 & wanted == wanted
    return found.st_mode & wanted == wanted


def _is(identity: Identity) -> bool:
    return os.getresuid() == (identity.uid,) * 3 and os.getresgid() == (identity.gid,) * 3


def _become(identity: Identity) -> None:
    try:
        os.setgroups(identity.groups)
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    except PermissionError:
        raise ConfigError(
            f"no permission to become the user {identity.name}: start as root, or leave process.user out"
        ) from None


def _shrink_bounds(keep: frozenset[Capability]) -> None:
    # Only with CAP_SETPCAP; without it PR_SET_NO_NEW_PRIVS closes the same door.
    for number in range(capabilities.last_capability() + 1):
        if number not in keep:
            with suppress(OSError):
                capabilities.prctl(capabilities.PR_CAPBSET_DROP, number)


def _check_threads(keep: frozenset[Capability], uid: int) -> None:
    allowed = sum(1 << capability for capability in keep)
    for status in Path("/proc/self/task").glob("*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except FileNotFoundError:
            continue  # ended meanwhile
        name = fields["Name"].strip()
        if int(fields["CapPrm"], 16) & ~allowed or {int(word) for word in fields["Uid"].split()} != {uid}:
            raise ConfigError(
                f"the thread {printable(name)} was started before privileges were given up and keeps them"
            )


def _missing(missing: frozenset[Capability]) -> str:
    names = " ".join(sorted(capability.name for capability in missing))
    return f"missing {names}: start as root, or with AmbientCapabilities={names} in the systemd unit"


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
