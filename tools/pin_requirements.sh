#!/usr/bin/env bash
# Write requirements/*.txt: the exact versions behind what pyproject.toml asks for. Keeps what is pinned where it can;
# with the argument --upgrade it takes the newest. The files name versions only, never where they come from.
# The tests embed texts with the bundled model, which JAX runs: sentence-transformers, and with it PyTorch (5.5 GB), stays out.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv)
options=(--quiet --universal --python-version 3.12 --no-header --no-annotate --no-emit-index-url --no-emit-find-links)
pin() {  # NAME [extra options]: requirements/NAME.txt
    echo "setuptools>=77" | "$uv" pip compile pyproject.toml - "${options[@]}" "${@:2}" -o "requirements/$1.txt" >/dev/null
    sed -i '1i # Pinned by tools/pin_requirements.sh (make requirements); edit pyproject.toml instead.' "requirements/$1.txt"
}
pin test --extra test --extra embeddings --excludes <(echo sentence-transformers) "$@"
pin run -c requirements/test.txt "$@"
