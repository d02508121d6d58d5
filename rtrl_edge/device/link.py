"""A device at the other end of a serial line."""

from __future__ import annotations

import struct
import time
from typing import Protocol, Self

import numpy as np

from ..errors import DataError, LinkError
from ..layout import layout
from ..model import Model
from . import Int16, State
from .protocol import (
    ANSWER,
    DIGEST_BYTES,
    ERROR,
    READ_MAX,
    VERSION,
    WRITE_BYTES,
    Frame,
    Line,
    LinkTimeoutError,
    Request,
    encode,
    refusal,
)

_HELLO_SECONDS = 1.0  # between two HELLOs
_FLUSH = bytes(2048)  # more than any request: ends a frame that the device may still be waiting for


class Deployed(Protocol):
    """What this side must know of the model on the chip; :class:`rtrl_edge.quantize.IntegerModel` is one."""

    @property
    def model(self) -> Model:
        """The model, for sizes and layout."""
        ...

    @property
    def digest(self) -> str:
        """sha256 in hex; the device tells its first 8 bytes."""
        ...


class LinkDevice:
    """The Device interface over a line; it must carry this very model.

    Args:
        integer_model: the model that the device was built from.
        line: the open line.
        timeout: seconds that any answer may take.

    Raises:
        LinkError: no device, or one with another model or protocol.
    """

    def __init__(self, integer_model: Deployed, line: Line, *, timeout: float = 10.0) -> None:
        self._model, self._digest = integer_model.model, integer_model.digest
        self._line, self._timeout = line, timeout
        self._layout = layout(self._model)
        self._sequence = 0
        self._closed = False
        dims = self._model.dims
        self._inputs, self._outputs = dims.inputs, dims.outputs
        self._hello()

    # ------------------------------------------------------------------------------ the Device interface

    def predict(self, x: Int16) -> Int16:
        """Advance by one sample x (inputs,); return y (outputs,)."""
        return self._words(self._ask(Request.PREDICT, self._bytes("x", x, self._inputs), 2 * self._outputs))

    def learn(self, target: Int16) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        answer = self._ask(Request.LEARN, self._bytes("target", target, self._outputs), 1)
        self._status("learn", answer[0])

    def observe(self) -> None:
        """The sample just predicted has no label."""
        self._status("observe", self._ask(Request.OBSERVE, b"", 1)[0])

    def reset(self) -> None:
        """Forget the past; keep the weights."""
        self._ask(Request.RESET, b"", 0)

    def state(self) -> State:
        """A copy of every member of the state struct, by name."""
        memory = np.frombuffer(self.read(0, self._layout.size), np.uint8)
        return {name: view.copy() for name, view in self._layout.views(memory).items()}

    def close(self) -> None:
        """Further calls are errors."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------- extras

    def step(self, target: Int16, x: Int16) -> Int16:
        """``learn(target)`` of the last sample, then ``predict(x)`` of the next, in one round trip."""
        payload = self._bytes("target", target, self._outputs) + self._bytes("x", x, self._inputs)
        answer = self._ask(Request.STEP, payload, 1 + 2 * self._outputs)
        self._status("step", answer[0])
        return self._words(answer[1:])

    def restart(self) -> None:
        """Factory weights, empty past."""
        self._ask(Request.RESTART, b"", 0)

    def read(self, offset: int, count: int) -> bytes:
        """Bytes of the state struct."""
        parts = []
        for at in range(offset, offset + count, READ_MAX):
            size = min(READ_MAX, offset + count - at)
            parts.append(self._ask(Request.READ, struct.pack("<IH", at, size), size))
        return b"".join(parts)

    def write(self, offset: int, content: bytes) -> None:
        """Put whole 32-bit words into the state struct; ``offset`` and length are multiples of 4."""
        if offset % WRITE_BYTES or len(content) % WRITE_BYTES:
            raise LinkError(f"link: write: wanted multiples of {WRITE_BYTES}, found {len(content)} bytes at {offset}")
        for at in range(0, len(content), WRITE_BYTES):
            payload = struct.pack("<I", offset + at) + content[at : at + WRITE_BYTES]
            self._ask(Request.WRITE, payload, 0)

    def self_test(self) -> int:
        """Let the device play the stored samples: 0 if its bits are the reference's, 1 if its factory weights differ,
        1 + n if step n is the first that does. Then it has factory weights and an empty past."""
        return int.from_bytes(self._ask(Request.SELF_TEST, b"", 2), "little")

    def stack_high_water(self) -> int:
        """Most bytes of stack that the firmware has ever used since reset."""
        used, _ = struct.unpack("<II", self._ask(Request.STACK, b"", 8))
        return int(used)

    # ------------------------------------------------------------------------------------------ inside

    def _ask(self, request: Request, payload: bytes, wanted: int) -> bytes:
        if self._closed:
            raise LinkError(f"link: {request.name} after close(); open the device again")
        sequence = self._sequence = (self._sequence + 1) & 0xFF
        self._line.send(encode(request, sequence, payload), self._timeout)
        frame = self._line.receive(self._timeout, f"the answer to {request.name}")
        if frame.type == ERROR:
            raise LinkError(f"device: {refusal(frame)}")
        if frame.type != request | ANSWER or frame.sequence != sequence or len(frame.payload) != wanted:
            raise LinkError(
                f"device: answer to {request.name}: "
                f"wanted type 0x{request | ANSWER:02x}, sequence {sequence}, {wanted} bytes; "
                f"found type 0x{frame.type:02x}, sequence {frame.sequence}, {len(frame.payload)} bytes"
            )
        return frame.payload

    def _hello(self) -> None:
        """End whatever an earlier session left on the line, then ask who is there."""
        frame = self._first_answer()
        if len(frame.payload) != 9 + DIGEST_BYTES or frame.payload[0] != VERSION:
            found = frame.payload[0] if frame.payload else "nothing"
            raise LinkError(
                f"device: HELLO: wanted protocol version {VERSION} (17 bytes), "
                f"found {found} ({len(frame.payload)} bytes); build the firmware again with this package"
            )
        digest, *sizes = struct.unpack(f"<{DIGEST_BYTES}sIHH", frame.payload[1:])
        wanted_digest = self._digest[: 2 * DIGEST_BYTES]
        if digest.hex() != wanted_digest:
            raise LinkError(
                f"device: HELLO: wanted the model with digest {wanted_digest}, found {digest.hex()}; "
                "flash this model, or open that one"
            )
        wanted = [self._layout.size, self._inputs, self._outputs]
        if sizes != wanted:
            raise LinkError(f"device: HELLO: wanted struct bytes, inputs, outputs {wanted}, found {sizes}")

    def _first_answer(self) -> Frame:
        """Ask again and again: a UART that the device has not switched on yet drops what comes."""
        deadline = time.monotonic() + self._timeout
        while True:
            self._sequence += 1
            self._line.send(_FLUSH + encode(Request.HELLO, self._sequence), self._timeout)
            again = min(time.monotonic() + _HELLO_SECONDS, deadline)
            try:
                while True:  # past answers to an earlier session, or to an earlier question
                    frame = self._line.receive(again - time.monotonic(), "the answer to HELLO")
                    if (frame.type, frame.sequence) == (Request.HELLO | ANSWER, self._sequence):
                        return frame
            except LinkTimeoutError:
                if again < deadline:
                    continue
                raise LinkTimeoutError(
                    f"link: waited {self._timeout:g} s for the answer to HELLO, found {self._line.found()}"
                ) from None

    @staticmethod
    def _status(call: str, status: int) -> None:
        if status:
            raise DataError(f"{call}: there is no prediction to work on; call predict(x) first, then {call} once")

    @staticmethod
    def _bytes(what: str, values: Int16, count: int) -> bytes:
        array = np.asarray(values)
        if array.dtype != np.int16 or array.shape != (count,):
            raise DataError(f"{what}: wanted int16 ({count},), found {array.dtype} {array.shape}")
        return array.astype("<i2").tobytes()

    @staticmethod
    def _words(payload: bytes) -> Int16:
        return np.frombuffer(payload, "<i2").astype(np.int16)
