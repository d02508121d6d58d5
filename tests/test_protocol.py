"""Frames on both sides of the line: the host's parser, and the firmware as a program under sanitizers."""

from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
from binascii import crc_hqx
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from rtrl_edge.boards import load_board
from rtrl_edge.device.emulator import Emulator
from rtrl_edge.device.host import HostTwin
from rtrl_edge.device.link import LinkDevice
from rtrl_edge.device.protocol import (
    ANSWER,
    ERROR,
    FRAME_MAX,
    READ_MAX,
    VERSION,
    Code,
    Frame,
    Line,
    Refusal,
    Request,
    encode,
    refusal,
    take_frame,
)
from rtrl_edge.errors import DataError, LinkError
from rtrl_edge.firmware import build_firmware, firmware_project
from rtrl_edge.layout import differences, layout
from rtrl_edge.model import RNN, Linear, Model
from rtrl_edge.quantize import IntegerModel, quantize
from rtrl_edge.stream import next_sample
from rtrl_edge.weights import initial

from .needs import needs

INPUTS, OUTPUTS = 3, 3
PAYLOAD_MAX = 2 * (INPUTS + OUTPUTS)
LENGTHS = {
    Request.HELLO: 0, Request.RESTART: 0, Request.RESET: 0, Request.PREDICT: 2 * INPUTS,
    Request.LEARN: 2 * OUTPUTS, Request.OBSERVE: 0, Request.STEP: PAYLOAD_MAX, Request.READ: 6,
    Request.STACK: 0, Request.QUIT: 0, Request.WRITE: 8, Request.SELF_TEST: 0,
}  # fmt: skip
FLUSH = bytes(5 + PAYLOAD_MAX + 2)
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def model() -> IntegerModel:
    past = next_sample(np.random.default_rng(0).uniform(-1, 1, (300, INPUTS)))
    definition = Model("gait", INPUTS, [RNN(5)], Linear(OUTPUTS))
    return quantize(definition, initial(definition, 1), past)


# ------------------------------------------------------------------------------------------ host's parser


def test_crc_is_ccitt_false() -> None:
    """Its published check value is 0x29B1 for '123456789'."""
    assert crc_hqx(b"123456789", 0xFFFF) == 0x29B1
    frame = encode(1, 2, b"abc")
    assert frame[:5] == b"\xa5\x01\x02\x03\x00"
    assert int.from_bytes(frame[-2:], "little") == crc_hqx(frame[1:-2], 0xFFFF)


@pytest.mark.parametrize("size", [0, 1, 2, READ_MAX - 1, READ_MAX])
def test_a_frame_comes_back(size: int) -> None:
    buffer = bytearray(encode(0x84, 7, b"\xa5" * size) + b"\xa5")
    assert take_frame(buffer) == Frame(0x84, 7, b"\xa5" * size)
    assert buffer == b"\xa5"


def test_every_truncation_waits_for_more() -> None:
    frame = encode(0x84, 7, b"abcdef")
    for size in range(len(frame)):
        buffer = bytearray(frame[:size])
        assert take_frame(buffer) is None
        buffer += frame[size:]
        assert take_frame(buffer) == Frame(0x84, 7, b"abcdef")


def test_every_broken_bit_is_found() -> None:
    frame = encode(0x84, 7, b"abcdef")
    for bit in range(8, 8 * len(frame)):
        buffer = bytearray(frame)
        buffer[bit // 8] ^= 1 << bit % 8
        longer = bit in (24, *range(27, 34))  # the length grows: it waits for bytes that never come
        with nullcontext() if longer else pytest.raises(LinkError, match="wanted"):
            assert take_frame(buffer) is None


def test_garbage_before_a_frame_is_skipped_and_a_long_one_is_refused() -> None:
    buffer = bytearray(b"boot message\r\n" + encode(0x81, 1, b"x"))
    assert take_frame(buffer) == Frame(0x81, 1, b"x")
    buffer = bytearray(b"\xa5\x81\x01\xff\xff" + encode(0x81, 2, b"y"))
    with pytest.raises(LinkError, match="wanted a payload of at most 1024 bytes, found length 65535"):
        take_frame(buffer)
    assert take_frame(buffer) == Frame(0x81, 2, b"y")


# ------------------------------------------------------------------------- host against a scripted device


class Script:
    """A device whose answers are written before they are asked for."""

    def __init__(self) -> None:
        self.answers, self._theirs = os.pipe()
        self._requests, self.requests = os.pipe()
        self.line = Line(self.answers, self.requests, lambda: "; it said: fault")

    def say(self, data: bytes) -> None:
        os.write(self._theirs, data)

    def hang_up(self) -> None:
        os.close(self._theirs)
        self._theirs = -1

    def close(self) -> None:
        for fd in (self.answers, self._theirs, self._requests, self.requests):
            if fd >= 0:
                os.close(fd)


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    yield script
    script.close()


def hello(model: IntegerModel, version: int = VERSION, digest: str = "", size: int = 0) -> bytes:
    raw = bytes.fromhex(digest or model.digest)[:8]
    payload = struct.pack("<B8sIHH", version, raw, size or layout(model.model).size, INPUTS, OUTPUTS)
    return encode(Request.HELLO | ANSWER, 1, payload)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"wanted protocol version 1 \(17 bytes\), found 2"),
        ({"digest": "00" * 32}, "wanted the model with digest [0-9a-f]{16}, found 0000000000000000"),
        ({"size": 12}, r"wanted struct bytes, inputs, outputs \[\d+, 3, 3\], found \[12, 3, 3\]"),
    ],
)
def test_another_device_is_refused(
    model: IntegerModel, script: Script, change: dict[str, object], message: str
) -> None:
    script.say(hello(model, **change))  # type: ignore[arg-type]
    with pytest.raises(LinkError, match=message):
        LinkDevice(model, script.line)


