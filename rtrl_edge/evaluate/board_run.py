"""A model on a board's emulator: what it answered, what it weighs, how much it works."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..boards import Board
from ..device.emulator import Emulator, InstructionCount
from ..firmware import Built, stack_usage
from ..plan import Plan, plan
from ..quantize import IntegerModel
from ..stream import Stream
from .contest import Progress
from .report import Resource
from .tables import text_table
from .verify import Transcript, transcript

#: the public calls that a firmware makes; their worst stack is the model's
CALLS = ("init", "reset", "predict", "learn", "observe")


@dataclass(frozen=True, eq=False)
class BoardRun:
    """Everything measured in one run.

    ``stack_bytes`` is the worst path of the model's calls by the compiler's account; ``stack_high_water_bytes``
    what the whole firmware really used, from painted memory. The first is None but for Cortex-M, both for the native
    firmware.
    """

    transcript: Transcript
    plan: Plan
    built: Built
    stack_bytes: int | None
    stack_high_water_bytes: int | None
    instructions: Mapping[str, InstructionCount]
    seconds: float

    def text(self) -> str:
        """A table for the terminal."""
        run = self.transcript.run
        rows = [(r.what, amount(r.planned, r.unit), amount(r.measured, r.unit), r.note) for r in self.resources()]
        return (
            f"{self.transcript.device}: {len(run):,} samples in {self.seconds:.1f} s, "
            f"prequential NRMSE {run.nrmse():.3f}\n"
            + text_table(("", "planned", "measured", "note"), rows, texts=("note",))
        )

    def figures(self) -> dict[str, object]:
        """The same as plain data, units in the key names."""
        return {
            "board": self.transcript.device,
            "samples": len(self.transcript.run),
            "nrmse_per_channel_std": self.transcript.run.nrmse(),
            "plan": self.plan.figures(),
            "model_flash_bytes": self.built.model_flash_bytes,
            "firmware_flash_bytes": self.built.flash_bytes,
            "firmware_ram_bytes": self.built.ram_bytes,
            "model_stack_bytes": self.stack_bytes,
            "firmware_stack_high_water_bytes": self.stack_high_water_bytes,
            "instructions": {
                call: {"calls": c.calls, "least": c.least, "most": c.most, "total": c.total}
                for call, c in self.instructions.items()
            },
            "seconds": self.seconds,
        }

    def resources(self) -> list[Resource]:
        """Planned against measured, for the report."""
        plan, counts = self.plan, self.instructions
        code = plan.code_bytes
        found = [
            Resource(
                "RAM of the state struct",
                plan.struct_bytes,
                plan.struct_bytes,
                "B",
                "asserted by the compiler",
            ),
            Resource(
                "flash of the model",
                None if code is None else plan.const_bytes + code,
                self.built.model_flash_bytes,
                "B",
                "kernels, tables and factory weights",
            ),
            Resource(
                "stack of the deepest call",
                plan.stack_bytes,
                self.stack_bytes,
                "B",
                "worst path by the compiler's account",
            ),
            Resource(
                "stack that the firmware used",
                None,
                self.stack_high_water_bytes,
                "B",
                "high-water mark of painted memory",
            ),
            Resource(
                "flash of the whole firmware",
                None,
                self.built.flash_bytes,
                "B",
                "startup, UART driver and protocol included",
            ),
        ]
        macs = {"predict": plan.macs_predict, "learn": plan.macs_learn}
        seen = plan.forecast
        planned = {"predict": seen.predict, "learn": seen.learn_most} if seen else {}
        for call, count in counts.items():
            if count.calls:
                per = f"{count.total / count.calls / macs[call]:.2f} per multiply-accumulate; " if call in macs else ""
                found.append(
                    Resource(
                        f"instructions of one {call}",
                        planned.get(call),
                        count.most,
                        "",
                        f"{per}most of {count.calls:,} calls, least {count.least:,}; not cycles",
                    )
                )
        return found


def amount(value: float | None, unit: str) -> str | None:
    """A figure with its unit for a table; None stays None."""
    return None if value is None else f"{value:,.0f} {unit}".strip()


def run_on_board(
    integer_model: IntegerModel,
    stream: Stream,
    board: Board,
    folder: Path | None = None,
    *,
    progress: Progress,
) -> BoardRun:
    """Build the firmware, boot it in the emulator, let it predict and learn a stream over its serial port.

    Raises PlanError before anything is built if the model does not fit.
    """
    planned = plan(integer_model, board)
    emulated = board.emulator is not None
    start = time.monotonic()
    bar = progress(f"{board.name} learns", len(stream))
    with Emulator(integer_model, board, folder, uart=board.uart is not None, count_instructions=emulated) as chip:
        found = transcript(board.name, chip, integer_model, stream, bar)
        high_water = chip.stack_high_water() if emulated else None
        calls = [f"{integer_model.model.name}_{call}" for call in CALLS]
        accounted = board.firmware == "cortex_m"
        stack = max(stack_usage(chip.built.elf.parent, board, calls).values()) if accounted else None
        built = chip.built
    bar.close()
    counts = chip.instructions() if emulated else {}
    return BoardRun(found, planned, built, stack, high_water, counts, time.monotonic() - start)
