#!/usr/bin/env bash
# Builds the committed program twice from nothing, in two folders, and compares what comes out byte for byte.
#
#   scripts/reproducible.sh [PROFILE]      release unless named; takes two whole builds
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${1:-release}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cargo_home="${CARGO_HOME:-$HOME/.cargo}"
SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
# They would come before the flags below, or between cargo and the compiler.
unset CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER
one="$folder/one"
another="$folder/another-with-a-longer-name"
# Where the sources stood shows in no message and no debug information. Both builds get the same flags: cargo makes names of them.
export RUSTFLAGS="--remap-path-prefix=$one=/build --remap-path-prefix=$another=/build --remap-path-prefix=$cargo_home=/cargo"
export CFLAGS="-ffile-prefix-map=$one=/build -ffile-prefix-map=$another=/build -ffile-prefix-map=$cargo_home=/cargo"

build() {
    local source="$1"
    mkdir "$source"
    git archive HEAD | tar --extract --directory "$source"
    (cd "$source" && cargo build --locked --quiet --profile "$profile" --bin erp-bridge)
    cp "$source/target/${profile/#dev/debug}/erp-bridge" "$source.program"
    rm -r "$source"
}

build "$one"
build "$another"
sha256sum "$folder"/*.program
cmp "$one.program" "$another.program"
echo "both builds are the same, byte for byte"
