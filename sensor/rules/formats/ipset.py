"""What ``ipset save`` writes: ``create NAME TYPE ...`` and ``add NAME ENTRY ...``, one block a set."""

from sensor.rules.address import parse_cidr, parse_range
from sensor.rules.formats.lines import read_lines
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source

ADD = frozenset({"add", "-A"})
OTHER_COMMANDS = frozenset({"create", "-N", "flush", "-F", "destroy", "-X", "COMMIT"})


def read(source: Source, reader: ListReader) -> None:
    """Read the sets' addresses, networks and ranges; ipset itself clears bits behind a length."""

    def parse(text: str, number: int) -> None:
        words = text.split()
        if words[0] in OTHER_COMMANDS:
            return
        if words[0] not in ADD or len(words) < 3:
            raise TextError("not a line of ipset save", "write add NAME 192.0.2.0/24")
        name, entry = words[1], words[2]
        if "nomatch" in words[3:]:
            raise TextError(
                "an exception from its set", "split the network around it: a plan has no exceptions"
            )
        if "," in entry:
            raise TextError("more than an address in the entry", "use a set of type hash:ip or hash:net")
        if "-" in entry:
            for prefix in parse_range(*entry.split("-", 1)):
                reader.add(prefix, number, name)
        else:
            reader.add(parse_cidr(entry, mask_host_bits=True), number, name)

    read_lines(source, reader, parse)
