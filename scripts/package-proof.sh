#!/usr/bin/env bash
# Installs the Debian package, upgrades, removes and purges it, and looks each time what became of the configuration and the
# ledger: on a copy of this machine that lies over it, that nobody else sees, and that is gone afterwards.
# The package is what `cargo deb` makes of [package.metadata.deb] in Cargo.toml, put together here around PROGRAM.
# Needs root, python3, dpkg, adduser and systemctl, and a machine that lets one mount. No systemd runs on the copy; from
# the upgrade on a stub of systemctl is told what one would be told.
#
#   scripts/package-proof.sh PROGRAM
set -euo pipefail
program="$(realpath "$1")"
cd "$(dirname "$0")/.."
if [ "${2:-}" != inside ]; then
    # Nothing of the caller's: neither variables that the bridge or dpkg reads, nor a path without the administrator's programs.
    path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
    # With processes of its own, none of which outlives it.
    alone=(unshare --mount --net --pid --fork --)
    exec env --ignore-environment "PATH=$path" "${alone[@]}" "scripts/${0##*/}" "$program" inside
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

# pack VERSION: a package of this version, whose configuration names it. 0.9 is one as they were: the example was the
# configuration, and a conffile.
pack() {
    python3 - "$1" "$program" "$folder/$1" <<'PYTHON'
import glob, pathlib, shutil, subprocess, sys, tomllib

version, program, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
package = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]
deb = package["metadata"]["deb"]
was = version == "0.9"
assets = deb["assets"] + [["erp-bridge.example.toml", "etc/erp-bridge/erp-bridge.toml", "640"]] * was
conffiles = deb.get("conf-files", []) + ["/etc/erp-bridge/erp-bridge.toml"] * was
for source, place, mode in assets:
    for found in [program] if source.startswith("target/") else glob.glob(source):
        file = root / place / pathlib.Path(source if found == program else found).name if place.endswith("/") else root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, file)
        file.chmod(int(mode, 8))
for name in ["/usr/share/erp-bridge/erp-bridge.toml", *conffiles]:
    with (root / name.lstrip("/")).open("a") as file:
        print(f"# as version {version} brings it", file=file)
control = root / "DEBIAN"
control.mkdir()
for script in [] if was else pathlib.Path(deb["maintainer-scripts"]).iterdir():
    shutil.copyfile(script, control / script.name)
    (control / script.name).chmod(0o755)
(control / "conffiles").write_text("".join(f"{name}\n" for name in conffiles))
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
holds() { "$@" || { echo "does not hold after $stage: $*" >&2; exit 1; }; }
quietly() { "$@" > "$folder/log" 2>&1 || { cat "$folder/log" >&2; return 1; }; }
# Nobody is there to be asked anything, and the administrator's umask is narrow.
dpkg_does() { (umask 077; holds quietly inside dpkg "$@" < /dev/null); }
installs() { dpkg_does --install "/bridge-$1.deb"; }
is() { [ "$(inside stat --format="%U:%G %a" "$1")" = "$2" ] || { inside ls -la "$1" >&2; return 1; }; }
says() { grep -q "^# $1$" "$machine$config"; }
config=/etc/erp-bridge/erp-bridge.toml
ledger=/var/lib/erp-bridge/erp-bridge.db
# fill KEY VALUE: what an administrator makes of a line that is to be filled in.
fill() { sed -i "s|^# $1 = .*|$1 = $2|" "$machine$config"; }
# As the user that the unit has, and not in the ledger's folder.
bridge=(chroot "$machine" setpriv --reuid=erp-bridge --regid=erp-bridge --clear-groups erp-bridge)

