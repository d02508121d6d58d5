"""Every command of the command line, end to end, on a tiny model."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rtrl_edge as rt
from rtrl_edge.boards import board_names
from rtrl_edge.cli import main
from rtrl_edge.device.host import best_simd
from rtrl_edge.doctor import examine

from .needs import needs

COMMANDS = (
    "demo", "new", "plan", "fit", "generate", "firmware", "build", "flash",
    "simulate", "run", "monitor", "verify", "compare", "bench", "matrix", "boards",
    "doctor", "import", "export", "diff",
)  # fmt: skip
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
MODEL = """
from dataclasses import dataclass

import numpy as np

import rtrl_edge as rt
from rtrl_edge.weights import initial


@dataclass
class Choice:  # a dataclass has to find its own module
    units: int = 3


model = rt.Model(name="tiny", inputs=2, cells=[rt.RNN(Choice().units)], readout=rt.Linear(2), numbers=rt.R16(cap=2))
x = np.random.default_rng(0).normal(0.0, 0.3, (120, 2))


def build():
    return rt.quantize(model, initial(model, 0), stream())


def stream():
    return rt.next_sample(x, rate_hz=10.0, channels=("left", "right"))
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What a command prints; it must work, and say nothing on stderr."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    return captured.out


def cells(text: str, name: str) -> list[str]:
    """A row of a printed table, by the text it begins with."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return [cell for cell in re.split(r"\s{2,}|(?<=\d) (?=B\b)", line.strip()[len(name) :].strip()) if cell]


def number(text: str) -> int:
    return int(re.sub(r"[^\d]", "", text))


# ---------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("command", [*COMMANDS, "bench learning", "bench target", "bench compare"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence for the command, and a description for every one of its arguments."""
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert re.search(r"\n\n[A-Z][^\n]{20,}[.,a-z]\n", text), "no description"
    assert f"usage: rtrl-edge {command}" in text
    arguments = re.findall(r"^  (-\S.*|[A-Z]\S*.*)$", text, re.MULTILINE)
    for place, line in enumerate(arguments):
        below = text[text.index(line) + len(line) :].split("\n")[1:2]
        described = re.search(r"\S {2,}\S", line) or (below and below[0].startswith(" " * 10))
        assert described, f"argument {place} without a description: {line}"


def test_no_command_prints_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    text = capsys.readouterr().out
    assert sorted(re.findall(r"^    ([a-z]+)  ", text, re.MULTILINE)) == sorted(COMMANDS)
    assert "Start with `rtrl-edge demo`" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"rtrl-edge {rt.__version__}\n"


@pytest.mark.parametrize("steps", ["0", "-3", "1.5", "many"])
def test_steps_are_a_whole_number(steps: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["simulate", str(model), f"--steps={steps}"])
    assert end.value.code == 2
    assert f"wanted a whole number of at least 1, found '{steps}'" in capsys.readouterr().err


@pytest.mark.parametrize("percent", ["-3", "x", "nan", "inf"])
def test_a_threshold_is_at_least_0(percent: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "compare", "a.json", "b.json", f"--threshold={percent}"])
    assert f"wanted a number of at least 0, found '{percent}'" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------- commands


def test_new_writes_a_model_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("gcc")
    out = told(capsys, "new", tmp_path / "mine")
    path = tmp_path / "mine" / "model.py"
    assert f"wrote {path}" in out
    assert f"rtrl-edge simulate {path}" in out
    assert "plan of gait: RTRL, R16, on qemu_microbit" in told(capsys, "plan", path, "--board", "qemu_microbit")
    out = told(capsys, "simulate", path, "--steps", "200")
    assert "200 samples" in out
    assert cells(out, "gait, learning")


