"""The only module that writes a user's folder. It never deletes or overwrites what it did not write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from .assets import examples_dir
from .emit import emit, manifest
from .errors import FolderError
from .plan import plan
from .quantize import IntegerModel

MANIFEST = "manifest.json"


def generate(integer_model: IntegerModel, folder: str | Path, *, checked: bool = False) -> list[Path]:
    """Write ``NAME.h``, ``NAME_config.h``, ``NAME.c`` and ``manifest.json``.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        folder: a new or empty folder, or one that holds our manifest and only unchanged files of ours under
            the names to be written.
        checked: see :func:`rtrl_edge.emit.emit`.

    Returns:
        The files written.

    Raises:
        FolderError: the folder holds something else, or a generated file that was edited by hand.
    """
    files = emit(integer_model, checked)
    figures = plan(integer_model.model).figures()
    return write_files(folder, files, manifest(integer_model, files, figures))


def write_files(folder: str | Path, files: Mapping[str, str], manifest_text: str) -> list[Path]:
    """Write texts and their manifest under the rules of :func:`generate`."""
    folder = Path(folder)
    _refuse_foreign(folder, files)
    written = []
    for name, text in [*files.items(), (MANIFEST, manifest_text)]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def write_text(path: Path, text: str) -> Path:
    """Write a file that a command was asked to write by name; one of another kind is not overwritten.

    A file may be replaced if its first line is that of the new one (our reports, figures and predictions have
    their own), which a model or a recording given by mistake does not have.
    """
    first_line = text.encode().split(b"\n", 1)[0]
    if path.exists() and (not path.is_file() or path.read_bytes().split(b"\n", 1)[0] != first_line):
        raise FolderError(f"{path}: exists and is not a file of this kind; choose another name or move it away")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def write_starter(folder: Path) -> Path:
    """Write a commented model file into a new or empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder}: wanted a new or empty folder; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.py"
    path.write_text((examples_dir() / "starter" / "model.py").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def _refuse_foreign(folder: Path, files: Mapping[str, str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FolderError(f"{folder}: wanted a folder, found a file; choose another --out")
    if not any(folder.iterdir()):
        return
    ours = _manifest_hashes(folder)
    if ours is None:
        raise FolderError(
            f"{folder}: wanted an empty folder, or one with our {MANIFEST}; found "
            f"'{sorted(p.name for p in folder.iterdir())[0]}' and no manifest. Choose another folder"
        )
    for name in files:
        path = folder / name
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != ours.get(name):
            raise FolderError(
                f"{path}: was changed since it was generated, or is not ours; "
                "move it away (or choose another folder) and generate again"
            )


def _manifest_hashes(folder: Path) -> dict[str, str] | None:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        hashes = content["sha256"]
        if str(content["generator"]).startswith("rtrl-edge ") and isinstance(hashes, dict):
            return {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no manifest, or not one of ours: the caller refuses
    return None
