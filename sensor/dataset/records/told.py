"""Of which records the inside host is told, by its pseudonym."""

from __future__ import annotations

# A flow that inside began and outside answered. Anybody outside can send a packet of his own making to each
# address of a block and look for it in the data set: a record of what came from outside, or of a mere reaction to
# it (an ICMP error, late data), would give away which pseudonym is which address. Of ICMP, echo requests alone; of
# tunnels nothing, since who sends a wrapped packet writes both of its inner addresses as he likes.
TOLD = (
    "(scope = 'external' AND tunnel IS NULL AND initiator = 'inside' AND answered "
    "AND (protocol NOT IN (1, 58) OR (protocol = 1 AND inside_port = 8) OR (protocol = 58 AND inside_port = 128)))"
)


def protected_sql() -> str:
    """SQL: every ``address`` that some row of the store calls inside, both ends of internal flows included."""
    return (
        "SELECT inside_ip AS address FROM flows UNION SELECT outside_ip FROM flows WHERE scope = 'internal' "
        "UNION SELECT inside_ip FROM dns UNION SELECT inside_ip FROM hosts"
    )
