#!/usr/bin/env bash
# Installs what the tests need and cargo does not bring: the PostgreSQL server, the Python tools that read openapi.yaml and the
# Kubernetes manifests, and promtool. Says nothing and takes no time if they are there. The tests start clusters of their own in temporary
# directories; no system service is used or left running.
set -euo pipefail

# Debian keeps the server's programs out of the PATH, one directory a version.
has_postgres() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

if ! has_postgres; then
    if ! command -v apt-get >/dev/null; then
        echo "The tests need a PostgreSQL server (initdb, pg_ctl): install it with this system's packages." >&2
        exit 1
    fi
    echo "installing PostgreSQL ..."
    log=$(mktemp)
    # The package would start a cluster of its own and leave it running; whoever has settled that already is respected.
    settings=/etc/postgresql-common/createcluster.conf
    if ! {
        as_root mkdir -p "${settings%/*}" &&
            { [ -e "$settings" ] || echo 'create_main_cluster = false' | as_root tee "$settings"; } &&
            as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
                -o Dpkg::Options::=--force-confold postgresql
    } >"$log" 2>&1; then
        cat "$log" >&2
        echo "Installing PostgreSQL failed; install the package postgresql by hand." >&2
        exit 1
    fi
    rm -f "$log"
fi

if ! has_postgres; then
    echo "The package postgresql is installed, and yet there is no initdb in /usr/lib/postgresql/*/bin." >&2
    exit 1
fi

"$(dirname "$0")/python-tools.sh"
"$(dirname "$0")/promtool.sh" --install
