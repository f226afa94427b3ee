#!/usr/bin/env bash
# Installs what cross-builds the plugin (zig as compiler and linker, cargo-zigbuild) into a cache outside
# the checkout, and prints the folder of its programs. Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")"
# What is installed follows from this file alone, so it names the cache entry.
key=$(sha256sum requirements.txt | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-daap
target=$cache/cross-$key
if [ ! -x "$target/bin/cargo-zigbuild" ]; then
  command -v python3 >/dev/null || { echo "error: python3 is missing, with which zig is installed: apt-get install python3-venv" >&2; exit 1; }
  echo "installing zig and cargo-zigbuild (once) …" >&2
  mkdir -p "$cache"
  # A venv cannot be moved: its last program tells whether it is complete.
  rm -rf "$target"
  python3 -m venv "$target" >&2
  "$target/bin/pip" install --quiet --no-deps --only-binary :all: --require-hashes --requirement requirements.txt >&2 ||
    { rm -rf "$target"; echo "error: failed to install release/requirements.txt" >&2; exit 1; }
fi
echo "$target/bin"
