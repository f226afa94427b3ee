#!/usr/bin/env bash
# Makes stubs of the two macOS frameworks that rustls asks for the roots of trust, so that darwin is linked
# without Apple's SDK: lists of the symbols that the crates in Cargo.lock declare, and where a Mac has the
# framework itself. What is not declared there is not linked, so nothing else is needed.
#
#   release/frameworks.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1

source_of() { # CRATE
  cargo metadata --locked --format-version 1 --filter-platform aarch64-apple-darwin |
    python3 -c 'import json,os,sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == sys.argv[1]: print(os.path.dirname(package["manifest_path"]) + "/src")' "$1"
}

framework() { # NAME CRATE
  local symbols targets='x86_64-macos, arm64-macos'
  symbols=$(grep -rhoE '^ *pub (fn|static) +[A-Za-z0-9_]+' "$(source_of "$2")" | awk '{print "_" $3}' | LC_ALL=C sort -u | paste -sd , -)
  mkdir -p "$out/$1.framework"
  cat >"$out/$1.framework/$1.tbd" <<TBD
--- !tapi-tbd
tbd-version: 4
targets: [ $targets ]
install-name: '/System/Library/Frameworks/$1.framework/Versions/A/$1'
exports:
  - targets: [ $targets ]
    symbols: [ $symbols ]
...
TBD
}

framework Security security-framework-sys
framework CoreFoundation core-foundation-sys
