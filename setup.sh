#!/usr/bin/env bash
# Sets up what `make demo` and `make test` need: Debian packages that are missing, then .venv with the package.
# usage: setup.sh demo|test
# Where nothing can be installed on the system (no root or sudo, no network), it says what is missing and writes
# .venv/host-only, and the two commands go on with what this computer alone can do.
set -euo pipefail
cd "$(dirname "$0")"

what=${1:?usage: setup.sh demo|test}
venv=.venv

missing=()
has() { command -v "$1" >/dev/null 2>&1; }
compiles() { has "$1" && echo '#include <string.h>' | "$1" -E -x c - >/dev/null 2>&1; }
need() { # need PACKAGE CHECK...: the package is missing if the check fails
    "${@:2}" >/dev/null 2>&1 || missing+=("$1")
}
need python3-venv python3 -c 'import ensurepip'
need gcc has gcc
need libc6-dev compiles gcc
need make has make
need gcc-arm-none-eabi has arm-none-eabi-gcc
need libnewlib-arm-none-eabi compiles arm-none-eabi-gcc
need qemu-system-arm has qemu-system-arm
if [ "$what" = test ]; then
    need qemu-system-misc has qemu-system-riscv32
    need gcc-riscv64-unknown-elf has riscv64-unknown-elf-gcc
    need gcc-xtensa-lx106 has xtensa-lx106-elf-gcc
    need clang-22 has clang-22
    need llvm-22 has llc-22
    need g++ has g++
    need clang has clang
    need cmake has cmake
    need gcc-riscv64-unknown-elf has riscv64-unknown-elf-gcc
fi

install() { # as root or through "$@"
    "$@" apt-get update -qq &&
        "$@" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
if [ ${#missing[@]} -gt 0 ]; then
    sudo=(sudo -n)
    if [ "$(id -u)" -eq 0 ]; then sudo=(env); fi
    if ! has apt-get || ! "${sudo[@]}" true 2>/dev/null; then
        why="no apt-get here, or neither root nor passwordless sudo to run it"
    else
        echo "setup: installing Debian packages: ${missing[*]}"
        if install "${sudo[@]}"; then missing=(); else why="apt-get could not install them, see above"; fi
    fi
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: missing: ${missing[*]} ($why). To have them:"
    echo "           sudo apt-get update && sudo apt-get install ${missing[*]}"
    if ! has cc && ! has gcc && ! has clang; then
        echo "setup: without any C compiler there is nothing that can be shown; stopping" >&2
        exit 1
    fi
    echo "       Going on with what this computer can do without them."
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: wanted Python 3.11 or later as python3, found $(python3 --version 2>&1)" >&2
    exit 1
}
stamp=$venv/stamp-$what
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ setup.sh -nt "$stamp" ]; then
    echo "setup: Python packages into $venv"
    $venv/bin/python -m pip --version >/dev/null 2>&1 || python3 -m venv $venv
    extras=report
    [ "$what" = test ] && extras=report,test,lint,formats
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
    touch "$stamp"
fi

rm -f $venv/host-only
if [ ${#missing[@]} -gt 0 ]; then
    printf '%s\n' "${missing[@]}" >$venv/host-only
fi
