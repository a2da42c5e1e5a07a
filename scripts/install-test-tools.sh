#!/usr/bin/env bash
# Installs what the tests need and cargo does not bring: the PostgreSQL server, Chromium with its driver and a Chinese font
# for the console's journeys, systemd-analyze, the tools that come from Python's and Node's package indexes, and promtool. Says nothing and takes
# no time if they are there. The tests start clusters and browsers of their own in temporary directories; no system service is
# used or left running.
set -euo pipefail

# Debian keeps the server's programs out of the PATH, one directory a version.
has_postgres() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

has_browser() {
    command -v chromium >/dev/null && command -v chromedriver >/dev/null
}

has_chinese_font() {
    [ -n "$(fc-list :lang=zh 2>/dev/null | head -n 1)" ]
}

missing=()
has_postgres || missing+=(postgresql)
has_browser || missing+=(chromium chromium-driver)
has_chinese_font || missing+=(fontconfig fonts-wqy-zenhei)
command -v npm >/dev/null || missing+=(npm)
command -v systemd-analyze >/dev/null || missing+=(systemd)

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "The tests need ${missing[*]} (Debian's names): install them with this system's packages." >&2
        exit 1
    fi
    echo "installing ${missing[*]} ..."
    log=$(mktemp)
    # PostgreSQL's package would start a cluster of its own and leave it running; whoever has settled that already is
    # respected.
    settings=/etc/postgresql-common/createcluster.conf
    if ! {
        as_root mkdir -p "${settings%/*}" &&
            { [ -e "$settings" ] || echo 'create_main_cluster = false' | as_root tee "$settings"; } &&
            as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
                -o Dpkg::Options::=--force-confold "${missing[@]}"
    } >"$log" 2>&1; then
        cat "$log" >&2
        echo "Installing failed; install these packages by hand: ${missing[*]}" >&2
        exit 1
    fi
    rm -f "$log"
fi

if ! has_postgres; then
    echo "The package postgresql is installed, and yet there is no initdb in /usr/lib/postgresql/*/bin." >&2
    exit 1
fi
if ! has_browser; then
    echo "The packages chromium and chromium-driver are installed, and yet there is no chromium or chromedriver." >&2
    exit 1
fi

"$(dirname "$0")/python-tools.sh"
"$(dirname "$0")/browser-tools.sh"
"$(dirname "$0")/promtool.sh" --install
