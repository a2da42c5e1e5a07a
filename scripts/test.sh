#!/usr/bin/env bash
# Everything that must hold before a change lands. `make test` calls it.
#
# The test runner comes last, so that its closing line is the one that a reader sees at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# On a machine that builds once, what only a second build is quicker by is left out.
if [ -n "${CI:-}" ]; then
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
    # The compiler with clippy's lints in it lints what it builds; `cargo clippy` would read every dependency once more.
    RUSTC_WORKSPACE_WRAPPER="$(command -v clippy-driver)"
    export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS=-Dwarnings
fi

step() {
    printf '\n== %s\n' "$*"
}

step "tools"
scripts/install-test-tools.sh

step "format"
cargo fmt --check

step "lints"
if [ -n "${CI:-}" ]; then
    cargo build --locked --all-targets --quiet
else
    cargo clippy --locked --all-targets --all-features --quiet -- -D warnings
fi

step "image"
target/tools/python/bin/hadolint Dockerfile

step "types of the Python sender"
target/tools/python/bin/mypy --cache-dir target/tools/mypy --strict clients/python examples/platform

step "examples in the documentation"
cargo test --locked --doc --quiet

step "tests"
if command -v cargo-nextest >/dev/null; then
    exec cargo nextest run --locked
fi
exec cargo test --locked --lib --bins --tests --examples
