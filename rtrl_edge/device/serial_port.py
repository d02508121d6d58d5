"""A real board on a serial port of this computer."""

from __future__ import annotations

import os
import termios
import tty
from pathlib import Path

from ..errors import LinkError
from .link import Deployed, LinkDevice
from .protocol import Line


class SerialPort(LinkDevice):
    """The firmware of a model on a board at ``port``, 115200 baud, 8 bits, no parity: what all our firmwares speak.

    Args:
        integer_model: the model that the board was flashed with.
        port: such as ``/dev/ttyACM0``.
        timeout: seconds that any answer may take.

    Raises:
        LinkError: no such port, no permission, no serial port; no answer, or one of another model.
    """

    def __init__(self, integer_model: Deployed, port: str | Path, *, timeout: float = 10.0) -> None:
        try:
            self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
        except OSError as error:
            why = "; you may have to join the group 'dialout'" if isinstance(error, PermissionError) else ""
            raise LinkError(f"serial port {str(port)!r}: cannot be opened ({error.strerror}){why}") from None
        try:
            self._set_up(port)
            super().__init__(integer_model, Line(self._fd, self._fd), timeout=timeout)
        except BaseException:
            os.close(self._fd)
            raise

    def _set_up(self, port: str | Path) -> None:
        try:
            tty.setraw(self._fd, termios.TCSANOW)
            attributes = termios.tcgetattr(self._fd)
        except termios.error:
            raise LinkError(f"serial port {str(port)!r}: wanted a serial port, found something else") from None
        attributes[2] |= termios.CLOCAL | termios.CREAD
        attributes[4] = attributes[5] = termios.B115200
        termios.tcsetattr(self._fd, termios.TCSANOW, attributes)

    def close(self) -> None:
        """Let go of the port; the board goes on waiting. Further calls are errors."""
        if not self._closed:
            os.close(self._fd)
        super().close()
