"""Mnemonics to bytes: checked against the encoding that the kernel documents."""

import sys

import pytest

from sensor.prefilter.assembler import Assembler, Helper, Register, network16

little = pytest.mark.skipif(sys.byteorder != "little", reason="the expected bytes are little endian")


def assemble(*steps: tuple[str, tuple[object, ...]]) -> str:
    code = Assembler()
    for method, arguments in steps:
        getattr(code, method)(*arguments)
    return code.assemble().hex(" ", 8)


@little
@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("move", (Register.R6, Register.R1), "bf16000000000000"),
        ("move", (Register.R0, -1), "b7000000ffffffff"),
        ("arithmetic", ("add", Register.R8, Register.R1), "0f18000000000000"),
        ("arithmetic", ("and", Register.R1, 15), "570100000f000000"),
        ("arithmetic", ("lsh", Register.R1, 2), "6701000002000000"),
        ("arithmetic32", ("mov", Register.R0, 2), "b400000002000000"),
        ("load", (1, Register.R1, Register.FRAME, -40), "71a1d8ff00000000"),
        ("load", (2, Register.R1, Register.FRAME, -40), "69a1d8ff00000000"),
        ("load", (4, Register.R1, Register.R6, 16), "6161100000000000"),
        ("load", (8, Register.R1, Register.R0, 8), "7901080000000000"),
        ("store", (4, Register.FRAME, -56, Register.R1), "631ac8ff00000000"),
        ("store", (8, Register.FRAME, -40, 0), "7a0ad8ff00000000"),
        ("store", (4, Register.FRAME, -32, 128), "620ae0ff80000000"),
        ("load_map", (Register.R1, 5), "1811000005000000 0000000000000000"),
        ("call", (Helper.SKB_LOAD_BYTES_RELATIVE,), "8500000044000000"),
        ("leave", (1,), "b400000001000000 9500000000000000"),
        ("address", (Register.R2, -8), "bfa2000000000000 07020000f8ffffff"),
    ],
)
def test_encoding(method: str, arguments: tuple[object, ...], expected: str) -> None:
    assert assemble((method, arguments)) == expected


@little
def test_labels_forward_and_back() -> None:
    assert assemble(
        ("label", ("start",)),
        ("jump_if", ("eq", Register.R1, 8, "end")),
        ("jump_if", ("ne", Register.R1, Register.R2, "start")),
        ("load_map", (Register.R1, 3)),
        ("jump_if32", ("set", Register.R1, 1, "end")),
        ("jump", ("start",)),
        ("label", ("end",)),
        ("leave", (0,)),
    ).split() == [
        "1501050008000000", "5d21feff00000000", "1811000003000000", "0000000000000000",
        "4601010001000000", "0500faff00000000", "b400000000000000", "9500000000000000",
    ]  # fmt: skip


def test_a_label_stands_once() -> None:
    code = Assembler()
    code.label("here")
    with pytest.raises(ValueError, match="here stands twice"):
        code.label("here")


def test_a_label_stands_somewhere() -> None:
    code = Assembler()
    code.jump("nowhere")
    with pytest.raises(ValueError, match="nowhere stands nowhere"):
        code.assemble()


def test_a_label_is_near() -> None:
    code = Assembler()
    code.jump("far")
    for _ in range(40_000):
        code.move(Register.R0, 0)
    code.label("far")
    code.leave(0)
    with pytest.raises(ValueError, match="40000 instructions away"):
        code.assemble()


def test_network_order() -> None:
    assert network16(0x0800).to_bytes(2, sys.byteorder) == b"\x08\x00"
