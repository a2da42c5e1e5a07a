#!/usr/bin/env bash
# Runs a fuzz target with libFuzzer and the stable toolchain: scripts/fuzz.sh envelope|event|json SECONDS
# The coverage that guides it needs no unstable option; the address sanitizer would, and this crate forbids unsafe code.
set -euo pipefail
target="${1:?usage: scripts/fuzz.sh envelope|event|json SECONDS}"
seconds="${2:?usage: scripts/fuzz.sh envelope|event|json SECONDS}"
cd "$(dirname "$0")/../fuzz"
host="$(rustc -vV | sed -n 's/^host: //p')"
export CARGO_TARGET_DIR="$PWD/target"
# With --target the flags do not reach build scripts and procedural macros, which have no fuzzer to report to.
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
    cargo build --quiet --target "$host" --bin "$target"
mkdir -p "runs/$target" "artifacts/$target"
exec "target/$host/debug/$target" "runs/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" \
    -dict=fuzz.dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1
