#!/usr/bin/env bash
# Sets up what `make demo` and `make test` need: Debian packages that are missing, then .venv with the package.
# usage: setup.sh demo|test
# Without root or sudo nothing is installed on the system: it says what is missing and writes .venv/host-only, and
# the two commands go on with what this computer alone can do.
set -euo pipefail
cd "$(dirname "$0")"

what=${1:?usage: setup.sh demo|test}
venv=.venv

# command -> Debian package; the first column is what is looked for
needed="gcc:gcc gcc:libc6-dev make:make arm-none-eabi-gcc:gcc-arm-none-eabi arm-none-eabi-gcc:libnewlib-arm-none-eabi
qemu-system-arm:qemu-system-arm"
[ "$what" = test ] && needed="$needed g++:g++ clang:clang"

missing=()
for pair in $needed; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair#*:}")
done
# a python3 without ensurepip cannot make virtual environments
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then as_root=(sudo -n); else as_root=(none); fi
fi

if [ ${#missing[@]} -gt 0 ]; then
    if [ "${as_root[*]:-}" != none ] && command -v apt-get >/dev/null 2>&1; then
        echo "setup: installing Debian packages: ${missing[*]}"
        if "${as_root[@]}" apt-get update -qq &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                "${missing[@]}" >/dev/null; then
            missing=()
        else
            echo "setup: apt-get could not install them (see above). Please run, when it can reach its sources,"
            echo "           apt-get update && apt-get install ${missing[*]}"
            echo "       Going on with what this computer can do without them."
        fi
    else
        echo "setup: not installed, and no root or passwordless sudo here to do it. Please run"
        echo "           sudo apt-get install ${missing[*]}"
        echo "       Going on with what this computer can do without them."
    fi
fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: wanted Python 3.11 or later as python3, found $(python3 --version 2>&1)" >&2
    exit 1
}
stamp=$venv/stamp-$what
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ setup.sh -nt "$stamp" ]; then
    echo "setup: Python packages into $venv"
    [ -x $venv/bin/python ] || python3 -m venv $venv
    extras=report
    [ "$what" = test ] && extras=report,test,lint
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
    touch "$stamp"
fi

rm -f $venv/host-only
if [ ${#missing[@]} -gt 0 ]; then
    printf '%s\n' "${missing[@]}" >$venv/host-only
fi
