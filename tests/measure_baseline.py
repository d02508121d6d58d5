"""What a few models weigh and how many instructions they execute: ``tests/baseline.json``, which a test compares with.

Run: .venv/bin/python -m tests.measure_baseline   (some twenty seconds; needs the cross compilers and QEMU)

Refresh it in the commit that changes a kernel, and say there by how much: `rtrl-edge bench compare OLD NEW`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rtrl_edge as rt
from rtrl_edge.boards import load_board
from rtrl_edge.demo import MODEL
from rtrl_edge.device.counter import count, roomier
from rtrl_edge.evaluate.work import STEPS, compiler_version, noisy
from rtrl_edge.plan import plan

BASELINE = Path(__file__).parent / "baseline.json"
COMMAND = "python -m tests.measure_baseline"
#: no long product; the DSP extension; the vector extension's core; another architecture
BOARDS = ("qemu_microbit", "qemu_mps2_an386", "qemu_mps3_an547", "qemu_riscv32_imac")
#: the demonstration's, and others that share few kernels with it
MODELS = {
    "RNN(16) RTRL R16": MODEL,
    "GRU(8) RTRL R8": rt.Model("net", 3, [rt.GRU(8)], rt.Linear(2), numbers=rt.R8()),
    "RTU(8) RTRL R16": rt.Model("net", 3, [rt.RTU(8)], rt.Linear(2)),
    "LSTM(8) BPTT(8) R16": rt.Model("net", 3, [rt.LSTM(8)], rt.Linear(2), rule=rt.BPTT(8), optimiser=rt.HalfRMSprop()),
}


def measure(name: str) -> dict[str, object]:
    """Bytes and instructions of each model on a board, counted anew; units in the names."""
    board = load_board(name)
    found: dict[str, object] = {"compiler": compiler_version(board)}
    counts = count([noisy(model)[0] for model in MODELS.values()], roomier(board), STEPS)
    for (title, model), counted in zip(MODELS.items(), counts, strict=True):
        planned = plan(model)
        found[title] = {
            "ram_bytes": planned.struct_bytes,
            "flash_bytes": planned.const_bytes + counted.code_bytes,
            "predict_instructions_mean": counted.predict,
            "learn_instructions_mean": counted.learn,
            "learn_instructions_most": counted.learn_most,
        }
    return found


def main() -> None:
    """Measure every board, and write the file."""
    with ThreadPoolExecutor(2) as pool:
        figures = {"command": COMMAND, **dict(zip(BOARDS, pool.map(measure, BOARDS), strict=True))}
    BASELINE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {BASELINE}")


if __name__ == "__main__":
    main()
