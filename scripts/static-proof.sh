#!/usr/bin/env bash
# Proves that the program needs nothing of its machine: links it statically, puts it alone into an empty root, and there has it
# serve, answer its own health check, resolve a name, and refuse a certificate that no root vouches for. The root holds
# the random devices and a folder for the ledger, and for the name a resolv.conf.
# Needs root, python3, openssl, iproute2 and binutils.
#
#   scripts/static-proof.sh [PROFILE]      release unless named; `dev` is built sooner and larger
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${1:-release}"
# Only the last step differs from every other build: everything that is compiled already stays.
cargo rustc --locked --profile "$profile" --bin erp-bridge -- -C target-feature=+crt-static
program="${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/erp-bridge"
if readelf --program-headers "$program" | grep -q INTERP; then
    echo "$program asks for a dynamic linker" >&2
    exit 1
fi

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/empty/data" "$folder/empty/dev"
# Every runtime brings them: what asks for random bytes finds no other way in a program that is linked statically.
mknod -m 444 "$folder/empty/dev/random" c 1 8
mknod -m 444 "$folder/empty/dev/urandom" c 1 9
cp "$program" "$folder/empty/erp-bridge"
# The next ordinary build links it anew.
rm "$program"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=erp.example \
    -addext subjectAltName=DNS:erp.example -keyout "$folder/key.pem" -out "$folder/cert.pem" 2> /dev/null

cat > "$folder/world.py" <<'PYTHON'
"""A name server that knows one address for every name, and a TLS server that says for whom it was called."""
import socket, ssl, struct, sys, threading

folder = sys.argv[1]


def names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    while True:
        query, sender = server.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        is_ipv4 = query[end - 4 : end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_ipv4 else b""
        count = struct.pack(">H", 1 if is_ipv4 else 0)
        server.sendto(query[:2] + b"\x81\x80\0\1" + count + b"\0\0\0\0" + query[12:end] + answer, sender)


def called(_, name, __):
    with open(f"{folder}/called", "a") as file:
        print(name, file=file)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
context.sni_callback = called
threading.Thread(target=names, daemon=True).start()
listener = socket.create_server(("127.0.0.1", 8443))
open(f"{folder}/ready", "w").close()
while True:
    connection, _ = listener.accept()
    try:
        context.wrap_socket(connection, server_side=True)
    except OSError as error:
        print(error, file=open(f"{folder}/tls", "a"))
PYTHON

cat > "$folder/proof.sh" <<'PROOF'
set -euo pipefail
folder="$1"
ip link set lo up
python3 "$folder/world.py" "$folder" &
world=$!
trap 'kill "$world" 2> /dev/null || true' EXIT
until_there() { for _ in $(seq 200); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; cat "$folder/serve.log" >&2; echo "not within 20 s: $*" >&2; exit 1; }
until_there test -e "$folder/ready"
export ERP_BRIDGE__DATABASE__URL=sqlite:///data/ledger.db ERP_BRIDGE__SERVER__LISTEN=127.0.0.1:8080
export ERP_BRIDGE__WEBHOOK__SECRETS=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ERP_BRIDGE__ERP__BASE_URL=https://erp.example:8443
export ERP_BRIDGE__ERP__USERNAME=admin ERP_BRIDGE__ERP__PASSWORD=123456 ERP_BRIDGE__ERP__SERIAL=BRIDGE1
chroot "$folder/empty" /erp-bridge serve > "$folder/serve.out" 2> "$folder/serve.log" &
bridge=$!
until_there chroot "$folder/empty" /erp-bridge health
echo "served and answered its health check in an empty root"
kill -TERM "$bridge"
wait "$bridge"
# What every container runtime brings, and nothing else.
mkdir "$folder/empty/etc"
echo "nameserver 127.0.0.1" > "$folder/empty/etc/resolv.conf"
chroot "$folder/empty" /erp-bridge check --lang en > "$folder/check" || true
kill "$world"
grep -q '^erp.example$' "$folder/called" || { cat "$folder/check" >&2; echo "https://erp.example was not called" >&2; exit 1; }
echo "resolved a name and called an https address"
grep -qi 'unknown ca\|certificate unknown\|alert' "$folder/tls" || { cat "$folder/tls" "$folder/check" >&2; exit 1; }
echo "refused a certificate that none of its own roots vouches for"
PROOF
unshare --net -- bash "$folder/proof.sh" "$folder"
echo "$(stat --format=%s "$folder/empty/erp-bridge") bytes, statically linked"
