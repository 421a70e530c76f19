#!/usr/bin/env bash
# Build or update the environment $VENV (.venv) with the pinned versions of one requirements file and this package.
# Takes uv where it is installed, else a Python of 3.12 or newer with its own venv and pip.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=$1
venv=${VENV:-.venv}
new_enough='import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 12))'

find_python() {
    local name
    for name in ${PYTHON:-python3.12 python3.13 python3.14 python3 python}; do
        if "$name" -c "$new_enough" >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON is no Python of 3.12 or newer with the modules venv and ensurepip." >&2
    else
        echo "No Python of 3.12 or newer (with its venv module) was found; install one, or name it: make PYTHON=/path/to/python" >&2
    fi
    return 1
}

if ! "$venv/bin/python" -c 'import sys; raise SystemExit(sys.version_info < (3, 12))' >/dev/null 2>&1; then
    if command -v uv >/dev/null; then
        uv venv --quiet --clear ${PYTHON:+--python "$PYTHON"} "$venv"
    else
        python=$(find_python)
        "$python" -m venv --clear "$venv"
    fi
fi

echo "Installing $pins into $venv (up to 1.5 gigabytes; some minutes the first time)"
if command -v uv >/dev/null; then
    install=(uv pip install --quiet --python "$venv/bin/python")
else
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    install=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
fi
"${install[@]}" --no-deps -r "$pins"  # the pins are complete; what they leave out is left out on purpose
"${install[@]}" --no-deps --no-build-isolation -e .
