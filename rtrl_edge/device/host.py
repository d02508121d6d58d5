"""The host twin: the generated C, compiled for this computer and loaded with cffi."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import cffi
import numpy as np
import numpy.typing as npt

from ..emit import emit, fill, template
from ..errors import BuildError, DataError
from ..layout import layout
from ..quantize import IntegerModel, check_quantized
from . import Int16, State

#: -ffp-contract and friends do not matter: there is no floating point
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wmissing-prototypes", "-Werror")
#: without -march=native on purpose: a cached twin may be loaded by another machine that shares the home
#: -O2: at -O3 gcc makes steps of 8 and 16 units as fast, those of 32 a fourth faster, and takes longer to compile
OPTIMISED = ("-O2",)
#: what the compiler has to be told before it takes the kernels of these instructions
SIMD_FLAGS: dict[str, tuple[str, ...]] = {"avx2": ("-mavx2",)}

_CDEF = """
void {0}_init(void *net);
void {0}_reset(void *net);
void {0}_predict(void *net, const int16_t *x, int16_t *y);
int {0}_learn(void *net, const int16_t *target);
int {0}_observe(void *net);
int {0}_learn_begin(void *net, const int16_t *target);
uint16_t {0}_learn_slice(void *net, uint16_t columns);
void {0}_play(void *net, const int16_t *x, const int16_t *target, const uint8_t *labelled, int16_t *y, size_t steps);
"""


def cache_dir() -> Path:
    """Where compiled twins are kept: ``$XDG_CACHE_HOME/rtrl-edge`` or ``~/.cache/rtrl-edge``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rtrl-edge"


@cache
def best_simd() -> str:
    """The instructions of this CPU that there are kernels for: ``avx2``, else ``none``.

    Linux on x86 alone says so, in ``/proc/cpuinfo``; elsewhere the twin is plain C.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "none"
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    return "avx2" if "avx2" in flags else "none"


def find_compiler(cc: str | None = None) -> str:
    """The C compiler's path: ``cc``, else ``$CC`` if set, else ``cc``, ``gcc`` or ``clang``; BuildError if none."""
    chosen = cc or os.environ.get("CC")
    wanted = [chosen] if chosen else ["cc", "gcc", "clang"]
    for name in wanted:
        path = shutil.which(name)
        if path:
            return path
    raise BuildError(
        f"host twin: wanted a C compiler, found no program {' or '.join(map(repr, wanted))}. "
        + ("Change CC" if chosen and not cc else "Install one (Debian: apt-get install gcc libc6-dev) or set CC")
        + (" to one program, without options" if chosen and " " in chosen else "")
    )


