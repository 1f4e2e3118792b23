"""Text to prefixes: CIDRs, single addresses and ranges of both families.

A million lines go through here, so the common case uses the C library's parser and no objects; what
is wrong with a bad text is worked out only once it is known to be bad.
"""

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from sensor.rules.mistake import TextError
from sensor.rules.ranges import range_to_prefixes

Prefix = tuple[bytes, int]
"""A packed address of 16 bytes and a length of 0 to 128, IPv4 mapped."""

MAPPED = bytes(10) + b"\xff\xff"
MAPPED_BITS = 96

_LENGTH_OF = {str(length): length for length in range(129)}
_HOST_BITS = tuple((1 << (128 - length)) - 1 for length in range(129))
_EXAMPLE = "write an address, a CIDR such as 192.0.2.0/24, or a range such as 192.0.2.0-192.0.2.255"


def pack_address(text: str) -> bytes | None:
    """Return the 16 bytes of an address, IPv4 mapped, or None if the text is no address."""
    try:
        if ":" in text:
            return inet_pton(AF_INET6, text)
        return MAPPED + inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return None


def parse_cidr(text: str, *, mask_host_bits: bool = False) -> Prefix:
    """Parse a CIDR or a single address.

    Parameters
    ----------
    text : str
        ``192.0.2.0/24``, ``2001:db8::/32``, ``192.0.2.1``.
    mask_host_bits : bool
        Clear bits behind the length rather than refuse them.

    Raises
    ------
    TextError
        The text is no CIDR, or has bits set behind its length.
    """
    address, slash, length_text = text.partition("/")
    packed = pack_address(address)
    if packed is None:
        raise TextError("not an address", _mend_address(text))
    if not slash:
        return packed, 128
    base = 0 if ":" in address else MAPPED_BITS
    length = _LENGTH_OF.get(length_text, 129) + base
    if length > 128:
        raise TextError("not a prefix length", _mend_length(address, length_text, 128 - base))
    value = int.from_bytes(packed, "big")
    host = value & _HOST_BITS[length]
    if not host:
        return packed, length
    network = (value ^ host).to_bytes(16, "big")
    if mask_host_bits:
        return network, length
    raise TextError(
        f"bits are set behind /{length - base}", f"did you mean {_show(network, base)}/{length - base}?"
    )


def parse_range(first_text: str, last_text: str) -> list[Prefix]:
    """Parse a range given by its two ends, both included, into prefixes.

    Raises
    ------
    TextError
        An end is no address, the ends are of two families, or the first lies behind the last.
    """
    first, last = pack_address(first_text), pack_address(last_text)
    if first is None:
        raise TextError("the range does not begin with an address", _mend_address(first_text))
    if last is None:
        raise TextError("the range does not end with an address", _mend_address(last_text))
    if (":" in first_text) != (":" in last_text):
        raise TextError("the range mixes IPv4 and IPv6", "give both ends in one family")
    if first > last:
        raise TextError("the range ends before it begins", f"did you mean {last_text}-{first_text}?")
    return integer_range(int.from_bytes(first, "big"), int.from_bytes(last, "big"))


def integer_range(first: int, last: int) -> list[Prefix]:
    """Return the prefixes of a range whose ends are 128-bit numbers, IPv4 mapped."""
    return [(address.to_bytes(16, "big"), length) for address, length in range_to_prefixes(first, last, 128)]


def parse_prefixes(text: str) -> list[Prefix]:
    """Parse a CIDR, a single address or a ``start-end`` range."""
    first, dash, last = text.partition("-")
    if dash:
        return parse_range(first.strip(), last.strip())
    return [parse_cidr(text)]


def is_ipv4(packed: bytes, length: int) -> bool:
    """Tell whether a prefix lies in the space of mapped IPv4 addresses."""
    return length >= MAPPED_BITS and packed.startswith(MAPPED)


def show_prefix(packed: bytes, length: int) -> str:
    """Return the CIDR of a prefix."""
    base = MAPPED_BITS if is_ipv4(packed, length) else 0
    return f"{_show(packed, base)}/{length - base}"


def _show(packed: bytes, base: int) -> str:
    return inet_ntop(AF_INET, packed[12:]) if base else inet_ntop(AF_INET6, packed)


def _mend_address(text: str) -> str:
    address = text.partition("/")[0]
    octets = address.split(".")
    if all(octet.isascii() and octet.isdigit() for octet in octets):
        plain = ".".join(str(int(octet[:10])) for octet in octets)
        if plain != address and pack_address(plain) is not None:
            return f"write it without leading zeros: {plain}"
    if "%" in address:
        return "leave out the interface behind %"
    return _EXAMPLE


def _mend_length(address: str, length_text: str, most: int) -> str:
    mask = pack_address(length_text)
    if mask is not None and mask.startswith(MAPPED):
        ones = f"{int.from_bytes(mask[12:], 'big'):032b}".rstrip("0")
        if "0" not in ones:
            return f"did you mean {address}/{len(ones)}?"
    return f"the length is a number from 0 to {most}"
