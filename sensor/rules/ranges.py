"""The smallest set of prefixes that covers a range of addresses exactly."""

from collections.abc import Iterator


def range_to_prefixes(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """Yield ``(address, length)`` of the prefixes that cover ``first`` to ``last``, both included.

    Parameters
    ----------
    first, last : int
        Addresses as numbers, ``first <= last``.
    bits : int
        Bits of an address: 32 or 128.
    """
    while first <= last:
        # The widest prefix that may begin here, and the widest that does not reach past the end.
        aligned_bits = (first & -first).bit_length() - 1 if first else bits
        fitting_bits = (last - first + 1).bit_length() - 1
        host_bits = min(aligned_bits, fitting_bits)
        yield first, bits - host_bits
        first += 1 << host_bits
