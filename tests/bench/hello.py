"""Client hellos: as a TLS record, and as QUIC Initial packets, encrypted as RFC 9001 says."""

import hashlib
import hmac

import gcm
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

INITIAL_BYTES = 1_200
SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
TAG_BYTES = 16
CONNECTION_ID_BYTES = 8
NAME_DIGITS = 8


def _sized(width: int, content: bytes) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _extension(number: int, content: bytes) -> bytes:
    return number.to_bytes(2, "big") + _sized(2, content)


def client_hello(
    name: bytes, protocol: bytes, extensions: bytes = b"", session: bytes = b"\x33" * 32
) -> bytes:
    """A client hello for a name; its random bytes and its key are not random, which nobody here minds."""
    every = b"".join(
        (
            _extension(0, _sized(2, b"\0" + _sized(2, name))),
            _extension(10, _sized(2, bytes.fromhex("001d00170018"))),
            _extension(13, _sized(2, bytes.fromhex("0403080404010503080505010806"))),
            _extension(16, _sized(2, _sized(1, protocol))),
            _extension(43, _sized(1, b"\3\4")),
            _extension(51, _sized(2, b"\0\x1d" + _sized(2, b"\x77" * 32))),
            extensions,
        )
    )
    ciphers = bytes.fromhex("130113021303c02bc02fc02cc030")
    body = b"\3\3" + b"\x5c" * 32 + _sized(1, session) + _sized(2, ciphers) + b"\1\0" + _sized(2, every)
    return b"\1" + _sized(3, body)


def tls_record(handshake: bytes) -> bytes:
    """A handshake message in a record."""
    return b"\x16\3\1" + _sized(2, handshake)


def initials(numbers: Numbers, rng: np.random.Generator) -> Bytes:
    """The QUIC Initial packet of each conversation, with its number in the name and a connection of its own."""
    template = _plain_payload()
    count = len(numbers)
    connection_ids = rng.integers(0, 256, (count, CONNECTION_ID_BYTES), dtype=np.uint8)
    keys, nonces, header_keys = (np.empty((count, size), dtype=np.uint8) for size in (16, 12, 16))
    for row in range(count):
        secrets = _secrets(connection_ids[row].tobytes())
        keys[row], nonces[row], header_keys[row] = (np.frombuffer(one, dtype=np.uint8) for one in secrets)
    payload = np.tile(np.frombuffer(template, dtype=np.uint8), (count, 1))
    at = template.index(b"h" + b"0" * NAME_DIGITS) + 1
    for digit in range(NAME_DIGITS):
        payload[:, at + digit] = 0x30 + numbers // 10 ** (NAME_DIGITS - 1 - digit) % 10
    header = _headers(connection_ids, len(template))
    sealed = gcm.seal(keys, nonces, header, payload)
    packets = np.concatenate([header, sealed], axis=1)
    _protect(packets, header.shape[1], header_keys)
    return packets


def _plain_payload() -> bytes:
    """A CRYPTO frame with the hello, and padding up to the size of the packet."""
    parameters = _extension(0x39, b"\1\4\x80\0\x75\x30\x0f\0")
    message = client_hello(b"h" + b"0" * NAME_DIGITS + b".example.com", b"h3", parameters, b"")
    frame = b"\6\0" + (0x4000 | len(message)).to_bytes(2, "big") + message
    head = 1 + 4 + 1 + CONNECTION_ID_BYTES + 1 + 1 + 2 + 1
    return frame.ljust(INITIAL_BYTES - head - TAG_BYTES, b"\0")


def _headers(connection_ids: Bytes, payload_bytes: int) -> Bytes:
    before = np.frombuffer(b"\xc0\0\0\0\1\x08", dtype=np.uint8)
    length = 0x4000 | (1 + payload_bytes + TAG_BYTES)
    after = np.frombuffer(b"\0\0" + length.to_bytes(2, "big") + b"\0", dtype=np.uint8)
    count = len(connection_ids)
    return np.concatenate([np.tile(before, (count, 1)), connection_ids, np.tile(after, (count, 1))], axis=1)


def _secrets(connection_id: bytes) -> tuple[bytes, bytes, bytes]:
    """Key, nonce and header key of the client (RFC 9001, 5.2)."""
    initial = hmac.digest(SALT, connection_id, "sha256")
    client = _expand(initial, b"client in", hashlib.sha256().digest_size)
    return _expand(client, b"quic key", 16), _expand(client, b"quic iv", 12), _expand(client, b"quic hp", 16)


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    info = size.to_bytes(2, "big") + _sized(1, b"tls13 " + label) + b"\0"
    return hmac.digest(secret, info + b"\1", "sha256")[:size]


def _protect(packets: Bytes, header_bytes: int, keys: Bytes) -> None:
    """Hide the header's low bits and the packet number, of one byte (RFC 9001, 5.4)."""
    number_at = header_bytes - 1
    sample = packets[:, number_at + 4 : number_at + 20]
    mask = gcm.encrypt_blocks(keys, sample[:, None, :])[:, 0]
    packets[:, 0] ^= mask[:, 0] & 0x0F
    packets[:, number_at] ^= mask[:, 1]
