"""What drivers tell and take: features, rings, channels, time stamps.

Asked over netlink; kernels before 5.6 have no such family and are asked by ``ioctl``. Both ways know the
features by the same names.
"""

import ctypes
import errno
import fcntl
import socket
import struct
from contextlib import closing
from typing import Final

from pyroute2.ethtool.ioctl import IoctlEthtool, NoSuchDevice, NotSupportedError
from pyroute2.netlink.exceptions import NetlinkError

from sensor.errors import CaptureError
from sensor.interface import messages
from sensor.interface.model import Amount, Feature

GRO: Final = "rx-gro"
GRO_BY_CARD: Final = "rx-gro-hw"
LRO: Final = "rx-lro"

_SIOCETHTOOL: Final = 0x8946
_GET_DRIVER: Final = 0x3
_GET_RINGS: Final = 0x10
_SET_RINGS: Final = 0x11
_GET_CHANNELS: Final = 0x3C
_GET_TIMESTAMPING: Final = 0x41
_NAME_BYTES: Final = 16

_RX_HARDWARE: Final = 1 << 2
_RAW_HARDWARE: Final = 1 << 6
_NUMBERS: Final = struct.Struct("=9I")
_SPEEDLESS: Final = {0, 0xFFFF, 0xFFFF_FFFF}


class UnseenError(Exception):
    """The driver does not tell, or not to us."""


def driver(name: str) -> str:
    """The driver's name; only ``ioctl`` tells it."""
    with _readable():
        return _ioctl(name, _GET_DRIVER, bytes(192))[4:36].split(b"\0", 1)[0].decode(errors="replace")


def features(name: str) -> dict[str, Feature]:
    """Every switch of an interface, by the kernel's name for it."""
    with _readable():
        try:
            answer = messages.request(
                messages.features, messages.FEATURES_GET, "ETHTOOL_A_FEATURES_HEADER", name
            )
        except NetlinkError as error:
            _only_without_family(error)
            return _features_by_ioctl(name)
        active = messages.bits_of(answer, "ETHTOOL_A_FEATURES_ACTIVE")
        fixed = messages.bits_of(answer, "ETHTOOL_A_FEATURES_NOCHANGE")
        offered = messages.bits_of(answer, "ETHTOOL_A_FEATURES_HW")
        return {
            feature: Feature(feature in active, feature in offered and feature not in fixed)
            for feature in offered | active | fixed
            if feature
        }


def set_features(name: str, wanted: dict[str, bool]) -> None:
    """Turn switches on and off; the driver may refuse without an error, so look again afterwards."""
    with _changeable(name):
        try:
            messages.request(
                messages.features, messages.FEATURES_SET, "ETHTOOL_A_FEATURES_HEADER", name,
                ("ETHTOOL_A_FEATURES_WANTED", messages.switches(wanted)),
            )  # fmt: skip
        except NetlinkError as error:
            _only_without_family(error)
            with closing(IoctlEthtool(name)) as old:
                found = old.get_features()
                for feature, on in wanted.items():
                    found[feature] = on
                old.set_features(found)


def rx_ring(name: str) -> Amount:
    """The card's receive ring, in frames."""
    with _readable():
        try:
            answer = messages.request(messages.rings, messages.RINGS_GET, "ETHTOOL_A_RINGS_HEADER", name)
        except NetlinkError as error:
            _only_without_family(error)
            numbers = _NUMBERS.unpack(_ioctl(name, _GET_RINGS, bytes(32)))
            return _amount(numbers[5], numbers[1])
        return _amount(answer.get_attr("ETHTOOL_A_RINGS_RX"), answer.get_attr("ETHTOOL_A_RINGS_RX_MAX"))


def set_rx_ring(name: str, frames: int) -> None:
    """Change the card's receive ring; most drivers take the link down for a moment to do it."""
    with _changeable(name):
        try:
            messages.request(
                messages.rings, messages.RINGS_SET, "ETHTOOL_A_RINGS_HEADER", name,
                ("ETHTOOL_A_RINGS_RX", frames),
            )  # fmt: skip
        except NetlinkError as error:
            _only_without_family(error)
            numbers = list(_NUMBERS.unpack(_ioctl(name, _GET_RINGS, bytes(32))))
            numbers[5] = frames
            _ioctl(name, _SET_RINGS, _NUMBERS.pack(*numbers)[4:])


