#!/usr/bin/env bash
# Runs all checks of schemathesis against a running bridge, from its own /openapi.yaml.
#   scripts/schemathesis.sh URL [more options of `schemathesis run`]
# The environment gives ERP_BRIDGE_TOKEN (scope operate) and ERP_BRIDGE_SECRET (whsec_…).
set -euo pipefail
url="${1:?usage: scripts/schemathesis.sh URL}"
shift
cd "$(dirname "$0")/.."
tools="$(scripts/python-tools.sh --print)"
cd tests/schemathesis
export SCHEMATHESIS_HOOKS=hooks
export PYTHONPATH="$PWD" PYTHONDONTWRITEBYTECODE=1
exec "$tools/bin/schemathesis" --no-color run "$url/openapi.yaml" --url "$url" "$@"
