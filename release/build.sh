#!/usr/bin/env bash
# Builds a program for one platform, on Linux, and prints where it is: the plugin for archives, plugin and
# webhook for images (image/build.sh, image/Dockerfile).
#
#   release/build.sh PLATFORM [NAME]      NAME is kubectl-daap or daap-webhook
set -euo pipefail
cd -P "$(dirname "$0")/.."
. release/platforms.sh
platform=$1 name=${2:-kubectl-daap}
triple=$(triple "$platform")
tools=$(release/tools.sh)
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
rustup target add "$triple" >/dev/null 2>&1 || { echo "error: failed to install Rust's standard library for $triple: rustup target add $triple" >&2; exit 1; }
# Whoever builds it gets the same bytes: nobody's folders are in it. Of those that fit, the last counts. The
# standard library names its own commit, unless rustup's component rust-src is there.
commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
flags=(
  --remap-path-prefix "$PWD=/kubectl-daap"
  --remap-path-prefix "$target=/kubectl-daap/target"
  --remap-path-prefix "${CARGO_HOME:-$HOME/.cargo}=/cargo"
  --remap-path-prefix "$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
)
case $platform in
  darwin/*)
    release/frameworks.sh "$target/frameworks"
    flags+=(-C "link-arg=-F$target/frameworks")
    ;;
esac
# Linking, zig opens all of musl at once: more files than a container may by itself.
ulimit -Sn "$(ulimit -Hn)"
# 0x1f separates: paths may have spaces.
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
# One program at a time: of two together each would get what only the other's dependencies ask for.
PATH=$tools:$PATH cargo zigbuild --locked --release --target "$triple" -p "$name" --bin "$name" >&2
echo "$target/$triple/release/$(program "$platform" "$name")"