Y = encode(Request.PREDICT | ANSWER, 2, bytes(2 * OUTPUTS))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", r"waited 0\.05 s for the answer to PREDICT, found nothing"),
        (Y[:3], "found 3 bytes of a frame's header"),
        (Y[:-1], "found 12 of the 13 bytes of a frame"),
        (Y[:-1] + b"?", "broken on the way: wanted CRC"),
        (
            encode(Request.PREDICT | ANSWER, 1, bytes(6)),
            "wanted type 0x84, sequence 2, 6 bytes; found type 0x84, sequence 1",
        ),
        (encode(Request.LEARN | ANSWER, 2, bytes(1)), "found type 0x85, sequence 2, 1 bytes"),
        (
            encode(ERROR, 2, struct.pack("<BBII", 1, 4, 0x1234, 0x4321)),
            "PREDICT arrived broken: wanted CRC 0x1234, found 0x4321",
        ),
        (encode(ERROR, 2, struct.pack("<BBII", 99, 200, 0, 0)), "of type 0xc8 was refused with code 99"),
        (encode(ERROR, 2, b"?"), "error frame: wanted a payload of 10 bytes, found 1"),
    ],
)
def test_a_wrong_answer_says_what_is_wrong(model: IntegerModel, script: Script, answer: bytes, message: str) -> None:
    script.say(hello(model))
    device = LinkDevice(model, script.line, timeout=0.05)
    script.say(answer)
    with pytest.raises(LinkError, match=message):
        device.predict(np.zeros(INPUTS, np.int16))


def test_a_device_that_ends(model: IntegerModel, script: Script) -> None:
    script.say(encode(ERROR, 9, bytes(10)) + hello(model))  # an answer to an earlier session, before ours
    device = LinkDevice(model, script.line)
    script.say(Y[:4])
    script.hang_up()
    with pytest.raises(
        LinkError, match=r"ended while the answer to PREDICT was wanted, found 4 bytes of .*; it said: fault"
    ):
        device.predict(np.zeros(INPUTS, np.int16))
    device.close()
    with pytest.raises(LinkError, match="OBSERVE after close"):
        device.observe()


def test_wrong_arrays_are_refused(model: IntegerModel, script: Script) -> None:
    script.say(hello(model))
    device = LinkDevice(model, script.line)
    with pytest.raises(DataError, match=r"x: wanted int16 \(3,\), found float64 \(3,\)"):
        device.predict(np.zeros(INPUTS))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"target: wanted int16 \(3,\), found int16 \(4,\)"):
        device.learn(np.zeros(4, np.int16))


def test_every_refusal_is_a_sentence() -> None:
    for code in Code:
        assert str(Refusal(code, Request.READ, 1, 2)).startswith("the request READ ")


# ------------------------------------------------------- the firmware's parser, as a program with sanitizers


