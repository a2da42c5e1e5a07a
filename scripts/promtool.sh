#!/usr/bin/env bash
# Runs promtool, which checks and tests Prometheus' rules: the one of this machine, else that of Debian's package, of which
# nothing else is unpacked. With --install it is only made ready.
set -euo pipefail
cd "$(dirname "$0")/.."
tool="$(command -v promtool || true)"
if [ -z "$tool" ]; then
    tool="$PWD/target/tools/promtool"
    mkdir -p target/tools
    # Two tests may ask at the same time: one installs, the other waits.
    exec 9> target/tools/promtool.lock
    flock 9
    if [ ! -x "$tool" ]; then
        folder="$(mktemp -d)"
        trap 'rm -rf "$folder"' EXIT
        if ! (
            cd "$folder"
            apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
        ) > "$folder/log" 2>&1; then
            cat "$folder/log" >&2
            echo "promtool could not be fetched; install it (Debian: the package prometheus) by hand." >&2
            exit 1
        fi
        mv "$folder/usr/bin/promtool" "$tool"
    fi
    flock -u 9
fi
if [ "${1:-}" = "--install" ]; then exit 0; fi
"$tool" "$@"