def test_plan(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file has the figures of the table."""
    figures = tmp_path / "plan.json"
    out = told(capsys, "plan", model, "--board", "qemu_mps2_an386", "--json", figures)
    assert f"wrote {figures}" in out
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["command"] == "rtrl-edge plan"
    for row, key in (
        ("RAM, struct tiny_t", "ram_bytes"),
        ("stack of one call (forecast)", "stack_bytes"),
        ("RAM of qemu_mps2_an386", "board_ram_bytes"),
        ("flash, tables and factory weights", "flash_const_bytes"),
        ("flash, code (forecast)", "flash_code_bytes"),
        ("multiply-accumulates of predict", "predict_macs"),
        ("multiply-accumulates of learn", "learn_macs"),
    ):
        assert number(cells(out, row)[0]) == found[key], row
    (rate,) = [line for line in out.splitlines() if "samples a second" in line]
    assert float(rate.split()[-1].replace(",", "")) == pytest.approx(
        found["rate_estimate_hz"], rel=0.005
    )  # 2,640, not 2.64e+03
    assert found["ram_bytes"] >= sum(found["ram_by_group_bytes"].values())
    told(capsys, "plan", model, "--json", figures)  # an older one of ours may be replaced
    assert "board" not in json.loads(figures.read_text(encoding="utf-8"))


def test_plan_counts(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures of this very model, in the table, the file and the page."""
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    figures, page = tmp_path / "plan.json", tmp_path / "plan.html"
    arguments = ("--board", "nucleo_f446re", "--count", "--json", figures, "--report", page)
    out = told(capsys, "plan", model, *arguments)
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["counted_on"] == "qemu_netduinoplus2"
    assert number(cells(out, "instructions (counted, not cycles) of predict")[0]) == found["predict_instructions"]
    for words in ("Counted on qemu_netduinoplus2", "before anything is flashed"):
        assert words in page.read_text(encoding="utf-8")
    assert main(["plan", str(model), "--count"]) == 1
    assert "wanted --board too" in capsys.readouterr().err


def test_generate_twice(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "c"
    names = [*(f"tiny{end}" for end in (".h", "_config.h", ".c", "_self_test.h", "_self_test.c")), "manifest.json"]
    for _ in range(2):
        assert told(capsys, "generate", model, "--out", folder).splitlines() == [f"wrote {folder / n}" for n in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_generate_for_an_ecosystem(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "library"
    lines = told(capsys, "generate", model, "--format", "arduino", "--out", folder).splitlines()
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {line.removeprefix(f"wrote {folder}/") for line in lines} == written
    assert {"library.properties", "src/tiny.c", "src/tiny_self_test.c", "examples/Learn/Learn.ino"} < written


def recording(tmp_path: Path, suffix: str) -> Path:
    """Three columns, one of them to be predicted; every fifth label is missing."""
    rng = np.random.default_rng(1)
    x, target = rng.normal(0.0, 0.3, (60, 2)), rng.normal(0.0, 0.3, (60, 2))
    target[::5] = np.nan
    path = tmp_path / f"data{suffix}"
    if suffix == ".npz":
        np.savez(path, x=x, target=target, fs=25.0, channels=["a", "b"])
    else:
        rows = [",".join("" if v != v else repr(float(v)) for v in (*a, *b)) for a, b in zip(x, target, strict=True)]
        path.write_text("\ufeffa,b,target_a,target_b\n" + "\n".join(rows) + "\n\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_simulate(suffix: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("gcc")
    pytest.importorskip("matplotlib")
    files = [tmp_path / name for name in ("predictions.csv", "report.html", "figures.json")]
    command = [
        "simulate",
        model,
        recording(tmp_path, suffix),
        "--out",
        files[0],
        "--report",
        files[1],
        "--json",
        files[2],
    ]
    out = told(capsys, *command)
    assert out.splitlines()[-3:] == [f"wrote {path}" for path in files]
    assert "60 samples" in out
    assert "0 is perfect" in out
    found = json.loads(files[2].read_text(encoding="utf-8"))
    for contender in found["contenders"]:
        shown = [float(cell.removeprefix("* ")) for cell in cells(out, contender["name"])]
        assert contender["all"]["labelled_samples"] == 48
        figures = [part["nrmse_per_channel_std"] for part in contender["by_part"].values()]
        assert shown == [round(figure, 3) for figure in figures]
    assert all(sentence in out for sentence in found["conclusions"])
    with files[0].open(encoding="utf-8") as file:
        assert file.readline().startswith("# rtrl-edge: predictions")
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["sample", "predicted_0", "predicted_1", "target_0", "target_1"]
    assert len(rows) == 60
    assert [row["target_0"] == "" for row in rows] == [t % 5 == 0 for t in range(60)]
    assert files[1].read_text(encoding="utf-8").count("<svg") >= 2
    told(capsys, *command)  # once more, over its own files


def test_run(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "gcc")
    figures, folder = tmp_path / "run.json", tmp_path / "firmware"
    command = ["run", model, "--board", "qemu_mps2_an385", "--steps", "30", "--json", figures, "--out", folder]
    out = told(capsys, *command)
    assert out.startswith("qemu_mps2_an385: 30 samples")
    assert f"firmware in {folder}" in out
    assert (folder / "firmware.elf").is_file()
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["samples"] == 30
    assert found["instructions"]["learn"]["calls"] == 30
    for row, key in (
        ("flash of the model", "model_flash_bytes"),
        ("stack of the deepest call", "model_stack_bytes"),
    ):
        assert number(re.findall(r"([\d,]+) B", cells_line(out, row))[-1]) == found[key]
    assert f"{found['nrmse_per_channel_std']:.3f}" in out.splitlines()[0]
    assert (
        number(re.findall(r"[\d,]+", cells_line(out, "instructions of one learn"))[1])  # after the planned
        == (found["instructions"]["learn"]["most"])
    )


def cells_line(text: str, name: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return line[len(name) :]


def test_run_as_a_program_of_this_computer(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("make", "gcc")
    assert told(capsys, "run", model, "--board", "native", "--steps", "30").startswith("native: 30 samples")


@pytest.mark.usefixtures("this_cpu")
def test_verify(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "gcc", "clang")
    figures = tmp_path / "verify.json"
    command = ["verify", model, "--boards", "native, qemu_mps2_an386", "--steps", "40", "--json", figures]
    out = told(capsys, *command)
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["equal"]
    assert found["complete"]
    count = 9 + (best_simd() != "none")  # the host build with this CPU's instructions
    assert len(found["targets"]) == count
    for target in found["targets"]:
        assert target["samples"] == 40
        assert target["sha256"][:12] in cells_line(out, target["target"] + " ")
    assert f"{count} targets, the same bits" in out


def test_boards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "boards")
    assert [line.split()[0] for line in out.splitlines()[2:-1]] == list(board_names())
    figures = tmp_path / "boards.json"
    out = told(capsys, "boards", "show", "nucleo_l476rg", "--json", figures)
    assert "NOT VERIFIED" in out
    assert json.loads(figures.read_text(encoding="utf-8"))["nucleo_l476rg"]["emulation"].startswith("same core only")
    assert main(["boards", "show"]) == 1
    assert "with one board's name or file" in capsys.readouterr().err


def test_firmware_build_and_flash(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("arm-none-eabi-gcc", "make")
    folder = tmp_path / "fw"
    out = told(capsys, "firmware", model, "--board", "nucleo_f446re", "--out", folder)
    assert f"wrote {folder / 'startup.c'}" in out
    assert re.search(
        r"firmware\.elf: [\d,]+ B of flash, [\d,]+ B of RAM on nucleo_f446re", told(capsys, "build", folder)
    )
    assert told(capsys, "flash", folder, "--dry-run").startswith("openocd -f board/st_nucleo_f4.cfg -c 'program ")


def test_doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    figures = tmp_path / "doctor.json"
    out = told(capsys, "doctor", "--json", figures)
    assert re.search(r"^found    numpy: ", out, re.MULTILINE)
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert [name for name in found if name != "command"] == [finding.name for finding in examine()]
    monkeypatch.setenv("PATH", str(tmp_path))
    out = told(capsys, "doctor")
    assert "missing  qemu-system-arm: would enable running qemu_microbit, qemu_mps2_an385" in out
    assert "install: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi" in out


def test_demo_on_the_host_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("gcc")
    pytest.importorskip("matplotlib")
    folder, figures = tmp_path / "demo", tmp_path / "demo.json"
    out = told(capsys, "demo", "--host-only", "--steps", "300", "--out", folder, "--json", figures)
    assert "ok    host twin = NumPy reference, bit for bit: 300 predictions" in out
    assert f"report with plots: {folder / 'report.html'}" in out
    assert "<svg" in (folder / "report.html").read_text(encoding="utf-8")
    assert json.loads(figures.read_text(encoding="utf-8"))["plan"]["ram_bytes"] > 0
    assert not (folder / "firmware").exists()


def test_demo_on_the_emulated_chip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("arm-none-eabi-gcc", "qemu-system-arm", "make", "gcc")
    pytest.importorskip("matplotlib")
    out = told(capsys, "demo", "--steps", "200", "--out", tmp_path / "demo")
    assert "ok    qemu_mps2_an386 = NumPy reference, bit for bit: 200 predictions" in out
    assert "ok    host twin = NumPy reference" in out
    assert "last value" in out
    assert re.search(r"instructions of one learn +[\d,]+ +[\d,]+", out)
    assert (tmp_path / "demo" / "firmware" / "firmware.elf").is_file()


def test_as_a_program(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rtrl_edge.cli", "plan", str(model)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path, env=ENVIRONMENT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("plan of tiny: RTRL, R16\n")
