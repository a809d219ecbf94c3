#!/bin/sh
# Azure CLI against a running local Azure:   scripts/az-local.sh storage account list -o table
# The settings that `python -m local azure` printed must be in the environment. The CLI gets an environment of its own
# (.local/azure-cli, about 700 MB, made once); the first call registers the local ARM as a cloud and logs in with the
# managed identity.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
: "${ARM_ENDPOINT:?start 'python -m local azure' and set what it prints}" "${IDENTITY_ENDPOINT:?}" "${REQUESTS_CA_BUNDLE:?}"

home="$root/.local/azure-cli"
if [ ! -x "$home/bin/az" ]; then
    echo "making an environment for Azure CLI in .local/azure-cli ..." >&2
    python3 -m venv "$home"
    # PyPI is not signed by the local Azure's private CA
    env -u SSL_CERT_FILE -u REQUESTS_CA_BUNDLE "$home/bin/python" -m pip install --quiet 'azure-cli>=2.80,<3'
fi

export AZURE_CONFIG_DIR="$root/.local/azure-cli-config" AZURE_CORE_COLLECT_TELEMETRY=false
if [ "$(cat "$AZURE_CONFIG_DIR/local-endpoint" 2>/dev/null || true)" != "$ARM_ENDPOINT" ]; then
    rm -rf "$AZURE_CONFIG_DIR"
    "$home/bin/az" cloud register -n LocalAzure --endpoint-resource-manager "$ARM_ENDPOINT" --only-show-errors
    "$home/bin/az" cloud set -n LocalAzure --only-show-errors
    "$home/bin/az" login --identity --allow-no-subscriptions --only-show-errors --output none
    echo "$ARM_ENDPOINT" > "$AZURE_CONFIG_DIR/local-endpoint"
fi
exec "$home/bin/az" "$@"
