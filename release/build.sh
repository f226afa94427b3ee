#!/usr/bin/env bash
# Builds the plugin for one platform, on Linux, and prints where it is.
#
#   release/build.sh PLATFORM
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platforms.sh
platform=$1
triple=$(triple "$platform")
tools=$(release/tools.sh)
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
rustup target add "$triple" >/dev/null 2>&1 || { echo "error: failed to install Rust's standard library for $triple: rustup target add $triple" >&2; exit 1; }
# Whoever builds it gets the same bytes: nobody's folders are in it.
flags=(--remap-path-prefix "$PWD=/kubectl-daap" --remap-path-prefix "${CARGO_HOME:-$HOME/.cargo}=/cargo")
case $platform in
  darwin/*)
    release/frameworks.sh "$target/frameworks"
    flags+=(-C "link-arg=-F$target/frameworks")
    ;;
esac
# 0x1f separates: paths may have spaces.
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
PATH=$tools:$PATH cargo zigbuild --locked --release --target "$triple" -p kubectl-daap --bin kubectl-daap >&2
echo "$target/$triple/release/$(program "$platform")"
