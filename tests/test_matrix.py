"""Every legal pair of cell and rule: the same bits in NumPy and in C, on this computer and on emulated cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.evaluate.matrix import INPUTS, UNITS, Square, integer_model, label, matrix
from rtrl_edge.layout import differences
from rtrl_edge.model import Cell, Rule
from rtrl_edge.model.catalogue import cells, legal, readout, rules

from .models import words
from .needs import needs
from .test_bits_host import play_both
from .test_bits_targets import stream_is_equal

PAGE = Path(__file__).parent.parent / "docs" / "matrix.md"
PAIRS = [(cell, rule) for cell in cells(UNITS) for rule in rules() if legal(cell, rule, INPUTS)]
IDS = [f"{label(cell)}-{label(rule)}" for cell, rule in PAIRS]
#: every cell with its first rule, every rule with its first cell
LONG = [
    pair
    for at, pair in enumerate(PAIRS)
    if any(label(pair[part]) not in {label(other[part]) for other in PAIRS[:at]} for part in (0, 1))
]
#: units, inputs, outputs, profile, rate: small, odd and larger than a word of four
CASES = [
    (1, 1, 1, rt.R16(), 1.0),
    (2, 3, 2, rt.R8(), 2**-5),
    (15, 1, 1, rt.R16(cap=2), 2**-15),
    (16, 2, 3, rt.R8(cap=2), 2**-3),
    (17, 3, 1, rt.R16(), 2**-5),
]


def pair_model(
    cell: Cell, rule: Rule, units: int, inputs: int, outputs: int, numbers: rt.R16 | rt.R8, rate: float
) -> rt.IntegerModel:
    """The pair with another number of units: its variant of the same place in the catalogue."""
    place = [label(c) for c in cells(UNITS)].index(label(cell))
    sized = cells(units)[place]
    head = readout(sized, outputs)
    return integer_model(rt.Model("net", inputs, [sized], head, rule=rule, numbers=numbers, optimiser=rt.SGD(rate)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"n{case[0]}-{case[3].name}")
@pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=IDS)
def test_reference_and_c_are_equal(cell: Cell, rule: Rule, case: tuple[int, int, int, rt.R16 | rt.R8, float]) -> None:
    """With the words that trap where a bound is broken: random and extreme words, label gaps, a reset."""
    model = pair_model(cell, rule, *case)
    with rt.HostTwin(model, checked=True) as twin:
        assert play_both(model, twin, 120, reset_at=71) == []


@pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=IDS)
def test_slices_give_the_bits_of_one_call(cell: Cell, rule: Rule) -> None:
    model = pair_model(cell, rule, 5, 2, 2, rt.R16(), 2**-5)
    x, target, labelled = words(model, 60)
    with rt.HostTwin(model) as whole, rt.HostTwin(model) as sliced:
        for t in range(60):
            assert np.array_equal(whole.predict(x[t]), sliced.predict(x[t])), f"prediction {t}"
            if not labelled[t]:
                continue  # the next predict completes it
            whole.learn(target[t])
            sliced.learn_begin(target[t])
            if t % 4:  # every fourth step is left to the next predict to finish
                left = rule.slices(model.model.dims) + 1
                while left:
                    now = sliced.learn_slice(7)
                    assert now < left
                    left = now
        sliced.learn_slice(65535)
        assert differences(whole.state(), sliced.state(), model.model) == []


@pytest.mark.parametrize("board", ["qemu_microbit", "qemu_mps2_an386"])
@pytest.mark.parametrize(("cell", "rule"), PAIRS, ids=IDS)
def test_emulated_cores_are_equal(cell: Cell, rule: Rule, board: str) -> None:
    """A core without DSP instructions (M0) and one with them (M4)."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    model = pair_model(cell, rule, 5, 2, 2, rt.R16() if board == "qemu_mps2_an386" else rt.R8(), 2**-5)
    with rt.Emulator(model, board) as chip:
        stream_is_equal(model, chip, 100, seed=3)


@pytest.mark.parametrize(("cell", "rule"), LONG, ids=[f"{label(cell)}-{label(rule)}" for cell, rule in LONG])
def test_two_thousand_steps(cell: Cell, rule: Rule) -> None:
    model = pair_model(cell, rule, 4, 2, 1, rt.R16(), 2**-5)
    with rt.HostTwin(model) as twin:
        assert play_both(model, twin, 2000, reset_at=1500) == []


def test_the_page_lists_every_pair_as_it_is() -> None:
    """The committed page: every pair, its reason or its RAM and MACs; and its gradient errors within the marks."""
    text = PAGE.read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    found = matrix(measured=False)
    assert list(sections) == list(dict.fromkeys(square.cell for square in found)), "run `rtrl-edge matrix --out ...`"
    for square in found:
        line = _line(sections[square.cell], square)
        if square.refused:
            assert line == f"* {square.rule}: {square.refused}"
            continue
        cells_ = [part.strip() for part in line.strip("|").split("|")]
        assert cells_[4:] == [*(f"{b:,}" for b in square.ram_bytes), f"{square.macs:,}"], f"{square.cell} {square.rule}"
        if cells_[1] != "-" and not square.rule.startswith(("UORO", "KFRTRL", "OK")):
            assert float(cells_[1]) <= 2e-3, line
            assert float(cells_[2]) <= 6e-2, line


def _line(section: str, square: Square) -> str:
    starts = f"* {square.rule}: " if square.refused else f"| {square.rule} | "
    (line,) = [line for line in section.split("\n") if line.startswith(starts)]
    return line
