#!/usr/bin/env bash
# Installs what the tests need and cargo does not bring: the PostgreSQL server, systemd-analyze, the Python tools that read openapi.yaml
# and the Kubernetes manifests, and promtool. Says nothing and takes no time if they are there. The tests start clusters of their own in temporary
# directories; no system service is used or left running.
set -euo pipefail

# Debian keeps the server's programs out of the PATH, one directory a version.
has_postgres() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs a Debian package; prints what happened only if it fails.
install_package() {
    if ! command -v apt-get >/dev/null; then
        echo "The tests need $2: install it with this system's packages." >&2
        exit 1
    fi
    echo "installing $1 ..."
    log=$(mktemp)
    if ! {
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
                -o Dpkg::Options::=--force-confold "$1"
    } >"$log" 2>&1; then
        cat "$log" >&2
        echo "Installing the package $1 failed; install it by hand." >&2
        exit 1
    fi
    rm -f "$log"
}

if ! has_postgres; then
    # The package would start a cluster of its own and leave it running; whoever has settled that already is respected.
    settings=/etc/postgresql-common/createcluster.conf
    if command -v apt-get >/dev/null && [ ! -e "$settings" ]; then
        as_root mkdir -p "${settings%/*}"
        echo 'create_main_cluster = false' | as_root tee "$settings" >/dev/null
    fi
    install_package postgresql "a PostgreSQL server (initdb, pg_ctl)"
    if ! has_postgres; then
        echo "The package postgresql is installed, and yet there is no initdb in /usr/lib/postgresql/*/bin." >&2
        exit 1
    fi
fi

command -v systemd-analyze >/dev/null || install_package systemd "systemd-analyze"

"$(dirname "$0")/python-tools.sh"
"$(dirname "$0")/promtool.sh" --install
