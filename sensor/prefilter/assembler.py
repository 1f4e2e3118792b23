"""Instructions of the kernel's packet machine (eBPF), written by mnemonic, with labels instead of offsets."""

import struct
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_LOAD_WIDE: Final = 0x18
_LOAD: Final = 0x61
_STORE: Final = 0x63
_STORE_NUMBER: Final = 0x62
_SIZES: Final = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}
_ARITHMETIC: Final = {"add": 0x00, "or": 0x40, "and": 0x50, "lsh": 0x60, "rsh": 0x70, "mov": 0xB0}
_JUMPS: Final = {"eq": 0x10, "gt": 0x20, "ge": 0x30, "set": 0x40, "ne": 0x50, "lt": 0xA0}
_WIDTH_64: Final = 0x07
_WIDTH_32: Final = 0x04
_JUMP_64: Final = 0x05
_JUMP_32: Final = 0x06
_FROM_REGISTER: Final = 0x08
_CALL: Final = 0x85
_EXIT: Final = 0x95
_PSEUDO_MAP_DESCRIPTOR: Final = 1

INSTRUCTION_BYTES: Final = 8
MAXIMUM_JUMP: Final = (1 << 15) - 1


class Register(IntEnum):
    """The machine's registers: R0 is what a call returns, R1 to R5 go into it and are lost, R6 to R9 stay."""

    R0 = 0
    R1 = 1
    R2 = 2
    R3 = 3
    R4 = 4
    R5 = 5
    R6 = 6
    R7 = 7
    R8 = 8
    R9 = 9
    FRAME = 10


class Helper(IntEnum):
    """The kernel's functions that the prefilter calls, by their numbers."""

    MAP_LOOKUP = 1
    MAP_UPDATE = 2
    SKB_LOAD_BYTES = 26
    SKB_LOAD_BYTES_RELATIVE = 68
    XDP_BUFFER_LENGTH = 188
    XDP_LOAD_BYTES = 189


def network16(number: int) -> int:
    """Return what a 16-bit load of a number in network byte order gives on this machine."""
    return int.from_bytes(number.to_bytes(2, "big"), sys.byteorder)


@dataclass(frozen=True, slots=True)
class _Instruction:
    code: int
    destination: int = 0
    source: int = 0
    offset: int = 0
    number: int = 0
    target: str | None = None

    def pack(self, offset: int) -> bytes:
        low, high = self.destination, self.source
        registers = low | high << 4 if sys.byteorder == "little" else low << 4 | high
        # A number may be written signed or unsigned: the machine has 32 bits for it.
        return struct.pack("=BBhI", self.code, registers, offset, self.number & 0xFFFF_FFFF)


class Assembler:
    """Collects instructions; ``assemble`` turns labels into offsets.

    Every method appends one instruction, except ``label``, which names the place of the next.
    """

    def __init__(self) -> None:
        self._instructions: list[_Instruction] = []
        self._labels: dict[str, int] = {}

    def __len__(self) -> int:
        """Return the number of instructions so far; a wide load is two."""
        return len(self._instructions)

    def label(self, name: str) -> None:
        """Name the place of the next instruction.

        Raises
        ------
        ValueError
            The name is taken.
        """
        if name in self._labels:
            message = f"label {name} stands twice"
            raise ValueError(message)
        self._labels[name] = len(self._instructions)

    def arithmetic(self, operation: str, register: Register, operand: Register | int) -> None:
        """``register = register OPERATION operand`` in 64 bits: add, or, and, lsh, rsh, mov."""
        self._two_operands(_ARITHMETIC[operation] | _WIDTH_64, register, operand)

    def arithmetic32(self, operation: str, register: Register, operand: Register | int) -> None:
        """Compute in 32 bits; the upper half becomes zero."""
        self._two_operands(_ARITHMETIC[operation] | _WIDTH_32, register, operand)

    def move(self, register: Register, operand: Register | int) -> None:
        """``register = operand``."""
        self.arithmetic("mov", register, operand)

    def address(self, register: Register, offset: int) -> None:
        """``register`` = the address of a place on the stack."""
        self.move(register, Register.FRAME)
        self.arithmetic("add", register, offset)

    def load(self, size: int, register: Register, base: Register, offset: int) -> None:
        """``register`` = ``size`` bytes at ``base + offset``."""
        self._append(_Instruction(_LOAD & ~0x18 | _SIZES[size], register, base, offset))

    def store(self, size: int, base: Register, offset: int, value: Register | int) -> None:
        """``size`` bytes at ``base + offset`` = ``value``."""
        if isinstance(value, Register):
            self._append(_Instruction(_STORE & ~0x18 | _SIZES[size], base, value, offset))
        else:
            self._append(_Instruction(_STORE_NUMBER & ~0x18 | _SIZES[size], base, 0, offset, value))

    def load_map(self, register: Register, descriptor: int) -> None:
        """``register`` = the map open as ``descriptor`` in the process that loads the program."""
        self._append(_Instruction(_LOAD_WIDE, register, _PSEUDO_MAP_DESCRIPTOR, number=descriptor))
        self._append(_Instruction(0))

    def call(self, helper: Helper) -> None:
        """Call a function of the kernel; its result is in R0."""
        self._append(_Instruction(_CALL, number=helper))

    def jump(self, target: str) -> None:
        """Go on at a label."""
        self._append(_Instruction(_JUMP_64, target=target))

    def jump_if(self, comparison: str, register: Register, operand: Register | int, target: str) -> None:
        """Go on at a label if the comparison of 64 bits holds: eq, ne, gt, ge, lt, set (common bits)."""
        self._two_operands(_JUMPS[comparison] | _JUMP_64, register, operand, target)

    def jump_if32(self, comparison: str, register: Register, operand: Register | int, target: str) -> None:
        """Go on at a label if the comparison of the lower 32 bits holds."""
        self._two_operands(_JUMPS[comparison] | _JUMP_32, register, operand, target)

    def leave(self, result: int) -> None:
        """Return a number from the program; two instructions."""
        self.arithmetic32("mov", Register.R0, result)
        self._append(_Instruction(_EXIT))

    def assemble(self) -> bytes:
        """Return the machine's bytes.

        Raises
        ------
        ValueError
            A label that is jumped to stands nowhere, or stands too far away.
        """
        return b"".join(
            instruction.pack(self._offset(place, instruction))
            for place, instruction in enumerate(self._instructions)
        )

    def _offset(self, place: int, instruction: _Instruction) -> int:
        if instruction.target is None:
            return instruction.offset
        if instruction.target not in self._labels:
            message = f"label {instruction.target} stands nowhere"
            raise ValueError(message)
        offset = self._labels[instruction.target] - place - 1
        if abs(offset) > MAXIMUM_JUMP:
            message = f"label {instruction.target} is {offset} instructions away"
            raise ValueError(message)
        return offset

    def _two_operands(
        self, code: int, register: Register, operand: Register | int, target: str | None = None
    ) -> None:
        if isinstance(operand, Register):
            self._append(_Instruction(code | _FROM_REGISTER, register, operand, target=target))
        else:
            self._append(_Instruction(code, register, number=operand, target=target))

    def _append(self, instruction: _Instruction) -> None:
        self._instructions.append(instruction)
