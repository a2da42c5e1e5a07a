#!/usr/bin/env python3
"""Writes what the program is built from (SBOM) as CycloneDX 1.6 on standard output: every crate that `erp-bridge` links on
Linux, with its licence and the checksum that Cargo.lock pins.

    scripts/sbom.py > erp-bridge.cdx.json
"""
import json
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"


def main() -> None:
    ask = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", TARGET]
    metadata = json.loads(subprocess.run(ask, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    checksums = {
        (package["name"], package["version"]): package.get("checksum")
        for package in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    }

    def needs(node: dict) -> list[str]:
        """What ends up in the program or builds it; not what only tests need."""
        return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]

    root = metadata["resolve"]["root"]
    seen, waiting = {root}, [root]
    while waiting:
        new = [needed for needed in needs(nodes[waiting.pop()]) if needed not in seen]
        seen.update(new)
        waiting.extend(new)

    def reference(identity: str) -> str:
        package = packages[identity]
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(identity: str) -> dict:
        package, purl = packages[identity], reference(identity)
        checksum = checksums[package["name"], package["version"]]
        return {
            "type": "application" if identity == root else "library",
            "bom-ref": purl,
            "name": package["name"],
            "version": package["version"],
            "purl": purl,
            "licenses": [{"expression": (package["license"] or "").replace("/", " OR ")}],
            **({"hashes": [{"alg": "SHA-256", "content": checksum}]} if checksum else {}),
        }

    others = sorted(seen - {root}, key=reference)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(root)},
        "components": [component(identity) for identity in others],
        "dependencies": [
            {"ref": reference(identity), "dependsOn": sorted(reference(needed) for needed in needs(nodes[identity]))}
            for identity in [root, *others]
        ],
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))


main()
