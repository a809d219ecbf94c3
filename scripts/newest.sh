#!/usr/bin/env bash
# The contract and unit tests with the newest versions that requirements*.txt allow today, not with the locked ones, in an
# environment that is thrown away. `make test-newest`: what `make lock` would bring.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?usage: newest.sh PYTHON}
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
pip=("$environment/bin/python" -m pip --quiet --disable-pip-version-check --no-input)

"$python" -m venv "$environment"
"${pip[@]}" install -r requirements-dev.txt
"${pip[@]}" install --require-hashes --no-deps --ignore-requires-python -r requirements-worker.lock
versions=$("${pip[@]}" freeze --exclude azure-functions-runtime | tr '[:upper:]_' '[:lower:]-')
echo "The newest versions, on $("$python" --version):"
paste -sd ' ' <<<"$versions" | fold -s -w 120
echo "Of these, the lock has in another version:"
grep -vxFf <(grep -oE '^[^ ;]+==[^ ;]+' requirements-dev.lock) <<<"$versions" || echo "none"
"$environment/bin/python" -m pytest -p no:cacheprovider tests/contract tests/unit -m "not slow and not long"
