"""The host's side of the serial frames (firmware_templates/common/link.h is the device's).

    sync 0xA5 | type 1 | sequence 1 | length 2 | payload | crc 2          all integers little-endian

The CRC is CRC-16/CCITT-FALSE over all between the sync byte and itself; Python has it as ``crc_hqx``.
"""

from __future__ import annotations

import os
import select
import struct
import time
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ..errors import LinkError

VERSION = 1
SYNC = 0xA5
ANSWER = 0x80
ERROR = 0xFF
WRITE_BYTES = 4  # of the struct, in one WRITE
READ_MAX = 1024  # bytes of one READ answer, the longest answer there is
FRAME_MAX = 5 + READ_MAX + 2
DIGEST_BYTES = 8
_HEADER = struct.Struct("<BBBH")


class Request(IntEnum):
    """Types of requests; the answer's type has bit 7 set as well."""

    HELLO = 0x01
    RESTART = 0x02
    RESET = 0x03
    PREDICT = 0x04
    LEARN = 0x05
    OBSERVE = 0x06
    STEP = 0x07
    READ = 0x08
    STACK = 0x09
    QUIT = 0x0A
    WRITE = 0x0B
    SELF_TEST = 0x0C


class Code(IntEnum):
    """Why the device refused a request."""

    BAD_CRC = 1
    TOO_LONG = 2
    UNKNOWN_TYPE = 3
    WRONG_LENGTH = 4
    OUT_OF_RANGE = 5
    UNSUPPORTED = 6


@dataclass(frozen=True)
class Frame:
    """One frame, either way."""

    type: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Refusal:
    """Payload of an ERROR answer."""

    code: int
    type: int
    wanted: int
    found: int

    def __str__(self) -> str:
        request = next((known.name for known in Request if known == self.type), f"of type 0x{self.type:02x}")
        w, f = self.wanted, self.found
        try:
            words = {
                Code.BAD_CRC: f"arrived broken: wanted CRC 0x{w:04x}, found 0x{f:04x}",
                Code.TOO_LONG: f"is too long: wanted a payload of at most {w} bytes, found {f}",
                Code.UNKNOWN_TYPE: f"is unknown to it (type 0x{f:02x})",
                Code.WRONG_LENGTH: f"has the wrong length: wanted {w} bytes, found {f}",
                Code.OUT_OF_RANGE: f"is out of range: wanted a count of at most {w}, found {f}",
                Code.UNSUPPORTED: "cannot be served on this board",
            }[Code(self.code)]
        except ValueError:
            words = f"was refused with code {self.code}, which this version does not know"
        return f"the request {request} {words}"


def encode(kind: int, sequence: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    body = _HEADER.pack(SYNC, kind, sequence, len(payload)) + payload
    return body + crc_hqx(body[1:], 0xFFFF).to_bytes(2, "little")


def take_frame(buffer: bytearray) -> Frame | None:
    """Remove the first frame from the buffer; None while it is incomplete. Bytes before it are dropped.

    Raises:
        LinkError: the frame is broken or longer than any answer; its sync byte is dropped, so that the next
            call tries the next one.
    """
    start = buffer.find(SYNC)
    del buffer[: start if start >= 0 else len(buffer)]
    if len(buffer) < _HEADER.size:
        return None
    _, kind, sequence, length = _HEADER.unpack_from(buffer)
    if length > READ_MAX:
        del buffer[0]
        raise LinkError(
            f"device answer 0x{kind:02x}: wanted a payload of at most {READ_MAX} bytes, found length {length}"
        )
    size = _HEADER.size + length + 2
    if len(buffer) < size:
        return None
    wanted = crc_hqx(buffer[1 : size - 2], 0xFFFF)
    found = int.from_bytes(buffer[size - 2 : size], "little")
    if wanted != found:
        del buffer[0]
        raise LinkError(
            f"device answer 0x{kind:02x}: broken on the way: wanted CRC 0x{wanted:04x}, found 0x{found:04x}"
        )
    payload = bytes(buffer[_HEADER.size : size - 2])
    del buffer[:size]
    return Frame(kind, sequence, payload)


def refusal(frame: Frame) -> Refusal:
    """What an ERROR frame says."""
    if len(frame.payload) != 10:
        raise LinkError(f"device error frame: wanted a payload of 10 bytes, found {len(frame.payload)}")
    return Refusal(*struct.unpack("<BBII", frame.payload))


class LinkTimeoutError(LinkError):
    """Nothing, or too little, came in time."""


class Line:
    """Bytes to and from a device over two file descriptors: pipes, a socket or a serial port.

    ``gone`` tells, once the other side has closed, what is known of its end.
    """

    def __init__(self, read_fd: int, write_fd: int, gone: Callable[[], str] = lambda: "") -> None:
        self._read_fd, self._write_fd, self._gone = read_fd, write_fd, gone
        self._buffer = bytearray()

    def send(self, data: bytes, timeout: float) -> None:
        """Write all bytes.

        Raises:
            LinkError: the device does not take them in time, or is gone.
        """
        deadline = time.monotonic() + timeout
        while data:
            if not select.select([], [self._write_fd], [], max(0.0, deadline - time.monotonic()))[1]:
                raise LinkError(f"link: the device took no bytes for {timeout:g} s; {len(data)} are left to send")
            try:
                data = data[os.write(self._write_fd, data[:512]) :]
            except OSError as error:
                raise LinkError(f"link: the device is gone ({error.strerror}){self._gone()}") from None

    def receive(self, timeout: float, what: str) -> Frame:
        """The next frame; ``what`` says in a message what was waited for.

        Raises:
            LinkError: nothing, or only a part of a frame, came in time; a broken frame; the device is gone.
        """
        deadline = time.monotonic() + timeout
        while (frame := take_frame(self._buffer)) is None:
            if not select.select([self._read_fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise LinkTimeoutError(f"link: waited {timeout:g} s for {what}, found {self.found()}")
            try:
                data = os.read(self._read_fd, 4096)
            except OSError as error:
                raise LinkError(f"link: the device is gone ({error.strerror}){self._gone()}") from None
            if not data:
                raise LinkError(f"link: the device ended while {what} was wanted, found {self.found()}{self._gone()}")
            self._buffer += data
        return frame

    def found(self) -> str:
        """What has come of the next frame, in words."""
        if not self._buffer:
            return "nothing"
        if len(self._buffer) < _HEADER.size:
            return f"{len(self._buffer)} bytes of a frame's header"
        wanted = _HEADER.size + 2 + int.from_bytes(self._buffer[3:5], "little")
        return f"{len(self._buffer)} of the {wanted} bytes of a frame"
