"""Instructions of a step on emulated cores: the tables in ``docs/speed.md``.

Run: .venv/bin/python -m tests.measure_speed   (a few minutes; needs arm-none-eabi-gcc and QEMU)
"""

from __future__ import annotations

import rtrl_edge as rt
from rtrl_edge.device.emulator import InstructionCount
from rtrl_edge.layout import layout
from rtrl_edge.model import BPTT, ELSTM, LSTM, RNN, RTU, BlockRTRL, Cell, ColumnarLSTM, Rule, SnAp

from .models import integer_model, words

STEPS = 20
M4, M55 = "qemu_mps2_an386", "qemu_mps3_an547"
FEW = ((8, rt.R16()), (16, rt.R16()))
MANY = (*FEW, (32, rt.R16()), (16, rt.R8()), (32, rt.R8()))
CORES = (
    (M4, "Cortex-M4", MANY),
    ("qemu_mps2_an385", "Cortex-M3", MANY[:4]),
    ("qemu_riscv32_imc", "RV32IMC", MANY[:4]),
    ("qemu_microbit", "Cortex-M0", FEW),
)


def main() -> None:
    """All tables."""
    dense()
    vectors()
    diagonal()
    others()
    prediction()


def dense() -> None:
    """RNN of one input and output, RTRL and SGD; random words of an eighth of the range, a label at every step."""
    print("| core | model | column loop | per MAC | learn | per MAC | predict |\n|---|---|---|---|---|---|---|")
    for board, core, sizes in CORES:
        for units, numbers in sizes:
            model = integer_model(units, 1, 1, numbers=numbers)
            learn, predict = step(model, board)
            columns = learn - step(model, board, sliced=True)[0]  # what is left is the part before the columns
            macs = units**2 * model.model.dims.columns
            print(
                f"| {core} | RNN({units}) {numbers.name} | {columns:,.0f} | {columns / macs:.2f} "
                f"| {learn:,.0f} | {learn / macs:.2f} | {predict:,.0f} |"
            )


def vectors() -> None:
    """The same models and stimulus on the Cortex-M55; the column loop is what `learn` does after `learn_begin`."""
    print("\n| model | learn | column loop, per MAC of D J | predict |\n|---|---|---|---|")
    for units, numbers in ((8, rt.R16()), (16, rt.R16()), (32, rt.R16()), (8, rt.R8()), (16, rt.R8()), (32, rt.R8())):
        model = integer_model(units, 1, 1, numbers=numbers)
        learn, predict = step(model, M55)
        begin, _ = step(model, M55, sliced=True)
        loop = (learn - begin) / (units**2 * model.model.dims.columns)
        print(f"| RNN({units}) {numbers.name} | {learn:,.0f} | {loop:.3f} | {predict:,.0f} |")


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


def others() -> None:
    """Other rules on dense cells, the same stimulus: whole blocks, full windows."""
    print("\n| model | rule | learn, mean | longest | multiply-accumulates | per MAC | RTRL / mean |")
    print("|---|---|---:|---:|---:|---:|---:|")
    pairs: tuple[tuple[Cell, Rule], ...] = (
        *((RNN(n), BlockRTRL(n)) for n in (8, 16, 32)), (RNN(16), BlockRTRL(16, lagged=True)), (LSTM(8), BlockRTRL(16)),
        (RNN(16), BPTT(16)), (LSTM(8), BPTT(16)), (RNN(16), SnAp(1)), (LSTM(8), SnAp(1)),
    )  # fmt: skip
    for cell, rule in pairs:
        dense = step(integer_model(cell.units, 1, 1, cells=[cell]))[0]
        model = integer_model(cell.units, 1, 1, cells=[cell], rule=rule)
        learn = calls(model, 4 * rule.block if isinstance(rule, BlockRTRL) else 4 * 16)["learn"]
        mean, macs = learn.total / learn.calls, rule.macs(model.model.dims)
        if isinstance(rule, BPTT) or rule == BlockRTRL(16, lagged=True):
            mean = learn.most  # the first window is not full, the first block not yet worked on
        counts = f"{mean:,.0f} | {learn.most:,} | {macs:,} | {mean / macs:.2f} | {dense / mean:.1f}"
        print(f"| {type(cell).__name__}({cell.units}) | {rule!r} | {counts} |")


def prediction() -> None:
    """One predict of a model whose cell does not learn: LSTM of four sizes, then other cells of 16 units."""
    print("\n| model | inputs, outputs | predict | flash |\n|---|---|---|---|")
    lstms: list[tuple[Cell, int, int]] = [(rt.LSTM(n), m, 1) for m, n in ((1, 8), (8, 16), (16, 32), (32, 64))]
    more = (rt.RNN(16), rt.GRU(16), rt.GRU(16, reset="before"), rt.LSTM(16), rt.LSTM(16, peepholes=True))
    for cell, inputs, outputs in [*lstms, (rt.RNN(16), 1, 1), *((cell, 6, 6) for cell in more)]:
        model = integer_model(cell.units, inputs, outputs, cells=[cell], rule=rt.ReadoutOnly())
        x, _, _ = words(model, 5 * STEPS, 1)
        with rt.Emulator(model, M4, count_instructions=True) as chip:
            for t in range(STEPS):
                chip.predict(x[t] // 8)
            found, flash = chip.instructions()["predict"], chip.built.model_flash_bytes
        print(f"| {cell!r} | {inputs}, {outputs} | {found.total / found.calls:,.0f} | {flash:,} |")


def step(model: rt.IntegerModel, board: str = M4, *, sliced: bool = False) -> tuple[float, float]:
    """Instructions of one call of learn and of predict, the mean of twenty steps.

    `sliced`: of learn_begin, and of predict with the rest of the step.
    """
    found = calls(model, STEPS, board, sliced=sliced)
    learn, predict = (found[call].total / found[call].calls for call in ("learn", "predict"))
    return learn, predict


def calls(model: rt.IntegerModel, steps: int, board: str = M4, *, sliced: bool = False) -> dict[str, InstructionCount]:
    """What these steps cost, by call."""
    x, target, _ = words(model, 5 * steps, 1)
    with rt.Emulator(model, board, count_instructions=True, sliced=sliced) as chip:
        for t in range(steps):
            chip.predict(x[t] // 8)
            chip.learn(target[t] // 8)
        return chip.instructions()


if __name__ == "__main__":
    main()
