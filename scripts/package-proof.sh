#!/usr/bin/env bash
# Installs the Debian package, upgrades, removes and purges it, and looks each time what became of the configuration and the
# ledger: on a copy of this machine that lies over it, that nobody else sees, and that is gone afterwards.
# The package is what `cargo deb` makes of [package.metadata.deb] in Cargo.toml, put together here around PROGRAM.
# Needs root, python3, dpkg and adduser, and a machine that lets one mount.
#
#   scripts/package-proof.sh PROGRAM
set -euo pipefail
program="$(realpath "$1")"
cd "$(dirname "$0")/.."
if [ "${2:-}" != inside ]; then
    # Nothing of the caller's: neither variables that the bridge or dpkg reads, nor a path without the administrator's programs.
    path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
    exec env --ignore-environment "PATH=$path" unshare --mount --net -- "scripts/${0##*/}" "$program" inside
fi
# Nor a umask that would close the packages and the copy of the machine to everybody else.
umask 022
folder="$(mktemp -d)"
mount -t tmpfs proof "$folder"
mkdir "$folder"/{over,work,machine}
mount -t overlay -o "lowerdir=/,upperdir=$folder/over,workdir=$folder/work" proof "$folder/machine"
machine="$folder/machine"
mount --bind /dev "$machine/dev"
mount -t proc proc "$machine/proc"
ip link set lo up
trap 'umount --lazy "$machine" "$folder"; rmdir "$folder"' EXIT

# pack VERSION: a package of this version, whose configuration names it.
pack() {
    python3 - "$1" "$program" "$folder/$1" <<'PYTHON'
import glob, pathlib, shutil, subprocess, sys, tomllib

version, program, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
deb = package["metadata"]["deb"]
for source, place, mode in deb["assets"]:
    for found in [program] if source == f"target/release/{package['name']}" else glob.glob(source):
        file = root / place / pathlib.Path(source if found == program else found).name if place.endswith("/") else root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, file)
        file.chmod(int(mode, 8))
for name in deb["conf-files"]:
    with (root / name.lstrip("/")).open("a") as file:
        print(f"# as version {version} brings it", file=file)
control = root / "DEBIAN"
shutil.copytree(deb["maintainer-scripts"], control)
for script in control.iterdir():
    script.chmod(0o755)
(control / "conffiles").write_text("".join(f"{name}\n" for name in deb["conf-files"]))
depends = deb["depends"].replace("$auto, ", "")
(control / "control").write_text(
    f"Package: {package['name']}\nVersion: {version}\nArchitecture: all\nMaintainer: {deb['maintainer']}\n"
    f"Depends: {depends}\nDescription: {package['description']}\n"
)
subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", root, f"{root}.deb"], check=True, stdout=subprocess.DEVNULL)
PYTHON
    mv "$folder/$1.deb" "$machine/bridge-$1.deb"
}

inside() { chroot "$machine" "$@"; }
installs() { inside dpkg --force-confdef --force-confold --install "/bridge-$1.deb" > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }; }
holds() { "$@" || { echo "does not hold after $stage: $*" >&2; exit 1; }; }
is() { [ "$(inside stat --format="%U:%G %a" "$1")" = "$2" ] || { inside ls -la "$1" >&2; return 1; }; }
config=/etc/erp-bridge/erp-bridge.toml
ledger=/var/lib/erp-bridge/erp-bridge.db

pack 1.0
pack 2.0
stage="the installation"
installs 1.0
holds is /var/lib/erp-bridge "erp-bridge:erp-bridge 700"
holds is "$config" "root:erp-bridge 640"
holds inside erp-bridge --version > /dev/null
echo "# mine" >> "$machine$config"
# The bridge makes its ledger, as the unit would have it.
run=(setpriv --reuid=erp-bridge --regid=erp-bridge --clear-groups env "ERP_BRIDGE__DATABASE__URL=sqlite://$ledger" ERP_BRIDGE__SERVER__LISTEN=127.0.0.1:8080
    ERP_BRIDGE__WEBHOOK__SECRETS=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ERP_BRIDGE__ERP__BASE_URL=http://127.0.0.1:9
    ERP_BRIDGE__ERP__USERNAME=admin ERP_BRIDGE__ERP__PASSWORD=123456 ERP_BRIDGE__ERP__SERIAL=BRIDGE1
    erp-bridge)
(exec chroot "$machine" "${run[@]}" serve) > "$folder/serve" 2>&1 &
bridge=$!
for _ in $(seq 200); do inside "${run[@]}" health > /dev/null 2>&1 && break; sleep 0.1; done
kill -TERM "$bridge"
wait "$bridge" || { cat "$folder/serve" >&2; exit 1; }
holds test -s "$machine$ledger"
before="$(sha256sum < "$machine$ledger")"
kept() { [ "$(sha256sum < "$machine$ledger")" = "$before" ] && is "$ledger" "erp-bridge:erp-bridge 600"; }

stage="the upgrade"
installs 2.0
holds grep -q '^# mine$' "$machine$config"
holds is "$config" "root:erp-bridge 640"
holds kept
echo "an upgrade keeps the configuration and the ledger"

stage="the removal"
inside dpkg --remove erp-bridge > "$folder/log" 2>&1
holds test ! -e "$machine/usr/bin/erp-bridge"
holds grep -q '^# mine$' "$machine$config"
holds kept
stage="the purge"
inside dpkg --purge erp-bridge > "$folder/log" 2>&1
holds grep -q "$(dirname "$ledger") holds the ledger and was kept" "$folder/log"
holds test ! -e "$machine$config"
holds kept
echo "a removal keeps both, a purge the ledger"

stage="another installation"
installs 2.0
holds kept
echo "another installation finds the ledger as it was left"
