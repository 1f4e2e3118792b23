"""The attack: read everything that a data set has, and look for every inside address in it."""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sensor.community_id import community_id
from tests.dataset.records.flow_ids import tuple_id
from tests.dataset.records.world import leaky_names


@dataclass(frozen=True)
class Everything:
    """What a data set's files hold: texts and numbers of every column, and the files' own bytes."""

    texts: frozenset[str]
    numbers: frozenset[int]
    files: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """All texts, one a line."""
        return "\n".join(sorted(self.texts))


def read_everything(folder: Path) -> Everything:
    """Read every column of every Parquet file, and each other file as text."""
    texts: set[str] = set()
    numbers: set[int] = set()
    files = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        texts.add(str(path.relative_to(folder)))
        files.append(path.read_bytes())
        if path.suffix != ".parquet":
            texts.add(files[-1].decode(errors="replace"))
            continue
        file = pq.ParquetFile(path)
        texts |= {str(file.schema_arrow), str(file.metadata.metadata)}
        for column in file.read().columns:
            _take(column, texts, numbers)
    return Everything(frozenset(texts), frozenset(numbers), tuple(files))


def _take(column: pa.ChunkedArray, texts: set[str], numbers: set[int]) -> None:
    if pa.types.is_list(column.type):
        column = pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    for value in column.unique().drop_null().to_pylist():
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            numbers.add(value)
        else:
            texts.add(value if isinstance(value, str) else repr(value))


def addresses_found(everything: Everything, inside: Iterable[str]) -> list[str]:
    """Inside addresses that stand in a data set, in any writing."""
    text = everything.text.lower()
    files = b"\n".join(everything.files)
    packed_texts = text.encode()
    found = []
    for address in inside:
        packed = ip_address(address).packed
        words = _writings(address)
        if any(word in text for word in words):
            found.append(f"{address} as {next(word for word in words if word in text)!r}")
        if everything.numbers & set(_numbers(packed)):
            found.append(f"{address} as a number")
        # Four bytes meet by chance in what is compressed; sixteen do not.
        if packed in packed_texts or (len(packed) == 16 and (packed in files or packed[::-1] in files)):
            found.append(f"{address} as bytes")
    return found


def _writings(address: str) -> list[str]:
    parsed = ip_address(address)
    packed = parsed.packed
    words = {name.lower() for name in leaky_names(address)} | {parsed.exploded.lower(), packed.hex()}
    # What is left of a leaky name without the domain it ends with.
    words |= {word.removesuffix(f".{end}.example") for word in words for end in ("block", "six", "list")}
    words |= {base64.b64encode(one).decode().rstrip("=").lower() for one in (packed, address.encode())}
    return sorted(word for word in words if len(word) > 4)


def _numbers(packed: bytes) -> Iterator[int]:
    yield int.from_bytes(packed, "big")
    yield int.from_bytes(packed, "little")
    if len(packed) == 16:
        yield int.from_bytes(packed[:8], "big")
        yield int.from_bytes(packed[8:], "big") if any(packed[8:14]) else -1


def key_found(everything: Everything, key: bytes) -> bool:
    """Whether the key stands in any file, or a part of it that is long enough to matter."""
    parts = [key, key[:16], key[16:], key[:8], key[8:16], key[16:24], key[24:]]
    text = everything.text
    files = b"\n".join(everything.files)
    for part in parts:
        words = [part.hex(), part.hex().upper(), base64.b64encode(part).decode().rstrip("=")]
        numbers = {int.from_bytes(part, "big"), int.from_bytes(part, "little")}
        raw = part in files or any(word.encode() in files or word in text for word in words)
        if raw or numbers & everything.numbers:
            return True
    return False


def identifiers_found(everything: Everything, rows: list[dict[str, Any]], inside: Iterable[str]) -> list[str]:
    """Identifiers of the flow that each inside address would have had in the place of the one there was.

    The attacker knows all of a flow but the inside address, even its first moment, which no data set tells.
    """
    found = []
    words = _words(everything)
    for row in rows:
        for address in inside:
            if (":" in address) != (":" in row["outside_ip"]):
                continue
            guess = row | {"inside_ip": address}
            identifier = tuple_id(guess, row["first_ns"])
            if identifier in everything.numbers or str(identifier) in words or f"{identifier:016x}" in words:
                found.append(f"flow_id of {address}")
    return found + [f"Community ID {name}" for name in _community_ids(rows, inside) if name in words]


def _community_ids(rows: list[dict[str, Any]], inside: Iterable[str]) -> set[str]:
    guesses = [
        {**row, "inside_ip": address}
        for row in rows
        for address in inside
        if (":" in address) == (":" in row["outside_ip"])
    ]
    names = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")
    columns = [pa.chunked_array([pa.array([guess[name] for guess in guesses])]) for name in names]
    identifiers = [one for one in community_id(*columns).to_pylist() if one]
    return {*identifiers, *(one.removeprefix("1:") for one in identifiers)}


def hashes_found(everything: Everything, inside: Iterable[str]) -> list[str]:
    """Unkeyed hashes of inside addresses, of their text and their bytes, whole and cut."""
    words = _words(everything)
    found = []
    for address in inside:
        packed = ip_address(address).packed
        for message in (
            address.encode(),
            packed,
            packed[::-1],
            int.from_bytes(packed, "big").to_bytes(16, "big"),
        ):
            found += [
                f"{digest.hex()} of {address}"
                for digest in _digests(message)
                if _digest_words(digest) & words or _digest_numbers(digest) & everything.numbers
            ]
    return found


def _words(everything: Everything) -> frozenset[str]:
    return everything.texts | {word.lower() for word in everything.texts}


def _digests(message: bytes) -> Iterator[bytes]:
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s"):
        yield hashlib.new(name, message).digest()
    for number in (zlib.crc32(message), zlib.adler32(message), _fnv(message, 32), _fnv(message, 64)):
        yield number.to_bytes(4 if number < 1 << 32 else 8, "big")


def _fnv(message: bytes, bits: int) -> int:
    state, prime = {32: (0x811C9DC5, 0x01000193), 64: (0xCBF29CE484222325, 0x100000001B3)}[bits]
    for byte in message:
        state = (state ^ byte) * prime % (1 << bits)
    return state


def _digest_words(digest: bytes) -> set[str]:
    cuts = {digest, digest[:16], digest[:8], digest[:4]}
    encoded = {base64.b64encode(cut).decode() for cut in cuts} | {
        base64.urlsafe_b64encode(cut).decode() for cut in cuts
    }
    return {cut.hex() for cut in cuts} | encoded | {word.rstrip("=") for word in encoded}


def _digest_numbers(digest: bytes) -> set[int]:
    cuts = [digest, *(digest[:length] for length in (4, 8)), *(digest[-length:] for length in (4, 8))]
    return {int.from_bytes(cut, order) for cut in cuts for order in ("big", "little")}  # type: ignore[arg-type]
