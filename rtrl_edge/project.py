"""The only module that writes a user's folder. It never deletes or overwrites what it did not write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .assets import examples_dir
from .emit import manifest
from .errors import FolderError
from .formats import export
from .plan import plan
from .quantize import IntegerModel, check_quantized

MANIFEST = "manifest.json"
#: key of the manifest: files in the folder that an earlier command wrote, and the last one did not
OTHERS = "sha256_of_others"


def generate(
    integer_model: IntegerModel,
    folder: str | Path,
    *,
    form: str = "c",
    checked: bool = False,
    certificate: Mapping[str, object] | None = None,
    simd: str = "none",
) -> list[Path]:
    """Write ``NAME.h``, ``NAME_config.h``, ``NAME.c``, its self-test (``.h``, ``.c``), ``manifest.json``.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        folder: a new or empty folder, or one that holds our manifest and only unchanged files of ours under
            the names to be written.
        form: "c" for these files alone, or an ecosystem's project around them: see :mod:`rtrl_edge.formats`.
        checked: see :func:`rtrl_edge.emit.emit`.
        certificate: what :func:`rtrl_edge.evaluate.certificate.certificate` found; goes into the manifest.
        simd: see :func:`rtrl_edge.emit.emit`; "none" is plain C, which runs on all cores.

    Returns:
        The files written.

    Raises:
        FolderError: the folder holds something else, or a generated file that was edited by hand.
    """
    check_quantized("generate", integer_model)
    files = export(integer_model, form, checked, simd)
    figures = plan(integer_model.model).figures()
    text = manifest(integer_model, files, figures, certificate, checked=checked, simd=simd)
    return write_files(folder, files, text)


def write_files(folder: str | Path, files: Mapping[str, str | bytes], manifest_text: str) -> list[Path]:
    """Write files and their manifest under the rules of :func:`generate`."""
    folder = Path(folder)
    ours = _refuse_foreign(folder, files)
    others = {name: sha256 for name, sha256 in ours.items() if name not in files and (folder / name).is_file()}
    if others:  # of another model, format or board: they stay, and stay known as ours
        content = json.loads(manifest_text) | {OTHERS: others}
        manifest_text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    return [_write(folder / name, content) for name, content in [*files.items(), (MANIFEST, manifest_text)]]


def write_text(path: Path, text: str) -> Path:
    """Write a file that a command was asked to write by name; see :func:`refuse_other_kind`."""
    refuse_other_kind(path, text.split("\n", 1)[0])
    return _write(path, text)


@contextmanager
def growing(path: Path, first_line: str) -> Iterator[Callable[[str], object]]:
    """A file that is written while a command works; gives what writes the next text, which begins with the line."""
    refuse_other_kind(path, first_line)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise FolderError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    with file:
        yield file.write


def refuse_existing(path: Path) -> None:
    """Raise FolderError if there is anything of this name."""
    if path.exists():
        raise FolderError(f"{path}: wanted the name of a new file, found one that exists; choose another name")


def write_new(path: Path, content: bytes) -> Path:
    """Write bytes to a file that does not exist yet."""
    refuse_existing(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise FolderError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    return path


def append_line(path: Path, first_line: str, line: str) -> None:
    """Add a line to a file that grows while a command works, and that begins with ``first_line``."""
    refuse_other_kind(path, first_line)
    if not path.exists():
        _write(path, first_line + "\n")
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")


def refuse_other_kind(path: Path, first_line: str) -> None:
    """Raise FolderError if a file of this name exists that is not an older one of the same kind.

    It may be replaced if its first line is that of the new one: our reports, figures and predictions have their
    own, which a model or a recording given by mistake does not have.
    """
    if path.is_dir():
        raise FolderError(f"{path}: wanted the name of a file to write, found a folder; choose another name")
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            found = file.readline(1000).rstrip(b"\r\n")
    except OSError as error:
        raise FolderError(f"{path}: cannot be read ({error.strerror}); choose another name") from error
    if found != first_line.encode():
        begins = found[:40].decode(errors="replace")
        raise FolderError(
            f"{path}: wanted a new file, or an older one of the same kind (its first line would be {first_line!r}), "
            f"found one that begins with {begins!r}; choose another name or move it away"
        )


def _write(path: Path, content: str | bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise FolderError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    return path


def write_starter(folder: Path) -> Path:
    """Write a commented model file into a new or empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        found = f"one that holds '{min(p.name for p in folder.iterdir())}'" if folder.is_dir() else "a file"
        raise FolderError(f"{folder}: wanted a new or empty folder, found {found}; choose another name")
    return _write(folder / "model.py", (examples_dir() / "starter" / "model.py").read_text(encoding="utf-8"))


def _refuse_foreign(folder: Path, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The sha256 of what we wrote there, by name; FolderError if a file that is not ours is in the way."""
    if not folder.exists():
        return {}
    if not folder.is_dir():
        raise FolderError(f"{folder}: wanted a folder, found a file; choose another --out")
    if not any(folder.iterdir()):
        return {}
    ours = _manifest_hashes(folder)
    if ours is None:
        raise FolderError(
            f"{folder}: wanted an empty folder, or one with our {MANIFEST}; found "
            f"'{sorted(p.name for p in folder.iterdir())[0]}' and no manifest. Choose another folder"
        )
    for name in files:
        path = folder / name
        if path.exists() and not (path.is_file() and _sha256(path) == ours.get(name)):
            raise FolderError(
                f"{path}: wanted the file as it was generated, found one that was changed since, or is not ours; "
                "move it away (or choose another folder) and generate again"
            )
    return ours


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _manifest_hashes(folder: Path) -> dict[str, str] | None:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        hashes = content["sha256"] | content.get(OTHERS, {})
        if str(content["generator"]).startswith("rtrl-edge ") and isinstance(hashes, dict):
            return {str(name): str(value) for name, value in hashes.items()}
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no manifest, or not one of ours: the caller refuses
    return None
