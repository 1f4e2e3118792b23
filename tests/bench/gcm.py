"""AES-128 in Galois counter mode over many messages at once, each with a key of its own (FIPS 197, SP 800-38D).

For making workloads only: it is fast over thousands of messages and safe against nobody.
"""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

ROUNDS = 10
REDUCTION = np.uint64(0xE1 << 56)


def _doubled(value: int) -> int:
    return (value << 1 ^ (0x11B if value & 0x80 else 0)) & 0xFF


def _substitution() -> Bytes:
    """The S-box: the inverse in GF(2^8), then the affine map."""
    power, box = 1, [0x63] * 256
    powers = []
    for _ in range(255):
        powers.append(power)
        power ^= _doubled(power)
    for exponent, value in enumerate(powers):
        inverse = powers[-exponent % 255]
        turned = inverse
        for shift in range(1, 5):
            turned ^= inverse << shift | inverse >> (8 - shift)
        box[value] = turned & 0xFF ^ 0x63
    return np.array(box, dtype=np.uint8)


BOX = _substitution()
DOUBLED = np.array([_doubled(value) for value in range(256)], dtype=np.uint8)
SHIFTED_ROWS = np.array([(column * 4 + row + 4 * row) % 16 for column in range(4) for row in range(4)])


def _round_keys(keys: Bytes) -> list[Bytes]:
    words = [keys[:, 4 * place : 4 * place + 4] for place in range(4)]
    constant = 1
    for place in range(4, 4 * (ROUNDS + 1)):
        word = words[-1]
        if place % 4 == 0:
            word = BOX[np.roll(word, -1, axis=1)]
            word[:, 0] ^= constant
            constant = _doubled(constant)
        words.append(words[place - 4] ^ word)
    return [np.concatenate(words[4 * number : 4 * number + 4], axis=1) for number in range(ROUNDS + 1)]


def encrypt_blocks(keys: Bytes, blocks: Bytes) -> Bytes:
    """AES-128 of ``blocks[message, block, 16]`` under ``keys[message, 16]``."""
    round_keys = [key[:, None, :] for key in _round_keys(keys)]
    state = blocks ^ round_keys[0]
    for number in range(1, ROUNDS + 1):
        state = BOX[state][:, :, SHIFTED_ROWS]
        if number < ROUNDS:
            state = _mixed(state)
        state ^= round_keys[number]
    return state


def _mixed(state: Bytes) -> Bytes:
    columns = state.reshape(*state.shape[:2], 4, 4)
    following = np.roll(columns, -1, axis=3)
    every = columns[..., :1] ^ columns[..., 1:2] ^ columns[..., 2:3] ^ columns[..., 3:]
    mixed: Bytes = (columns ^ every ^ DOUBLED[columns ^ following]).reshape(state.shape)
    return mixed


def seal(keys: Bytes, nonces: Bytes, associated: Bytes, plain: Bytes) -> Bytes:
    """Encrypt ``plain[message, :]`` and put the tag behind it."""
    count, size = plain.shape
    blocks = -(-size // 16)
    counters = np.zeros((count, blocks + 1, 16), dtype=np.uint8)
    counters[:, :, :12] = nonces[:, None, :]
    numbers = np.arange(1, blocks + 2, dtype=">u4").view(np.uint8).reshape(-1, 4)
    counters[:, :, 12:] = numbers
    stream = encrypt_blocks(keys, counters)
    sealed = plain ^ stream[:, 1:].reshape(count, -1)[:, :size]
    hash_keys = encrypt_blocks(keys, np.zeros((count, 1, 16), dtype=np.uint8))[:, 0]
    bits = np.array([8 * associated.shape[1], 8 * size], dtype=">u8").view(np.uint8)
    hashed = np.concatenate([_padded(associated), _padded(sealed), np.tile(bits, (count, 1))], axis=1)
    return np.concatenate([sealed, _hash(hash_keys, hashed) ^ stream[:, 0]], axis=1)


def _padded(content: Bytes) -> Bytes:
    return np.pad(content, ((0, 0), (0, -content.shape[1] % 16)))


def _hash(keys: Bytes, content: Bytes) -> Bytes:
    """GHASH of every row under its key."""
    words = content.reshape(len(content), -1, 16).copy().view(">u8").astype(np.uint64)
    high = np.zeros(len(content), dtype=np.uint64)
    low = high.copy()
    multiples = _multiples(keys)
    for block in range(words.shape[1]):
        high, low = _times(high ^ words[:, block, 0], low ^ words[:, block, 1], multiples)
    return np.stack([high, low], axis=1).astype(">u8").view(np.uint8).reshape(-1, 16)


def _multiples(keys: Bytes) -> list[tuple[Words, Words]]:
    """The key times each power of x, the highest bit first."""
    halves = keys.copy().view(">u8").astype(np.uint64)
    high, low = halves[:, 0], halves[:, 1]
    found = []
    one, edge = np.uint64(1), np.uint64(63)
    for _ in range(128):
        found.append((high, low))
        carried = (low & one) * REDUCTION
        high, low = high >> one ^ carried, low >> one | high << edge
    return found


def _times(high: Words, low: Words, multiples: list[tuple[Words, Words]]) -> tuple[Words, Words]:
    product_high, product_low = np.zeros_like(high), np.zeros_like(low)
    one = np.uint64(1)
    for bit, (key_high, key_low) in enumerate(multiples):
        half = high if bit < 64 else low
        mask = np.uint64(0) - (half >> np.uint64(63 - bit % 64) & one)
        product_high ^= key_high & mask
        product_low ^= key_low & mask
    return product_high, product_low
