"""Pure functions from an integer model to the text of the generated files. Nothing here touches a disk.

The text is templates with ``@slots@`` (``codegen/templates``) around kernels that never change
(``codegen/kernels``): sizes, formats and data are generated, algorithms are not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from . import assets
from ._version import __version__
from .fixed import TANH_TABLE, Formats
from .layout import Layout, Placed, factory_fields, layout
from .model import Model
from .quantize import IntegerModel

#: raised whenever config header and kernels stop fitting older ones
KERNEL_ABI = 3
#: instructions beyond plain C that kernels are written in; a board's ``simd`` may name others, and gets plain C then
SIMDS = ("none", "dsp", "mve", "few_registers")
#: kernels in plain C, and the file with the same words for the Arm DSP extension (Cortex-M4, M7, M33, M55)
DSP_KERNELS = {
    "back_blocks.c": "back_blocks_dsp.c",
    "block_two_none.c": "block_two_dsp.c",
    "dot64_c.c": "dot64_dsp.c",
    "dot_c.c": "dot_dsp.c",
    "exact_store_c.c": "exact_store_dsp.c",
    "forward_c.c": "forward_dsp.c",
    "immediate.c": "immediate_dsp.c",
    "immediate_spread.c": "immediate_spread_dsp.c",
    "mix_blocks_two_c.c": "mix_blocks_two_dsp.c",
    "optimiser_sgd_cell.c": "optimiser_sgd_cell_dsp.c",
    "pair_dot_c.c": "pair_dot_dsp.c",
    "rows_dot_c.c": "rows_dot_dsp.c",
    "rows_immediate.c": "rows_immediate_dsp.c",
    "rows_mix_c.c": "rows_mix_dsp.c",
    "rows_store_c.c": "rows_store_dsp.c",
    "rtrl_columns_c.c": "rtrl_columns_dsp.c",
    "squash_c.c": "squash_dsp.c",
    "unit_column_c.c": "unit_column_dsp.c",
    "weight_row.c": "weight_row_dsp.c",
    "weight_step.c": "weight_step_dsp.c",
    "window_c.c": "window_dsp.c",
}
#: the same for the Arm M-profile vector extension (Cortex-M55, which has the DSP extension too)
MVE_KERNELS = DSP_KERNELS | {
    "dot64_c.c": "dot64_mve.c",
    "dot_c.c": "dot_mve.c",
    "exact_store_c.c": "exact_store_mve.c",
    "forward_c.c": "forward_mve.c",
    "immediate.c": "immediate_mve.c",
    "immediate_spread.c": "immediate_spread_mve.c",
    "keep_add_c.c": "keep_add_mve.c",
    "optimiser_sgd_cell.c": "optimiser_sgd_cell_mve.c",
    "pair_dot_c.c": "pair_dot_mve.c",
    "rtrl_columns_c.c": "rtrl_columns_mve.c",
}
#: the same for AVX2: the host twin asks for it, where this computer has it
AVX2_KERNELS = {
    "dot_c.c": "dot_avx2.c",
    "exact_store_c.c": "exact_store_avx2.c",
    "pair_dot_c.c": "pair_dot_avx2.c",
    "rtrl_columns_c.c": "rtrl_columns_avx2.c",
}
#: plain C in another shape, for Cortex-M0, M0+ and lx106
FEW_REGISTERS_KERNELS = {"pair_dot_c.c": "pair_dot_few_registers.c"}
#: all of them, by instructions
KERNELS = {"dsp": DSP_KERNELS, "mve": MVE_KERNELS, "few_registers": FEW_REGISTERS_KERNELS, "avx2": AVX2_KERNELS}


def fill(template: str, slots: Mapping[str, object]) -> str:
    """Put values into the ``@slots@`` of a template. A missing or an unused slot is an error."""
    wanted = set(re.findall(r"@(\w+)@", template))
    if wanted != slots.keys():
        missing, unused = sorted(wanted - slots.keys()), sorted(slots.keys() - wanted)
        raise ValueError(f"template slots: missing {missing}, unused {unused}")
    return re.sub(r"@(\w+)@", lambda match: str(slots[match[1]]), template)


def emit(integer_model: IntegerModel, checked: bool = False, simd: str = "none") -> dict[str, str]:
    """The generated C of a model, text by file name: header, config header and source.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        checked: use the words that trap where a bound of the plan is broken; for tests on a computer.
        simd: one of :data:`SIMDS` or ``avx2``: instructions of the core instead of plain C, with the same bits; what a
            board's ``simd`` names beyond them is plain C. Not with ``checked``: an instruction does not trap.
    """
    name = integer_model.model.name
    return {
        f"{name}.h": _header(integer_model),
        f"{name}_config.h": _config(integer_model),
        f"{name}.c": _source(integer_model, checked, simd),
    }


def kernel_files(model: Model, checked: bool = False, simd: str = "none") -> list[str]:
    """The kernels a model is made of, in the order in which they build on each other; arguments as of `emit`."""
    voices, trains = model.voices, model.rule.trains_cell
    keeper = model.numbers.keeper if model.rule.keeps_columns else ()
    shared = [*model.cell.needs, *keeper, *model.rule.needs_for(model.dims.structure)] if trains else []
    if model.dims.structure.pattern is not None:
        shared = ["columns_sparse.c" if file == "columns.c" else file for file in shared]
    if trains and not (model.dims.structure.mixes or model.rule.unit_by_unit(model.dims.structure)):
        shared = ["linear_units.c", "mix_blocks.c", *shared]
    files = [
        "fx.h",
        "fx_bounded_checked.h" if checked else "fx_bounded.h",
        "squash_c.c",
        *(["slope.c"] if trains else []),
        "dot64_c.c",
        "forward_c.c",
        *model.optimiser.kernels(model.trains_readout, trains),
        *model.loss.needs,
        f"{voices['loss']}.c",
        f"{voices['readout']}.c",
        f"{voices['readout']}_learn.c" if model.trains_readout else "readout_kept.c",
        "weights_struct.c" if trains else "weights_flash.c",
        f"{voices['cell']}.c",
        model.cell.teach,
        *(["unit.c"] if trains and not model.dims.structure.mixes else []),
        *([f"{voices['cell']}_linear.c"] if trains else []),
        *dict.fromkeys(shared),  # each once, in order
        f"{voices['rule']}.c",
        ("trains_cell.c" if model.trains_direct else "trains_columns.c") if trains else "trains_readout.c",
        "step.c",
    ]
    return files if checked else _variants(files, simd, _woven_rows(model) > 0)


def _variants(files: list[str], simd: str, woven: bool) -> list[str]:
    """The files of a core's instructions where there are some, and the words that those are made of."""
    if simd == "mve" and "influence_fixed.c" in files:
        simd = "dsp"  # MVE's columns have an exponent each
    kernels = KERNELS.get(simd, {})
    files = [kernels.get(file, file) for file in files]
    if "forward_dsp.c" in files:
        at = files.index("forward_dsp.c")
        files[at : at + 1] = ["forward_woven_dsp.c" if woven else "forward_dsp.c", "forward_rows_dsp.c"]
    for columns, own, each in (
        ("rtrl_columns_dsp.c", "optimiser_sgd_cell_dsp.c", "optimiser_two.c"),
        ("rtrl_columns_mve.c", "optimiser_sgd_cell_mve.c", "optimiser_each.c"),
    ):
        if columns in files and own not in files:
            files.insert(files.index(columns), each)
    words = [f"{kind}.h" for kind in ("dsp", "mve", "avx2") if any(file.endswith(f"_{kind}.c") for file in files)]
    return [*files[:2], *words, *files[2:]]


