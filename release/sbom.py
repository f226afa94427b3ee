#!/usr/bin/env python3
"""Prints what the plugin is made of on one platform: a bill of materials in CycloneDX 1.5, from Cargo.lock.

    release/sbom.py VERSION TRIPLE ARCHIVE

ARCHIVE is the archive that it goes with. The same lock file gives the same bytes: no time, no random number.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = "kubectl-daap"


def metadata(triple):
    """The resolved packages of the workspace on a platform, as cargo tells them."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", triple]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def checksums():
    """SHA-256 of each crate, by name and version: cargo metadata leaves them out."""
    block = re.compile(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"')
    lock = (ROOT / "Cargo.lock").read_text()
    return {(name, version): checksum for name, version, checksum in block.findall(lock)}


def linked(triple):
    """Names and versions of what is linked into the program. Unlike cargo metadata, cargo tree leaves out what
    only a derive macro, a build script, a test or another member of the workspace asks for."""
    command = ["cargo", "tree", "--locked", "--package", PROGRAM, "--target", triple]
    command += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {tuple(line.split()[:2]) for line in told.splitlines()}


def edges_of(resolve, among):
    """Which of these packages need which of them."""
    return {
        node["id"]: sorted(
            dependency["pkg"]
            for dependency in node["deps"]
            if dependency["pkg"] in among and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )
        for node in resolve["nodes"]
        if node["id"] in among
    }


def component(package, checksum):
    """One crate."""
    name, version = package["name"], package["version"]
    found = {
        "type": "library",
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "licenses": [{"expression": re.sub(r" */ *", " OR ", package["license"] or "NOASSERTION")}],
        "purl": f"pkg:cargo/{name}@{version}",
    }
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def reference(package):
    return f"{package['name']}@{package['version']}"


def main(version, triple, archive):
    told = metadata(triple)
    inside = linked(triple)
    packages = {
        package["id"]: package
        for package in told["packages"]
        if (package["name"], f"v{package['version']}") in inside
    }
    root = next(id for id, package in packages.items() if package["name"] == PROGRAM and not package["source"])
    edges, known = edges_of(told["resolve"], packages), checksums()
    crates = sorted((packages[id] for id in edges if id != root), key=reference)
    archive = pathlib.Path(archive)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": reference(packages[root]),
                "name": PROGRAM,
                "version": version,
                "licenses": [{"expression": packages[root]["license"]}],
                "properties": [
                    {"name": "cargo:target", "value": triple},
                    {"name": "archive", "value": archive.name},
                    {"name": "archive:sha256", "value": hashlib.sha256(archive.read_bytes()).hexdigest()},
                ],
            }
        },
        "components": [component(crate, known.get((crate["name"], crate["version"]))) for crate in crates],
        "dependencies": [
            {"ref": reference(packages[id]), "dependsOn": [reference(packages[other]) for other in edges[id]]}
            for id in sorted(edges, key=lambda id: reference(packages[id]))
        ],
    }
    print(json.dumps(bill, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: release/sbom.py VERSION TRIPLE ARCHIVE")
    main(*sys.argv[1:])