def channels(name: str) -> Amount:
    """Queues that receive, those that both receive and send included."""
    with _readable():
        try:
            answer = messages.request(
                messages.channels, messages.CHANNELS_GET, "ETHTOOL_A_CHANNELS_HEADER", name
            )
        except NetlinkError as error:
            _only_without_family(error)
            numbers = _NUMBERS.unpack(_ioctl(name, _GET_CHANNELS, bytes(32)))
            return _amount(numbers[5] + numbers[8], max(numbers[1], numbers[4]))

        def count(attribute: str) -> int:
            return answer.get_attr(f"ETHTOOL_A_CHANNELS_{attribute}") or 0

        return _amount(
            count("RX_COUNT") + count("COMBINED_COUNT"), max(count("RX_MAX"), count("COMBINED_MAX"))
        )


def hardware_timestamps(name: str) -> bool:
    """Whether the card offers to stamp received frames by its own clock."""
    with _readable():
        try:
            answer = messages.request(
                messages.timestamping, messages.TSINFO_GET, "ETHTOOL_A_TSINFO_HEADER", name
            )
        except NetlinkError as error:
            _only_without_family(error)
            flags = struct.unpack_from("=I", _ioctl(name, _GET_TIMESTAMPING, bytes(40)), 4)[0]
            return bool(flags & _RX_HARDWARE and flags & _RAW_HARDWARE)
        offered = messages.bits_of(answer, "ETHTOOL_A_TSINFO_TIMESTAMPING")
        return {"hardware-receive", "hardware-raw-clock"} <= offered


def speed_mbps(name: str) -> int:
    """The link's speed in Mbit/s."""
    with _readable():
        try:
            answer = messages.request(
                messages.link_modes, messages.LINKMODES_GET, "ETHTOOL_A_LINKMODES_HEADER", name
            )
            speed = answer.get_attr("ETHTOOL_A_LINKMODES_SPEED") or 0
        except NetlinkError as error:
            _only_without_family(error)
            with closing(IoctlEthtool(name)) as old:
                found = old.get_cmd()
            speed = found.speed | found.speed_hi << 16
        if speed in _SPEEDLESS:
            raise UnseenError("not told")
        return int(speed)


def driver_counters(name: str) -> dict[str, int]:
    """The driver's own counters (``ethtool -S``), by the driver's names."""
    with _readable(), closing(IoctlEthtool(name)) as old:
        return dict(old.get_statistics())


def _features_by_ioctl(name: str) -> dict[str, Feature]:
    with closing(IoctlEthtool(name)) as old:
        found = old.get_features()
        return {
            feature: Feature(
                found.is_active(feature),
                found.is_available(feature) and not found.is_never_changed(feature),
            )
            for feature in found.keys()  # noqa: SIM118 # iterating it gives tuples
            if feature
        }


def _ioctl(name: str, command: int, body: bytes) -> bytes:
    """Give the driver a command with its body; its answer has the command in front."""
    buffer = ctypes.create_string_buffer(struct.pack("=I", command) + body, 4 + len(body))
    request = struct.pack(f"{_NAME_BYTES}sP16x", name.encode(), ctypes.addressof(buffer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
    return buffer.raw


def _only_without_family(error: NetlinkError) -> None:
    """Go on by ``ioctl`` only where the kernel has no ethtool family or does not know the message."""
    if error.code not in {errno.ENOENT, errno.ENOSYS} and getattr(error, "extra_code", None) != errno.ENOTSUP:
        raise error


def _amount(current: int | None, maximum: int | None) -> Amount:
    if not maximum:
        raise UnseenError("not told")
    return Amount(current or 0, maximum)


class _readable:  # noqa: N801 # reads as a phrase: with _readable()
    """Turn every way in which a driver does not tell into `UnseenError`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        reason = _reason(error)
        if reason is not None:
            raise UnseenError(reason) from None


class _changeable:  # noqa: N801
    """Turn every way in which a driver refuses into `CaptureError`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        reason = _reason(error)
        if reason is not None:
            raise CaptureError(f"{self._name}: {reason}") from None


def _reason(error: BaseException | None) -> str | None:
    """Say in words why the kernel did not do it; None where that is not what happened."""
    if isinstance(error, NotSupportedError):
        return "not supported by the driver"
    if isinstance(error, NoSuchDevice):
        return "no such interface"
    number = getattr(error, "code", None) if isinstance(error, NetlinkError) else None
    if isinstance(error, OSError):
        number = error.errno
    known = {
        errno.EOPNOTSUPP: "not supported by the driver",
        errno.ENODEV: "no such interface",
        errno.EPERM: "not permitted (CAP_NET_ADMIN is needed)",
        errno.EINVAL: "refused by the driver",
    }
    if number is None:
        return None
    return known.get(number, f"errno {number}: {errno.errorcode.get(number, 'unknown')}")