def build_library(files: Mapping[str, str], name: str, cc: str | None, flags: Sequence[str]) -> Path:
    """Compile NAME_play.c of ``files``, which includes the others, to a shared library, or find it in the cache: it is
    kept by content."""
    compiler = find_compiler(cc)
    command = [compiler, *STRICT, *flags, "-shared", "-fPIC", "-o"]
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    key = hashlib.sha256("\0".join([*command, version, *(f"{k}\0{v}" for k, v in sorted(files.items()))]).encode())
    library = cache_dir() / f"{name}-{key.hexdigest()[:24]}.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        for file, text in files.items():
            (Path(scratch) / file).write_text(text, encoding="utf-8")
        built = Path(scratch) / "twin.so"
        result = subprocess.run(
            [*command, str(built), f"{name}_play.c"],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if result.returncode != 0:
            first = "\n".join(result.stderr.splitlines()[:12])
            raise BuildError(f"host twin: {compiler} refused the generated C of '{name}':\n{first}")
        built.replace(library)  # atomic: two processes may build the same twin
    return library


class HostTwin:
    """A model's generated C, on this computer.

    Args:
        integer_model: what :func:`rtrl_edge.quantize` made.
        cc: C compiler; ``$CC`` or ``cc`` if not given.
        flags: optimisation and sanitizer flags, :data:`OPTIMISED` if not given; the warnings are always on.
        checked: build with the words that trap where a bound of the plan is broken, in plain C.
        simd: ``none``, plain C; ``avx2``; or kernels of boards with this ``simd``, their instructions in C, to test
            them here (those of "mve" have no twins in C, and are refused). If not given what :func:`best_simd` finds,
            but plain C where ``flags`` are given. Never another bit.
    """

    def __init__(
        self,
        integer_model: IntegerModel,
        *,
        cc: str | None = None,
        flags: Sequence[str] | None = None,
        checked: bool = False,
        simd: str | None = None,
    ) -> None:
        check_quantized("HostTwin", integer_model)
        self.integer_model = integer_model
        model = integer_model.model
        self._inputs, self._outputs = model.dims.inputs, model.dims.outputs
        self._layout = layout(model)
        if simd is None:
            simd = "none" if checked or flags is not None else best_simd()
        flags = (*(OPTIMISED if flags is None else flags), *SIMD_FLAGS.get(simd, ()))
        files = emit(integer_model, checked, simd)
        names = {"name": model.name, "NAME": model.name.upper()}
        files[f"{model.name}_play.c"] = fill(template("NAME_play.c"), names)
        library = build_library(files, model.name, cc, flags)
        ffi: Any = cffi.FFI()  # Any: its type stubs do not know that an array is a buffer
        self._ffi = ffi
        self._ffi.cdef(_CDEF.format(model.name))
        self._library: Any = self._ffi.dlopen(str(library))
        call = {name: getattr(self._library, f"{model.name}_{name}") for name in _CALLS}
        self._call: dict[str, Any] = call
        self._memory = np.zeros(-(-self._layout.size // 8) * 8 // 8, dtype=np.uint64).view(np.uint8)
        self._net: Any = self._ffi.from_buffer(self._memory)
        call["init"](self._net)

    @property
    def views(self) -> State:
        """Live views of the state struct's members, without copying: what the C reads and writes."""
        return self._layout.views(self._memory)

    def predict(self, x: Int16) -> Int16:
        """Advance by one sample x (inputs,) Q0.15; y (outputs,)."""
        y = np.empty(self._outputs, dtype=np.int16)
        self._open()["predict"](
            self._net, self._pointer("predict: x", x, (self._inputs,)), self._ffi.from_buffer("int16_t[]", y)
        )
        return y

    def learn(self, target: Int16) -> None:
        """Learn from target (outputs,) of the sample just predicted."""
        self._done(
            "learn",
            self._open()["learn"](self._net, self._pointer("learn: target", target, (self._outputs,))),
        )

    def observe(self) -> None:
        """Move the influence along without a label."""
        self._done("observe", self._open()["observe"](self._net))

    def learn_begin(self, target: Int16) -> None:
        """Start a learning step that :meth:`learn_slice` finishes."""
        self._done(
            "learn_begin",
            self._open()["learn_begin"](self._net, self._pointer("learn_begin: target", target, (self._outputs,))),
        )

    def learn_slice(self, columns: int) -> int:
        """Do at most ``columns`` columns of the step; how many are left."""
        return int(self._open()["learn_slice"](self._net, columns))

    def play(self, x: Int16, target: Int16 | None = None, labelled: npt.NDArray[np.bool_] | None = None) -> Int16:
        """Many steps in one call: predict each row of x (T, inputs), learn from target's rows; y (T, outputs).

        Without ``target`` it only predicts. Rows where ``labelled`` is False are observed.
        """
        call = self._open()
        steps = len(x)
        xs = self._pointer("play: x", x, (steps, self._inputs))
        targets = labels = self._ffi.NULL
        if target is not None:
            targets = self._pointer("play: target", target, (steps, self._outputs))
        if labelled is not None:
            if np.shape(labelled) != (steps,):
                raise DataError(f"play: labelled must have the shape ({steps},), found {np.shape(labelled)}")
            labels = self._ffi.from_buffer("uint8_t[]", np.ascontiguousarray(labelled, dtype=np.bool_))
        y = np.empty((steps, self._outputs), dtype=np.int16)
        call["play"](self._net, xs, targets, labels, self._ffi.from_buffer("int16_t[]", y), steps)
        return y

    def reset(self) -> None:
        """Forget the past, keep the weights."""
        self._open()["reset"](self._net)

    def state(self) -> State:
        """A copy of every member of the state struct."""
        return {name: view.copy() for name, view in self.views.items()}

    def close(self) -> None:
        """Let go of the library; further calls are errors. Views stay valid."""
        self._call = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _open(self) -> dict[str, Any]:
        if not self._call:
            raise DataError("host twin: it was closed; make a new HostTwin")
        return self._call

    def _pointer(self, what: str, values: Int16, shape: tuple[int, ...]) -> Any:
        # from_buffer does not look at the type: a float64 array would be read as words
        if not isinstance(values, np.ndarray) or values.dtype != np.int16 or values.shape != shape:
            found = (
                f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            )
            raise DataError(f"{what} must be a NumPy array of int16 of shape {shape}, found {found}")
        return self._ffi.from_buffer("int16_t[]", np.ascontiguousarray(values))

    @staticmethod
    def _done(call: str, status: int) -> None:
        if status != 0:
            raise DataError(f"{call}: there is no prediction to work on; call predict(x) first, then {call} once")


_CALLS = ("init", "reset", "predict", "learn", "observe", "learn_begin", "learn_slice", "play")
