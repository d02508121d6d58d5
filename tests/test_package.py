"""The package as a whole: what the wheel carries, and that imports only point one way."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import rtrl_edge as rt

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rtrl_edge"
DATA = ("codegen", "boards", "firmware_templates", "examples")
MODULES = sorted(PACKAGE.rglob("*.py"))


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def imports(module: Path) -> set[str]:
    """Parts of this package (first name below rtrl_edge) that a module imports, also inside functions."""
    found: set[str] = set()
    depth = len(module.relative_to(PACKAGE).parts)  # dots that reach the package from here
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            found |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert not str(node.module).startswith("rtrl_edge"), f"{module}: absolute import of the package itself"
        elif isinstance(node, ast.Import):
            assert not any(a.name.startswith("rtrl_edge") for a in node.names), f"{module}: absolute import"
    return found


def libraries(module: Path) -> set[str]:
    """Other people's packages that a module imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found - sys.stdlib_module_names


def part(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


NEVER = {
    "reference": {"emit", "project", "firmware", "device", "oracle", "evaluate", "cli"},
    "emit": {"reference", "oracle", "device", "project", "evaluate", "cli"},
    "device": {"reference", "oracle", "evaluate", "cli"},
    "firmware": {"reference", "oracle", "device", "evaluate", "cli"},
    "plan": {"reference", "oracle", "emit", "device", "evaluate", "cli"},
}


ONLY = {
    "model": {"errors"},
    "fixed": {"model"},
    "oracle": {"model", "weights", "errors"},
    "reference": {"model", "fixed", "layout", "quantize", "errors"},
}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(module: Path) -> None:
    found = imports(module)
    assert not found & NEVER.get(part(module), set())
    assert "cli" not in found
    if part(module) in ONLY:
        assert found <= ONLY[part(module)]
        assert libraries(module) <= {"numpy"}


def test_the_import_test_sees_imports() -> None:
    assert {"emit", "plan", "device"} <= set().union(*(imports(module) for module in MODULES))
    assert "emit" in imports(PACKAGE / "device" / "host.py")
    assert imports(PACKAGE / "model" / "definition.py") == {"errors"}
    assert libraries(PACKAGE / "device" / "host.py") == {"cffi", "numpy"}
    assert set(ONLY) | set(NEVER) <= {part(module) for module in MODULES}


HEAVY = {
    "PIL", "ai_edge_litert", "cffi", "flatbuffers", "google.protobuf", "kconfiglib", "matplotlib", "multiprocessing",
    "numba", "numpy.testing", "onnx", "pandas", "safetensors", "scipy", "sqlite3", "torch", "tqdm", "unittest", "yaml",
}  # fmt: skip
PARTS = {"convert", "device", "emit", "evaluate", "firmware", "flash", "oracle", "project", "reference", "snapshot"}
PLAN = "rtrl_edge.plan(rtrl_edge.Model('net', 2, [rtrl_edge.RNN(4)], rtrl_edge.Linear(1)), 'qemu_microbit')"


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("import rtrl_edge", PARTS),
        (f"import rtrl_edge; {PLAN}", PARTS),
        ("from rtrl_edge.cli import main; main([])", PARTS - {"emit", "project", "reference", "snapshot"}),
    ],
)
def test_what_is_often_started_imports_little(code: str, parts: set[str]) -> None:
    """Neither libraries but NumPy nor parts of ours that it does not use: that is what makes it quick."""
    unwanted = HEAVY | {f"rtrl_edge.{name}" for name in parts}
    code += f"\nimport sys; print('found:', *sorted({unwanted} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "found:"


def test_every_name_of_the_library_is_what_it_says() -> None:
    """Also those that are imported when first used, whichever of their modules was imported before."""
    code = """
import rtrl_edge.project, rtrl_edge.snapshot, rtrl_edge.evaluate.report, rtrl_edge.device.emulator
for name in rtrl_edge.__all__:
    print(name, getattr(getattr(rtrl_edge, name), "__name__", "-"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    found = dict(line.split() for line in done.stdout.splitlines())
    assert {name for name, told in found.items() if told != name} == {"__version__"}
    assert sorted(found) == sorted(rt.__all__)


def test_data_folders_hold_no_python() -> None:
    for folder in ("codegen", "boards", "firmware_templates"):
        assert not [path for path in files(ROOT / folder) if path.suffix == ".py"]


def test_the_wheel_carries_every_file(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.startswith(f"rtrl_edge-{rt.__version__}-")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = {f"rtrl_edge/{path.relative_to(PACKAGE).as_posix()}" for path in files(PACKAGE)}
    for folder in DATA:
        wanted |= {f"rtrl_edge/_assets/{path.relative_to(ROOT).as_posix()}" for path in files(ROOT / folder)}
    wanted.add("rtrl_edge/_assets/LICENSE")
    assert "rtrl_edge/py.typed" in wanted
    assert wanted - names == set()
    assert {name.split("/")[0] for name in names} == {"rtrl_edge", f"rtrl_edge-{rt.__version__}.dist-info"}


def test_the_version_has_one_source() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    source = (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    assert f'__version__ = "{rt.__version__}"' in source
