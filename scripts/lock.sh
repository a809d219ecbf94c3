#!/usr/bin/env bash
# The lock files anew, with the newest versions that requirements.txt and requirements-dev.txt allow. `make lock`.
# Each holds for every Python from 3.11 on and every platform: where versions must differ, an environment marker says so.
# No address of a registry is written into them: pip takes the one that it is set up with, and the hashes hold for any.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?usage: lock.sh PYTHON REQUIREMENT-OF-THE-WORKER}
worker=${2:?usage: lock.sh PYTHON REQUIREMENT-OF-THE-WORKER}

tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"$python" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet --disable-pip-version-check --no-input 'uv>=0.9,<1'

compile() { # RESULT ARGUMENT...
  echo "lock: $1"
  "$tool/bin/uv" pip compile --quiet --no-config --upgrade --generate-hashes --custom-compile-command "make lock" \
    --output-file "$@"
}

compile requirements-dev.lock --universal --python-version 3.11 requirements-dev.txt
# A deployment gets the versions that were tested, even where a tool for development holds one back.
compile requirements.lock --universal --python-version 3.11 --constraints requirements-dev.lock requirements.txt
compile requirements-audit.lock --universal --python-version 3.11 requirements-audit.txt
# The worker asks for Python 3.13; see the Makefile.
compile requirements-worker.lock --no-deps --python-version 3.13 - <<<"$worker"
