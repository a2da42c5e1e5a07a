#!/usr/bin/env bash
# Runs all checks of schemathesis against a running bridge, from its own /openapi.yaml.
#   scripts/schemathesis.sh URL [more options of `schemathesis run`, such as --seed 2]
# The environment gives ERP_BRIDGE_TOKEN (scope operate) and ERP_BRIDGE_SECRET (whsec_…).
set -euo pipefail
url="${1:?usage: scripts/schemathesis.sh URL}"
shift
cd "$(dirname "$0")/.."
tools="$(scripts/python-tools.sh --print)"
settings="$PWD/tests/schemathesis"
# What it writes down of its run stays under target/.
mkdir -p target/tools/schemathesis
cd target/tools/schemathesis
export SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$settings" PYTHONDONTWRITEBYTECODE=1
exec "$tools/bin/schemathesis" --no-color --config-file "$settings/schemathesis.toml" run "$url/openapi.yaml" --url "$url" "$@"
