#!/usr/bin/env bash
# The contract and unit tests on the other Pythons that the app supports, each in an environment of its own (.local/).
# A version that is not installed is said and left out. Part of `make test-all`.
set -euo pipefail
cd "$(dirname "$0")/.."

interpreter() { # the path of a Python of that version, from PATH or from pyenv; nothing where there is none
  if "python$1" -c "" 2>/dev/null; then
    command -v "python$1"
  elif command -v pyenv >/dev/null; then
    compgen -G "$(pyenv root)/versions/$1.*/bin/python" | sort -V | tail -n 1 || true
  fi
}

for version in "$@"; do
  python=$(interpreter "$version")
  if [ -z "$python" ]; then
    echo "Python $version: not installed here, left out"
    continue
  fi
  environment=.local/python-$version
  if ! cat requirements-dev.lock requirements-worker.lock | cmp --silent - "$environment/installed.lock"; then
    echo "Python $version: setting up $environment"
    "$python" -m venv --clear "$environment"
    pip=("$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes)
    "${pip[@]}" -r requirements-dev.lock
    "${pip[@]}" --no-deps --ignore-requires-python -r requirements-worker.lock
    cat requirements-dev.lock requirements-worker.lock >"$environment/installed.lock"
  fi
  echo "Python $version: contract and unit tests"
  "$environment/bin/python" -m pytest -p no:cacheprovider tests/contract tests/unit -m "not slow and not long"
done
