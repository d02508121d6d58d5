"""Where the data folders are: the only module that spells their paths.

A wheel carries them inside the package (``_assets``); a checkout has them at its top.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    shipped = _PACKAGE / "_assets" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name


def boards_dir() -> Path:
    """One TOML file a board."""
    return _folder("boards")


def firmware_templates_dir() -> Path:
    """Sources of the firmware folders, one folder a kind."""
    return _folder("firmware_templates")


def codegen_dir() -> Path:
    """Kernels that go to the device and the templates of the generated files."""
    return _folder("codegen")


def licence_text() -> str:
    """The Apache License 2.0, for folders that hold our kernels."""
    shipped = _PACKAGE / "_assets" / "LICENSE"
    return (shipped if shipped.is_file() else _PACKAGE.parent / "LICENSE").read_text(encoding="utf-8")


def examples_dir() -> Path:
    """Worked examples and their small data."""
    return _folder("examples")