service=erp-bridge.service
is_enabled() { test -L "$machine/etc/systemd/system/multi-user.target.wants/$service"; }
is_disabled() { ! is_enabled; }
administrator() { inside systemctl --root=/ --quiet "$1" "$service"; }
told() { grep -q -- "^$1\$" "$machine/run/told"; }
# As if systemd ran: what is told to it is written down, and what changes links alone is done.
systemd_runs() {
    mkdir -p "$machine/run/systemd/system"
    rm -f "$machine/usr/sbin/policy-rc.d"
    cat > "$machine/usr/local/sbin/systemctl" <<'SYSTEMCTL'
#!/bin/sh
echo "$*" >> /run/told
case "$*" in
    --root=/*) exec /usr/bin/systemctl "$@" ;;
    *able*) /usr/bin/systemctl --root=/ "$@" 2> /dev/null || true ;;
    *is-active*) exit 3 ;;
esac
SYSTEMCTL
    chmod 755 "$machine/usr/local/sbin/systemctl"
}

for version in 0.9 1.0 2.0; do pack "$version"; done
stage="the installation"
installs 1.0
holds is_enabled
holds is /var/lib/erp-bridge "erp-bridge:erp-bridge 700"
holds is /etc/erp-bridge "root:erp-bridge 750"
holds is "$config" "root:erp-bridge 640"
holds says "as version 1.0 brings it"
holds inside erp-bridge --version > /dev/null
echo "# mine" >> "$machine$config"
fill secrets '["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]'
fill base_url '"http://127.0.0.1:9"'
fill username '"admin"'
fill password '"123456"'
fill serial '"BRIDGE1"'
"${bridge[@]}" serve --config "$config" > "$folder/serve" 2>&1 &
served=$!
at_work() { "${bridge[@]}" health > /dev/null 2>&1 || { cat "$folder/serve" >&2; return 1; }; }
for _ in $(seq 200); do at_work 2> /dev/null && break; sleep 0.1; done
holds at_work
# Another command works on the same ledger.
holds quietly "${bridge[@]}" backup --config "$config" /var/lib/erp-bridge/copy.db
kill -TERM "$served"
wait "$served" || { cat "$folder/serve" >&2; exit 1; }
holds test -s "$machine$ledger"
before="$(sha256sum < "$machine$ledger")"
kept() { [ "$(sha256sum < "$machine$ledger")" = "$before" ] && is "$ledger" "erp-bridge:erp-bridge 600"; }
is_mine() { says mine && is "$config" "root:erp-bridge 640"; }

stage="the upgrade"
systemd_runs
administrator disable
installs 2.0
holds is_disabled
holds test "$(grep -c "systemctl start" "$folder/log")" = 0
holds told "try-restart $service"
holds is_mine
holds kept
administrator enable
echo "an upgrade keeps the configuration and the ledger"

stage="the removal"
dpkg_does --remove erp-bridge
holds test ! -e "$machine/usr/bin/erp-bridge"
holds told "stop $service"
holds is_mine
holds kept
stage="the installation after it"
installs 2.0
holds is_enabled
holds is_mine
dpkg_does --remove erp-bridge
stage="the purge"
touch "$machine$config~"
dpkg_does --purge erp-bridge
holds grep -q "$(dirname "$ledger") holds the ledger and was kept" "$folder/log"
holds test ! -e "$machine/etc/erp-bridge"
holds is_disabled
holds kept
echo "a removal keeps both, a purge the ledger"
echo "the service is enabled once, and then what its administrator made it"

stage="another installation"
mkdir -m 0700 "$machine/etc/erp-bridge"
echo "# mine" > "$machine$config"
installs 2.0
holds is_enabled
holds is /etc/erp-bridge "root:erp-bridge 750"
holds is_mine
holds kept
holds grep -q "sudo -u erp-bridge erp-bridge check --config $config" "$folder/log"
echo "another installation finds the ledger as it was left, and a configuration that is there already"

dpkg_does --purge erp-bridge
for was in enabled disabled; do
    stage="the upgrade from a conffile, $was"
    installs 0.9
    echo "# mine" >> "$machine$config"
    [ "$was" = disabled ] || administrator enable
    installs 1.0
    holds is_mine
    holds "is_$was"
    holds grep -q 'url = "sqlite:///var/lib/erp-bridge/erp-bridge.db"' "$folder/log"
    installs 2.0
    holds is_mine
    holds "is_$was"
    dpkg_does --purge erp-bridge
    holds test ! -e "$machine/etc/erp-bridge"
    holds is_disabled
done
echo "what was a conffile stays the administrator's"
