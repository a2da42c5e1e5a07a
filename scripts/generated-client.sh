#!/usr/bin/env bash
# Generates a client from openapi.yaml with openapi-python-client and uses it against a running bridge.
#   scripts/generated-client.sh URL            the environment gives ERP_BRIDGE_TOKEN
set -euo pipefail
url="${1:?usage: scripts/generated-client.sh URL}"
cd "$(dirname "$0")/.."
tools="$(scripts/python-tools.sh --print)"
client="$(mktemp -d "$PWD/target/tools/client.XXXXXX")"
trap 'rm -rf "$client"' EXIT
# A warning means that the generator left something out: then the client is not one of this document.
"$tools/bin/openapi-python-client" generate --path openapi.yaml --output-path "$client/erp-bridge" --meta setup --config tests/client/generator.yaml \
    --fail-on-warning
"$tools/bin/python" -m compileall -q "$client/erp-bridge"
PYTHONPATH="$client/erp-bridge" PYTHONDONTWRITEBYTECODE=1 "$tools/bin/python" tests/client/use.py "$url"
