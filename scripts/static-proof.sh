#!/usr/bin/env bash
# Proves that the program needs nothing of its machine: links it statically, puts it alone into an empty root, and there has it
# serve, answer its own health check, find an ERP by its name and call it by https. The root holds the random devices, a folder
# for the ledger, and the certificate of the authority that vouches for the ERP, which is the simulator behind TLS.
# Needs root, python3, openssl, iproute2 and binutils.
#
#   scripts/static-proof.sh [PROFILE]      release unless named; `dev` is built sooner and larger
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in chroot unshare python3 openssl ip readelf; do
    command -v "$tool" > /dev/null || { echo "this proof needs $tool" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "this proof needs root: it makes devices and changes its root" >&2; exit 1; }
profile="${1:-release}"
built="${CARGO_TARGET_DIR:-target}"
# As it is built for the tests: it is no part of the proof.
cargo build --locked --bin zhibang-sim
# Only the last step and what finds names differ from every other build.
cargo rustc --locked --profile "$profile" --features own-resolver --bin erp-bridge -- -C target-feature=+crt-static
program="$built/${profile/#dev/debug}/erp-bridge"
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
cp "$built/debug/zhibang-sim" "$folder/zhibang-sim"

certificate() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "$@" 2> /dev/null; }
certificate -subj "/CN=authority" -keyout "$folder/ca.key" -out "$folder/empty/ca.pem"
certificate -subj "/CN=erp.example" -addext "subjectAltName=DNS:erp.example,DNS:intranet.example" \
    -addext "basicConstraints=critical,CA:FALSE" -CA "$folder/empty/ca.pem" -CAkey "$folder/ca.key" \
    -keyout "$folder/key.pem" -out "$folder/cert.pem"

cat > "$folder/world.py" <<'PYTHON'
"""Two name servers that know erp.example and nobody else, and TLS in front of the simulator."""
import select, socket, ssl, struct, sys, threading

folder, simulator = sys.argv[1], int(sys.argv[2])


def note(file, words):
    with open(f"{folder}/{file}", "a") as notes:
        print(words, file=notes)


def names(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, sender = server.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        is_known, is_ipv4 = b"\3erp\7example\0" in query[12:end].lower(), query[end - 4 : end - 2] == b"\0\1"
        note("asked", f"{address} {query[12 : end - 4]}")
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_known and is_ipv4 else b""
        head = query[:2] + (b"\x81\x80" if is_known else b"\x81\x83") + struct.pack(">HHHH", 1, bool(answer), 0, 0)
        server.sendto(head + query[12:end] + answer, sender)


def relay(connection, context):
    try:
        secured = context.wrap_socket(connection, server_side=True)
    except OSError as error:
        return note("refused", error)
    note("called", secured.version())
    plain = socket.create_connection(("127.0.0.1", simulator))
    while True:
        ready = [secured] if secured.pending() else select.select([secured, plain], [], [])[0]
        for source, target in (secured, plain), (plain, secured):
            if source in ready:
                data = source.recv(65536)
                if not data:
                    return secured.close(), plain.close()
                target.sendall(data)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
for address in "127.0.0.1", "127.0.0.2":
    threading.Thread(target=names, args=(address,), daemon=True).start()
listener = socket.create_server(("127.0.0.1", 8443))
note("ready", "")
while True:
    threading.Thread(target=relay, args=(listener.accept()[0], context), daemon=True).start()
PYTHON

cat > "$folder/proof.sh" <<'PROOF'
set -euo pipefail
folder="$1"
ip link set lo up
children=()
trap 'kill "${children[@]}" 2> /dev/null || true' EXIT
python3 "$folder/world.py" "$folder" 46088 &
children+=($!)
"$folder/zhibang-sim" --listen 127.0.0.1:46088 > "$folder/sim" &
children+=($!)
fails() { cat "$folder"/{serve.log,check,asked,refused} >&2 2> /dev/null || true; echo "does not hold: $*" >&2; exit 1; }
until_there() { for _ in $(seq 200); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; fails "within 20 s: $*"; }
until_there test -s "$folder/ready"
until_there test -s "$folder/sim"
export ERP_BRIDGE__DATABASE__URL=sqlite:///data/ledger.db ERP_BRIDGE__SERVER__LISTEN=127.0.0.1:8080
export ERP_BRIDGE__WEBHOOK__SECRETS=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ERP_BRIDGE__ERP__BASE_URL=https://erp.example:8443
export ERP_BRIDGE__ERP__USERNAME=admin ERP_BRIDGE__ERP__PASSWORD=123456 ERP_BRIDGE__ERP__SERIAL=BRIDGE1
chroot "$folder/empty" /erp-bridge serve > "$folder/serve.out" 2> "$folder/serve.log" &
bridge=$!
children+=("$bridge")
until_there chroot "$folder/empty" /erp-bridge health
echo "served and answered its health check in an empty root"
kill -TERM "$bridge"
wait "$bridge"

# The whole of `check` holds only if the simulator answered every call of it with 200.
checks() { chroot "$folder/empty" /erp-bridge check --lang en > "$folder/check" 2>&1; }
asked() { grep -q "$@" "$folder/asked"; }
rm -f "$folder/asked"
! checks || fails "a certificate that nobody known vouches for is refused"
until_there grep -qi alert "$folder/refused"
echo "refused a certificate that none of its own roots vouches for"

export ERP_BRIDGE__OUTBOUND__CA_CERT=/ca.pem
checks || fails "https://erp.example is called by who believes its authority"
asked "^127.0.0.1 .*erp" || fails "this machine was asked for the name"
echo "found a name without any file of a system, and called it by https ($(sort -u "$folder/called"))"

mkdir "$folder/empty/etc"
# The C library would find nothing by this, and load what is named.
echo "hosts: nowhere" > "$folder/empty/etc/nsswitch.conf"
echo "nameserver 127.0.0.2" > "$folder/empty/etc/resolv.conf"
checks || fails "the name is found at the server of resolv.conf"
asked "^127.0.0.2 .*erp" || fails "the server of resolv.conf was asked"
echo "127.0.0.1 intranet.example" > "$folder/empty/etc/hosts"
export ERP_BRIDGE__ERP__BASE_URL=https://intranet.example:8443
checks || fails "the name is found in the file of hosts"
! asked intranet || fails "nobody was asked for what the file of hosts says"
echo "found names by resolv.conf and by hosts, without the C library"
PROOF
unshare --net -- bash "$folder/proof.sh" "$folder"
size="$(stat --format=%s "$folder/empty/erp-bridge")"
echo "the program, linked statically ($profile): $((size / 1000000)).$((size / 100000 % 10)) MB"
