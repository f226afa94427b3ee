#!/usr/bin/env bash
# Builds a program for one platform, on Linux, and prints where it is: the plugin for archives, plugin and
# webhook for images (image/build.sh, image/Dockerfile).
#
#   release/build.sh PLATFORM [NAME] [--instrumented]      NAME is kubectl-daap or daap-webhook
#
# Where profiles/ says how the program runs, it is compiled for that; instrumented, it writes down how it runs
# (profile.sh).
set -euo pipefail
cd -P "$(dirname "$0")/.."
. release/platforms.sh
platform=$1 name=${2:-kubectl-daap} instrumented=${3:-}
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
profile=release/profiles/$name-$triple.profdata.gz
if [ -n "$instrumented" ]; then
  target=$target/instrumented
  # rustc links for itself: zig's linker does not know how to ask for the runtime that writes.
  flags+=(-C "profile-generate=$target/profile" -C linker=rust-lld -C linker-flavor=ld.lld)
elif [ -f "$profile" ]; then
  mkdir -p "$target/profiles"
  gunzip --stdout "$profile" >"$target/profiles/$name-$triple.profdata"
  compiled_from "$name" "$triple" | cmp --silent - "${profile%.profdata.gz}.of" ||
    echo "warning: the compiler or a dependency of $name has changed since $profile was recorded, which helps little now: release/profile.sh $name" >&2
  # Functions that have changed since are compiled without it.
  flags+=(-C "profile-use=$target/profiles/$name-$triple.profdata" -C llvm-args=-no-pgo-warn-mismatch)
fi
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
PATH=$tools:$PATH CARGO_TARGET_DIR=$target cargo zigbuild --locked --release --target "$triple" -p "$name" --bin "$name" >&2
echo "$target/$triple/release/$(program "$platform" "$name")"
