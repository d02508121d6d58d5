"""A plan as a page: where the RAM goes, what the calls take, what freezing a group of weights saves."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..plan import CYCLES_PER_INSTRUCTION, GROUPS, Plan, Saving, rounded
from .page import page, ram_section, section, table


def render(plan: Plan, command: str) -> str:
    """The plan as one HTML page without scripts, links or files beside it; ``command`` made it."""
    where = f" on {plan.board}" if plan.board else ""
    when = "before anything is flashed" if plan.forecast and plan.forecast.counted_on else "before anything is built"
    lead = f"What {plan.name} ({plan.rule}, {plan.numbers}) needs{where}, {when}: {command}"
    groups = {GROUPS[group]: size for group, size in plan.ram_groups.items()}
    return page(
        f"Plan of {plan.name}",
        lead,
        [
            ram_section(groups, plan.board_ram_bytes),
            _use_section(plan),
            _work_section(plan),
            savings_section(plan),
            _sums_section(plan),
        ],
    )


def _use_section(plan: Plan) -> str:
    """RAM to predict, and what learning adds."""
    learning = plan.struct_bytes - plan.inference_bytes
    bar = "".join(
        f'<div style="flex:{size} 0 0;background:var(--ram-{colour})" title="{name}"></div>'
        for name, size, colour in (("to predict", plan.inference_bytes, 3), ("to learn", learning, 0))
    )
    rows = [
        f'<tr><td><i class="swatch" style="background:var(--ram-{colour})"></i>{name}</td><td>{size:,} B</td></tr>'
        for name, size, colour in (("to predict", plan.inference_bytes, 3), ("more, to learn", learning, 0))
    ]
    return section("RAM of inference and of learning", f'<div class="bar">{bar}</div>\n{table(["", "bytes"], rows)}')


def _work_section(plan: Plan) -> str:
    seen = plan.forecast
    lines: list[tuple[str, str]] = [
        ("flash, tables and factory weights", f"{plan.const_bytes:,} B"),
        ("multiply-accumulates of predict", f"{plan.macs_predict:,}"),
        ("multiply-accumulates of learn", f"{plan.macs_learn:,}"),
    ]
    if seen is None:
        caption = "Instructions, code and stack: no board was given, or not measured for these parts on its core."
        return section("Work and flash", table(["", ""], _rows(lines)), caption)
    stack = "not measured on this core" if seen.stack_bytes is None else f"{seen.stack_bytes:,} B"
    lines += [
        ("flash, code", f"{seen.code_bytes:,} B"),
        ("stack of one call, at most", stack),
        ("instructions of predict", f"{seen.predict:,}"),
        ("instructions of learn", f"{seen.learn:,}"),
        ("instructions of the longest learn", f"{seen.learn_most:,}"),
        ("instructions of learn_begin or the longest slice", f"{seen.slice_most:,}"),
    ]
    if plan.wider is not None:
        of = f"faster: {plan.wider.units} units, {plan.wider.ram_bytes:,} B; predict and longest learn together"
        lines.append((of, f"about {plan.wider.instructions:,}"))
    if plan.rate_hz is not None:
        lines.append(("samples a second, an estimate", rounded(plan.rate_hz)))
    where = seen.counted_on
    outside = f" Extrapolated: other {', '.join(seen.extrapolated)} were measured." if seen.extrapolated else ""
    caption = (
        f"{f'Counted on {where}' if where else 'Forecasts from counts of the same parts in other sizes'}: executed "
        "instructions in an emulator, not cycles. The "
        f"rate assumes {CYCLES_PER_INSTRUCTION:g} cycles an instruction at the board's clock.{outside}"
    )
    return section("Work and flash", table(["", ""], _rows(lines)), caption)


def _rows(lines: Sequence[tuple[str, str]]) -> list[str]:
    return [f"<tr><td>{escape(what)}</td><td>{escape(value)}</td></tr>" for what, value in lines]


def savings_section(plan: Plan) -> str:
    """A line a group, with its share of the RAM as a bar."""
    if not plan.savings:
        return ""
    rows = [_saving(plan, saving) for saving in plan.savings]
    return section(
        "What freezing saves",
        table(["group of weights", "weights", "RAM, bytes", "", "MACs of learn", "instructions of learn"], rows),
        "If a group does not learn on the chip (Model(trainable=...)), its columns of the influence matrix and their "
        "work are not there.",
    )


def _sums_section(plan: Plan) -> str:
    rows = [f"<tr><td>{escape(s.what)}</td><td>{s.largest:,}</td><td>{s.limit}</td></tr>" for s in plan.sums]
    return section(
        "Accumulators",
        table(["sum", "at most", "and has to be below"], rows),
        "For any weights and inputs: none can overflow. A model of which one could is refused.",
    )


def _saving(plan: Plan, saving: Saving) -> str:
    share = max(0.0, saving.ram_bytes / plan.struct_bytes)
    bar = f'<div class="bar thin"><div style="width:{share:.1%};background:var(--ram-0)"></div></div>'
    work = "–" if saving.instructions is None else f"{saving.instructions:,}"
    return (
        f"<tr><td>{escape(saving.group)}</td><td>{saving.weights:,}</td><td>{saving.ram_bytes:,}</td>"
        f'<td style="min-width:6rem">{bar}</td><td>{saving.macs:,}</td><td>{work}</td></tr>'
    )