@pytest.fixture(scope="module")
def program(model: IntegerModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("gcc", "make")
    folder, board = tmp_path_factory.mktemp("native"), load_board("native")
    for file, text in firmware_project(model, board).items():
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return build_firmware(folder, board, extra_flags=SANITIZERS).elf


def play(program: Path, data: bytes) -> list[Frame]:
    """What the firmware answers to these bytes; it must live to the end of them."""
    done = subprocess.run([str(program)], input=data, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    answers, buffer = [], bytearray(done.stdout)
    while (frame := take_frame(buffer)) is not None:
        answers.append(frame)
    assert not buffer
    return answers


def ask(program: Path, data: bytes) -> str:
    """Names of the answers, the code's in place of ERROR."""
    names = [
        Code(refusal(a).code).name if a.type == ERROR else Request(a.type & ~ANSWER).name for a in play(program, data)
    ]
    return " ".join(names)


HELLO = encode(Request.HELLO, 5)
PREDICT = encode(Request.PREDICT, 6, bytes(2 * INPUTS))


def test_every_request_is_answered(program: Path, model: IntegerModel) -> None:
    requests = [request for request in Request if request != Request.QUIT] + [Request.QUIT]
    answers = play(program, b"".join(encode(r, 10 + r, bytes(LENGTHS[r])) for r in requests) + HELLO)
    assert [a.sequence for a in answers] == [10 + r for r in requests]  # nothing after QUIT
    by_type = {a.type & ~ANSWER: a.payload for a in answers}
    assert by_type[Request.HELLO] == hello(model)[5:-2]
    assert len(by_type[Request.PREDICT]) == 2 * OUTPUTS
    assert (by_type[Request.LEARN], by_type[Request.OBSERVE], by_type[Request.STEP][:1]) == (
        b"\0",
        b"\1",
        b"\1",
    )
    assert refusal(answers[8]) == Refusal(Code.UNSUPPORTED, Request.STACK, 0, 0)
    assert by_type[Request.SELF_TEST] == b"\0\0"


@pytest.mark.parametrize("request_", [*LENGTHS])
def test_a_wrong_length_is_refused(program: Path, request_: Request) -> None:
    right = LENGTHS[request_]
    for length in {0, 1, right - 1, right + 1, PAYLOAD_MAX} - {right, -1}:
        (answer, after) = play(program, encode(request_, 3, bytes(length)) + HELLO)
        wanted = Code.WRONG_LENGTH if length <= PAYLOAD_MAX else Code.TOO_LONG
        assert refusal(answer).code == wanted
        assert (answer.sequence, after.sequence) == (3, 5)


def test_reading_past_the_struct_is_refused(program: Path, model: IntegerModel) -> None:
    size = layout(model.model).size
    for offset, count, most in [
        (size, 1, 0), (size - 1, 2, 1), (0, READ_MAX + 1, min(size, READ_MAX)),
        (2**32 - 1, 65535, 0), (size + 1, 1, 0),
    ]:  # fmt: skip
        (answer,) = play(program, encode(Request.READ, 3, struct.pack("<IH", offset, count)))
        assert refusal(answer) == Refusal(Code.OUT_OF_RANGE, Request.READ, most, count)
    for offset, count in [(size, 0), (2**32 - 1, 0), (size - 1, 1), (0, min(size, READ_MAX))]:
        (answer,) = play(program, encode(Request.READ, 3, struct.pack("<IH", offset, count)))
        assert (answer.type, len(answer.payload)) == (Request.READ | ANSWER, count)


def test_writing_past_the_struct_is_refused(program: Path, model: IntegerModel) -> None:
    size = layout(model.model).size
    for offset, most in [(size, 0), (size - 1, 1), (size - 3, 3), (2**32 - 1, 0)]:
        (answer,) = play(program, encode(Request.WRITE, 3, struct.pack("<II", offset, 0)))
        assert refusal(answer) == Refusal(Code.OUT_OF_RANGE, Request.WRITE, most, 4)
    read = encode(Request.READ, 4, struct.pack("<IH", size - 4, 4))
    write = encode(Request.WRITE, 3, struct.pack("<II", size - 4, 0x01020304))
    assert play(program, write + read)[1].payload == b"\4\3\2\1"


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        (b"garbage\r\n\0\xff" + HELLO, "HELLO"),
        (HELLO[:-1] + b"?" + HELLO, "BAD_CRC HELLO"),
        (PREDICT[:-3] + HELLO, "BAD_CRC HELLO"),  # three bytes lost: HELLO's first were taken for them
        (b"\xa5\x04\x06\xff\xff" + HELLO, "TOO_LONG HELLO"),
        (b"\xa5" * 40 + HELLO + FLUSH, "TOO_LONG HELLO"),
        (b"\xa5\x04\x06" + struct.pack("<H", PAYLOAD_MAX + 1) + HELLO, "TOO_LONG HELLO"),
        (encode(0x0D, 1) + encode(0, 1) + HELLO, "UNKNOWN_TYPE UNKNOWN_TYPE HELLO"),
        (HELLO[:-1] + FLUSH + HELLO, "BAD_CRC HELLO"),  # truncated, ended by zeros
        (b"\xa5\x04\x06\x06\x00" + HELLO[:-2] + b"??" + HELLO, "BAD_CRC HELLO"),  # broken inside broken
        (b"\xa5\x04\x06\x0b\x00" + HELLO + b"????" + b"??" + HELLO, "BAD_CRC HELLO HELLO"),
        (HELLO * 100, " ".join(["HELLO"] * 100)),
    ],
)  # fmt: skip
def test_broken_frames_are_answered_and_good_ones_not_lost(program: Path, data: bytes, answers: str) -> None:
    assert ask(program, data) == answers