def _woven_rows(model: Model) -> int:
    """How many rows of weights, the first, the DSP kernels of a cell that does not learn find woven."""
    blocks = () if model.rule.trains_cell else model.dims.structure.blocks[: model.cell.by_four]
    return sum(model.dims.rows(block) for block in blocks) // 4 * 4


def _woven(model: Model, weights: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """A cell's weights in the order of ``forward_woven_dsp.c``."""
    rows, width = _woven_rows(model), model.dims.structure.blocks[0].width
    first = np.zeros((4, rows // 4, width + width % 2), weights.dtype)
    first[:, :, :width] = weights[: rows * width].reshape(4, rows // 4, width)
    pairs = first.reshape(4, rows // 4, -1, 2).transpose(1, 2, 0, 3)
    return np.concatenate((pairs.ravel(), weights[rows * width :]))


def common_slots(integer_model: IntegerModel) -> dict[str, object]:
    """Slots of every generated file."""
    name = integer_model.model.name
    return {"name": name, "NAME": name.upper(), "version": __version__, "digest": integer_model.digest[:16]}


def template(file: str) -> str:
    """Text of a template of the generated C."""
    return (assets.codegen_dir() / "templates" / file).read_text(encoding="utf-8")


def summary(model: Model) -> str:
    """The parts of a model in one line."""
    d = model.dims
    return (
        f"{type(model.cell).__name__}({model.cell.units}), {type(model.readout).__name__}({d.outputs}), "
        f"{type(model.rule).__name__}, {type(model.optimiser).__name__}, {model.numbers.name}"
    )


def _header(integer_model: IntegerModel) -> str:
    model, place = integer_model.model, layout(integer_model.model)
    d, frac = model.dims, model.numbers.output_frac
    digest = bytes.fromhex(integer_model.digest)[:8]
    return fill(
        template("NAME.h"),
        common_slots(integer_model)
        | {
            "summary": summary(model),
            "inputs": d.inputs,
            "outputs": d.outputs,
            "units": model.cell.units,
            "slices": model.rule.slices(d),
            "bytes": place.size,
            "y_int": 15 - frac,
            "y_frac": frac,
            "y_one": 2**frac,
            "scaling": _scaling_comment(integer_model),
            "digest_bytes": ", ".join(f"0x{byte:02x}" for byte in digest),
            "members": "\n".join(_member(m) for m in place.members),
        },
    )


def _member(member: Placed) -> str:
    size = f"[{member.count}]" if member.field.shape else ""
    declaration = f"    {member.field.ctype}_t {member.field.name}{size};"
    return f"{declaration:<30} /* {member.field.note} */"


def _scaling_comment(integer_model: IntegerModel) -> str:
    s = integer_model.scaling
    lines = [
        f" *   {kind}[{i}]: offset {float(offset)!r}, gain {float(gain)!r}"
        for kind, offsets, gains in (
            ("x", s.input_offset, s.input_gain),
            ("y", s.output_offset, s.output_gain),
        )
        for i, (offset, gain) in enumerate(zip(offsets, gains, strict=True))
    ]
    if integer_model.model.loss.of_probabilities:
        one = 2**integer_model.model.numbers.output_frac
        lines.append(
            f" *   y: logits, above 0 or largest means yes; target: a label, 0 or {one}, or a probability between"
        )
    return "\n".join(lines)


def _config(integer_model: IntegerModel) -> str:
    model, f = integer_model.model, Formats.of(integer_model.model)
    d, cap, structure = model.dims, model.numbers.cap, model.dims.structure
    trace = layout(model).trace
    own = [item for part in model.parts for item in part.constants(d, model.numbers).items()]
    return fill(
        template("NAME_config.h"),
        common_slots(integer_model)
        | {
            "abi": KERNEL_ABI,
            "d_word": model.numbers.dynamics,
            "j_word": f"int{f.influence_bits}",
            "w_lo_word": model.numbers.residual,
            "inputs": d.inputs,
            "units": d.units,
            "neurons": d.neurons,
            "components": d.components,
            "private": d.private,
            "seen": d.credits,
            "shown": d.visible,
            "outputs": d.outputs,
            "pre": d.presynaptic,
            "blocks": len(structure.blocks),
            "gated": d.gated,
            "runs": max(1, len(d.runs)),
            "columns": d.columns,
            "weights": d.weights,
            "trace": sum(m.count for m in trace),
            "trace_first": trace[0].field.name,
            "coef_frac": f.coef_frac,
            "j_bits": f.influence_bits,
            "j_max": 2 ** (f.influence_bits - 1) - 1,
            "d_max": f.dynamics_max,
            "l1_max": f.l1_max,
            "e_min": f.exponent_min,
            "cap_note": "no cap on |J|" if cap is None else f"|J| saturates at {cap:g}",
            "e_max": f.exponent_max,
            "w_lo_bits": f.residual_bits,
            "w_frac": f.master_frac,
            "w_rate": f.rate_shift,
            "v_rate": f.readout_rate_shift,
            "w_limit": f.step_limit(f.rate_shift),
            "v_limit": f.step_limit(f.readout_rate_shift),
            "clip_log2": f.clip_log2,
            "y_frac": f.output_frac,
            "err_frac": f.error_frac,
            "own": "".join(f"    {name + f' = {value},':<31} /* {note} */\n" for name, (value, note) in own),
        },
    )


def _source(integer_model: IntegerModel, checked: bool, simd: str) -> str:
    model, place = integer_model.model, layout(integer_model.model)
    files = kernel_files(model, checked, simd)
    kernels = [
        f"/* ---- {file} ---- */\n{(assets.codegen_dir() / 'kernels' / file).read_text(encoding='utf-8').strip()}"
        for file in files
    ]
    constants = [array_text("rtrl_tanh_table", "int16", TANH_TABLE, "tanh(i / 32), Q0.15")]
    constants += [
        array_text(table.name, table.ctype, np.array(table.values), table.note, " RTRL_UNUSED")
        for part in model.parts
        for table in part.tables(model.dims, model.numbers)
    ]
    constants += [_blocks(model), _runs(model)]
    fields, factory = factory_fields(model), integer_model.factory()
    if "forward_woven_dsp.c" in files:
        words, width = _woven(model, factory.pop("w_hi")), model.dims.structure.blocks[0].width
        constants.append(f"enum {{ WOVEN_ROW = {width} }}; /* entries of a row of the cell's weights that are woven */")
        note = f"{fields['w_hi'].note}; the first {_woven_rows(model)} rows woven, see forward_woven_dsp.c"
        constants.append(array_text("factory_w_hi", "int16", words, note, " __attribute__((aligned(4)))"))
    constants += [
        array_text(f"factory_{name}", fields[name].ctype, values, fields[name].note) for name, values in factory.items()
    ]
    return fill(
        template("NAME.c"),
        common_slots(integer_model)
        | {
            "abi": KERNEL_ABI,
            "offset_asserts": _offset_asserts(model.name, place),
            "constants": "\n\n".join(constants),
            "kernels": "\n\n".join(kernels),
        },
    )


def _blocks(model: Model) -> str:
    d = model.dims
    rows = []
    for b, at in zip(d.structure.blocks, d.offsets, strict=True):
        recurrent = -1 if b.recurrent is None else b.recurrent
        width, units = 0 if b.sparse else b.width, f"{b.first}, {d.rows(b)}"
        rows.append(f"    {{ {at}, {b.at}, {width}, {recurrent}, {int(b.spread)}, {units} }}, /* {b.name} */")
    return (
        "/* gates: first weight, first entry of z, entries of z, h in a row or -1, spread, first unit, units */\n"
        "static const rtrl_block_t rtrl_blocks[N_BLOCKS] RTRL_UNUSED = {\n" + "\n".join(rows) + "\n};"
    )


def _runs(model: Model) -> str:
    d, rows, column = model.dims, [], 0
    for run in d.runs:
        rows.append(f"    {{ {column}, {run.block}, {run.start}, {run.width} }},")
        rows_of = d.structure.entries(d.structure.blocks[run.block])
        column += sum(len(row[run.start : run.start + run.width]) for _, row in rows_of)
    return (
        "/* columns: the first, its gate, the first entry in a row of the gate, entries */\n"
        "static const rtrl_run_t rtrl_runs[N_RUNS] RTRL_UNUSED = {\n"
        + "\n".join(rows or ["    { 0, 0, 0, 0 },"])
        + "\n};"
    )


def _offset_asserts(name: str, place: Layout) -> str:
    return "\n".join(
        f"_Static_assert(offsetof({name}_t, {m.field.name}) == {m.offset}, "
        f'"{m.field.name} is not where the plan has it");'
        for m in place.members
    )


def array_text(name: str, ctype: str, values: npt.NDArray[np.integer], note: str, attribute: str = "") -> str:
    """A constant array in C."""
    rows = _wrapped(int(v) for v in values.ravel())
    return f"/* {note} */\nstatic const {ctype}_t {name}[{values.size}]{attribute} = {{\n{rows}\n}};"


def _wrapped(values: Iterable[int], width: int = 100) -> str:
    lines, line = [], "   "
    for value in values:
        item = f" {value},"
        if len(line) + len(item) > width:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join([*lines, line])


def manifest(
    integer_model: IntegerModel,
    files: Mapping[str, str | bytes],
    plan: Mapping[str, object],
    certificate: Mapping[str, object] | None = None,
    *,
    checked: bool = False,
    simd: str = "none",
) -> str:
    """``manifest.json``: the model, its digest, the sha256 of every generated file, the kernels that were emitted, the
    plan and, where one was made, the gradient certificate."""
    hashes = {
        name: hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
        for name, content in sorted(files.items())
    }
    content = {
        "generator": f"rtrl-edge {__version__}",
        "kernel_abi": KERNEL_ABI,
        "digest": integer_model.digest,
        "model": integer_model.description,
        "sha256": hashes,
        "kernels": kernel_files(integer_model.model, checked, simd),
        "plan": plan,
        "gradient_certificate": certificate,
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
