"""Instructions of a step on the emulated Cortex-M4: the table in ``docs/speed.md``.

Run: .venv/bin/python -m tests.measure_speed   (half a minute; needs arm-none-eabi-gcc and QEMU)
"""

from __future__ import annotations

import rtrl_edge as rt
from rtrl_edge.layout import layout
from rtrl_edge.model import ELSTM, RTU, Cell, ColumnarLSTM

from .models import integer_model, words

STEPS = 20


def main() -> None:
    """All tables."""
    dense()
    diagonal()


def dense() -> None:
    """RNN of one input and output, RTRL and SGD; random words of an eighth of the range, a label at every step."""
    print("| model | learn | learn, per MAC of D J | predict |\n|---|---|---|---|")
    for units, numbers in ((8, rt.R16()), (16, rt.R16()), (32, rt.R16()), (16, rt.R8()), (32, rt.R8())):
        model = integer_model(units, 1, 1, numbers=numbers)
        learn, predict = step(model)
        macs = units**2 * model.model.dims.columns
        print(f"| RNN({units}) {numbers.name} | {learn:,.0f} | {learn / macs:.2f} | {predict:,.0f} |")


def diagonal() -> None:
    """Cells whose units do not mix, the same stimulus."""
    print("\n| model | columns | learn | predict | together | bytes |\n|---|---|---|---|---|---|")
    cells: tuple[Cell, ...] = (
        RTU(8), RTU(16), RTU(16, squash=False), ELSTM(8), ELSTM(16), ColumnarLSTM(8), ColumnarLSTM(16),
    )  # fmt: skip
    for cell in cells:
        model = integer_model(cell.units, 1, 1, cells=[cell])
        learn, predict = step(model)
        name = f"{type(cell).__name__}({cell.units}{', squash=False' if cell == RTU(16, squash=False) else ''})"
        columns, size = model.model.dims.columns, layout(model.model).size
        print(f"| {name} | {columns} | {learn:,.0f} | {predict:,.0f} | {learn + predict:,.0f} | {size:,} |")


def step(model: rt.IntegerModel) -> tuple[float, float]:
    """Instructions of one call of learn and of predict, the mean of twenty steps."""
    x, target, _ = words(model, 5 * STEPS, 1)
    with rt.Emulator(model, "qemu_mps2_an386", count_instructions=True) as chip:
        for t in range(STEPS):
            chip.predict(x[t] // 8)
            chip.learn(target[t] // 8)
        found = chip.instructions()
    learn, predict = (found[call].total / found[call].calls for call in ("learn", "predict"))
    return learn, predict


if __name__ == "__main__":
    main()