def test_every_truncation_and_every_broken_bit(program: Path) -> None:
    """Zeros end a truncated frame; it or a broken bit makes at most one error; then the line works again."""
    for size in range(1, len(PREDICT)):
        assert ask(program, PREDICT[:size] + FLUSH + HELLO) in ("BAD_CRC HELLO", "HELLO")
    parts = []
    for bit in range(8 * len(PREDICT)):
        broken = bytearray(PREDICT)
        broken[bit // 8] ^= 1 << bit % 8
        parts.append(bytes(broken) + FLUSH + HELLO)
    answers = ask(program, b"".join(parts)).split()
    assert answers.count("HELLO") == len(parts)
    assert "PREDICT" not in answers
    assert len(answers) <= 2 * len(parts)


def test_random_bytes_never_crash_it_and_it_always_resynchronises(program: Path) -> None:
    rng = np.random.default_rng(2024)
    requests = [request for request in Request if request not in (Request.QUIT, Request.WRITE)]  # it trusts its bytes
    data, probes = bytearray(), 0
    while len(data) < 200_000:
        for _ in range(rng.integers(1, 8)):
            request = requests[rng.integers(len(requests))]
            frame = bytearray(encode(request, int(rng.integers(256)), rng.bytes(int(rng.integers(PAYLOAD_MAX + 4)))))
            kind = rng.integers(5)
            if kind == 0:
                frame = bytearray(rng.bytes(int(rng.integers(1, 60))))
            elif kind == 1:
                del frame[int(rng.integers(len(frame))) :]
            elif kind == 2:
                frame[int(rng.integers(len(frame)))] = int(rng.choice([0xA5, 0, 0xFF, rng.integers(256)]))
            elif kind == 3:
                frame = bytearray(encode(request, 1, rng.bytes(LENGTHS[request])))
            data += frame
        data += FLUSH + encode(Request.HELLO, probes % 256)
        probes += 1
    answers = play(program, bytes(data))
    greeted = [a.sequence for a in answers if a.type == Request.HELLO | ANSWER]
    expected = iter(greeted)
    assert all(any(sequence == i % 256 for sequence in expected) for i in range(probes))  # in this order
    assert sum(a.type == ERROR for a in answers) > probes


def test_the_native_firmware_is_the_twin(model: IntegerModel) -> None:
    needs("gcc", "make")
    rng = np.random.default_rng(3)
    x = rng.integers(-32768, 32768, (200, INPUTS)).astype(np.int16)
    target = rng.integers(-8192, 8192, (200, OUTPUTS)).astype(np.int16)
    with Emulator(model, "native", extra_flags=SANITIZERS) as chip, HostTwin(model) as twin:
        for t in range(200):
            np.testing.assert_array_equal(chip.predict(x[t]), twin.predict(x[t]))
            for device in (chip, twin):
                if t % 3:
                    device.learn(target[t])
                elif t % 2:
                    device.observe()
            if t == 100:
                chip.reset()
                twin.reset()
        assert not differences(chip.state(), twin.state(), model.model)
        chip.restart()
        chip.predict(x[0])
        chip.observe()
        for call in (lambda: chip.learn(target[0]), chip.observe, lambda: chip.step(target[0], x[0])):
            with pytest.raises(DataError, match="no prediction"):
                call()
        chip.predict(x[0])  # the link still works
        with pytest.raises(LinkError, match="the request STACK cannot be served on this board"):
            chip.stack_high_water()
        with pytest.raises(LinkError, match="READ is out of range: wanted a count of at most 0, found 4"):
            chip.read(layout(model.model).size, 4)


def test_another_model_on_the_chip_is_refused(model: IntegerModel) -> None:
    needs("gcc", "make")
    other = dataclasses.replace(model, w_hi=model.w_hi + np.int16(1))
    with Emulator(other, "native") as chip, pytest.raises(LinkError, match="wanted the model with digest"):
        LinkDevice(model, chip._line)


def test_frame_max() -> None:
    assert len(encode(Request.READ | ANSWER, 0, bytes(READ_MAX))) == FRAME_MAX
