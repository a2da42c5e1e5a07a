#!/usr/bin/env bash
# Makes the Debian package by cargo-deb, and holds what is in it against [package.metadata.deb] of Cargo.toml, which is what
# `scripts/package-proof.sh` installs and removes. Prints where the package is. Needs dpkg-dev.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in python3 dpkg-deb dpkg-shlibdeps; do
    command -v "$tool" > /dev/null || { echo "this needs $tool: apt-get install python3 dpkg-dev" >&2; exit 1; }
done
PATH="$PATH:$PWD/target/tools/cargo/bin"
command -v cargo-deb > /dev/null || cargo install --locked --root target/tools/cargo cargo-deb
package="${CARGO_TARGET_DIR:-target}/debian/erp-bridge.deb"
cargo deb --locked --output "$package"

python3 - "$package" <<'PYTHON'
import glob, io, pathlib, subprocess, sys, tarfile, tomllib

package = sys.argv[1]
metadata = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]["metadata"]["deb"]


def unpacked(part):
    data = subprocess.run(["dpkg-deb", part, package], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = [file for file in archive.getmembers() if not file.isdir()]
        return {file.name.removeprefix("./"): (f"{file.mode & 0o777:o}", archive.extractfile(file).read()) for file in files}


def wanted():
    for source, place, mode in metadata["assets"]:
        found = [source] if source.startswith("target/") else glob.glob(source)
        assert found, f"{source}: there is no such file"
        for file in found:
            yield place + pathlib.Path(file).name if place.endswith("/") else place, mode


files, control = unpacked("--fsys-tarfile"), unpacked("--ctrl-tarfile")
holds = {name: mode for name, (mode, _) in files.items() if name != "usr/share/doc/erp-bridge/copyright"}
assert holds == dict(wanted()), f"the package holds {sorted(holds)}, Cargo.toml asks for {sorted(dict(wanted()))}"
for script in pathlib.Path(metadata["maintainer-scripts"]).iterdir():
    assert control[script.name] == ("755", script.read_bytes()), f"{script} is another one in the package"
assert "conffiles" not in control, "the configuration is no conffile"
fields = control["control"][1].decode()
for needed in "libc6", "adduser", "init-system-helpers":
    assert needed in fields, f"it does not depend on {needed}: {fields}"
PYTHON
echo "$package holds what Cargo.toml asks for"
