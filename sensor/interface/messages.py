"""The messages of the kernel's ethtool family, as far as they are needed (linux/ethtool_netlink.h)."""

from typing import Final

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST, genlmsg, nla
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket, GenericNetlinkSocket
from pyroute2.netlink.generic.ethtool import (
    ETHTOOL_GENL_NAME,
    ETHTOOL_GENL_VERSION,
    ethtool_linkmode_msg,
    ethtool_rings_msg,
    ethtoolbitset,
    ethtoolheader,
)

LINKMODES_GET: Final = 4
FEATURES_GET: Final = 11
FEATURES_SET: Final = 12
RINGS_GET: Final = 15
RINGS_SET: Final = 16
CHANNELS_GET: Final = 17
TSINFO_GET: Final = 25

link_modes = ethtool_linkmode_msg
rings = ethtool_rings_msg


class features(genlmsg):  # type: ignore[misc] # noqa: N801 # pyroute2 names message classes so
    """``FEATURES``: which switches exist, which are wished for, which are on, which nobody can change."""

    nla_map = (
        ("ETHTOOL_A_FEATURES_UNSPEC", "none"),
        ("ETHTOOL_A_FEATURES_HEADER", "ethtoolheader"),
        ("ETHTOOL_A_FEATURES_HW", "ethtoolbitset"),
        ("ETHTOOL_A_FEATURES_WANTED", "ethtoolbitset"),
        ("ETHTOOL_A_FEATURES_ACTIVE", "ethtoolbitset"),
        ("ETHTOOL_A_FEATURES_NOCHANGE", "ethtoolbitset"),
    )
    ethtoolheader = ethtoolheader
    ethtoolbitset = ethtoolbitset


class channels(genlmsg):  # type: ignore[misc] # noqa: N801
    """``CHANNELS``: queues, those that receive alone and those that do both."""

    nla_map = (
        ("ETHTOOL_A_CHANNELS_UNSPEC", "none"),
        ("ETHTOOL_A_CHANNELS_HEADER", "ethtoolheader"),
        ("ETHTOOL_A_CHANNELS_RX_MAX", "uint32"),
        ("ETHTOOL_A_CHANNELS_TX_MAX", "uint32"),
        ("ETHTOOL_A_CHANNELS_OTHER_MAX", "uint32"),
        ("ETHTOOL_A_CHANNELS_COMBINED_MAX", "uint32"),
        ("ETHTOOL_A_CHANNELS_RX_COUNT", "uint32"),
        ("ETHTOOL_A_CHANNELS_TX_COUNT", "uint32"),
        ("ETHTOOL_A_CHANNELS_OTHER_COUNT", "uint32"),
        ("ETHTOOL_A_CHANNELS_COMBINED_COUNT", "uint32"),
    )
    ethtoolheader = ethtoolheader


class timestamping(genlmsg):  # type: ignore[misc] # noqa: N801
    """``TSINFO``: which time stamps card and driver offer."""

    nla_map = (
        ("ETHTOOL_A_TSINFO_UNSPEC", "none"),
        ("ETHTOOL_A_TSINFO_HEADER", "ethtoolheader"),
        ("ETHTOOL_A_TSINFO_TIMESTAMPING", "ethtoolbitset"),
        ("ETHTOOL_A_TSINFO_TX_TYPES", "ethtoolbitset"),
        ("ETHTOOL_A_TSINFO_RX_FILTERS", "ethtoolbitset"),
        ("ETHTOOL_A_TSINFO_PHC_INDEX", "uint32"),
    )
    ethtoolheader = ethtoolheader
    ethtoolbitset = ethtoolbitset


class _AsyncSocket(AsyncGenericNetlinkSocket):  # type: ignore[misc]
    # A kernel without the family is answered by ioctl; nobody needs an error in the log for it.
    module_err_level = "debug"


class _Socket(GenericNetlinkSocket):  # type: ignore[misc]
    async_class = _AsyncSocket


def request(kind: type, command: int, header: str, name: str, *attributes: tuple[str, object]) -> genlmsg:
    """Send one request about interface ``name`` and return the kernel's answer.

    Parameters
    ----------
    kind
        The message class, of the request and of its answer.
    header
        The attribute that names the interface.
    attributes
        Further attributes of the request.

    Raises
    ------
    pyroute2.netlink.exceptions.NetlinkError
        With the kernel's ``code``.
    """
    message = kind()
    message["cmd"] = command
    message["version"] = ETHTOOL_GENL_VERSION
    message["attrs"] = [(header, {"attrs": [("ETHTOOL_A_HEADER_DEV_NAME", name)]}), *attributes]
    with _Socket() as netlink:
        netlink.bind(ETHTOOL_GENL_NAME, kind)
        answers = netlink.nlm_request(message, msg_type=netlink.prid, msg_flags=NLM_F_REQUEST | NLM_F_ACK)
        return next(iter(answers), None)


def bits_of(message: genlmsg, attribute: str) -> frozenset[str]:
    """The names of the bits set in a bit set that came by name.

    A bit set without a mask lists the bits that are set; one with a mask lists those of the mask and marks
    the set ones.
    """
    bits = message.get_attr(attribute)
    listed = bits.get_attr("ETHTOOL_A_BITSET_BITS") if bits else None
    if not listed:
        return frozenset()
    masked = not _has(bits, "ETHTOOL_A_BITSET_NOMASK")
    return frozenset(
        bit.get_attr("ETHTOOL_A_BITSET_BIT_NAME")
        for bit in listed.get_attrs("ETHTOOL_A_BITSET_BITS_BIT")
        if not masked or _has(bit, "ETHTOOL_A_BITSET_BIT_VALUE")
    )


def switches(wanted: dict[str, bool]) -> dict[str, object]:
    """A bit set that changes the bits named and leaves the others."""
    bits = []
    for name, on in wanted.items():
        attributes: list[tuple[str, object]] = [("ETHTOOL_A_BITSET_BIT_NAME", name)]
        if on:
            attributes.append(("ETHTOOL_A_BITSET_BIT_VALUE", True))
        bits.append(("ETHTOOL_A_BITSET_BITS_BIT", {"attrs": attributes}))
    return {"attrs": [("ETHTOOL_A_BITSET_BITS", {"attrs": bits})]}


def _has(message: nla, attribute: str) -> bool:
    return any(pair[0] == attribute for pair in message["attrs"])
