#!/usr/bin/env bash
# Builds a program for one platform, on Linux, and prints where it is: the plugin for archives, plugin and
# webhook for images (image/build.sh, image/Dockerfile).
#
#   release/build.sh PLATFORM [NAME] [--instrumented|--symbols]      NAME is kubectl-daap or daap-webhook
#
# Where profiles/ says how the program runs, it is compiled and laid out for that. profile.sh finds that out: with one
# that is instrumented, and writes down how it runs, and with one that has its symbols still.
set -euo pipefail
cd -P "$(dirname "$0")/.."
. release/platforms.sh
platform=$1 name=${2:-kubectl-daap} kind=${3:-}
triple=$(triple "$platform")
tools=$(release/tools.sh)
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
rustup target add "$triple" >/dev/null 2>&1 || { echo "error: failed to install Rust's standard library for $triple: rustup target add $triple" >&2; exit 1; }
# How a program is laid out, given what of its functions runs: these together, then what C and assembler have in one piece
# each, then what runs often, then what ran at all, then the rest. The kernel maps 64 KiB around each page that is
# touched, so whatever lies elsewhere costs memory. zig's linker takes no list of symbols, but a script. A function's part
# that ran nowhere is one of its own, FUNCTION.cold.
layout() {
  echo 'SECTIONS { .text : {'
  sed -E -e 's/^(.*)\.cold$/*(.text.split.\1 .text.split.\1.llvm.*)/' -e t \
    -e 's/.*/*(.text.& .text.hot.& .text.unlikely.& .text.&.llvm.* .text.hot.&.llvm.* .text.unlikely.&.llvm.*)/'
  echo '*(.text) *(.text.hot .text.hot.*) *(.text.[!us]* .text.s[!p]*) *(.text.*)'
  echo '} } INSERT AFTER .eh_frame;'
}
# put FILE: from standard input. One that is newer, but the same, would have everything compiled again.
put() {
  cat >"$1.new"
  cmp --silent "$1.new" "$1" && rm "$1.new" || mv "$1.new" "$1"
}
# Whoever builds it gets the same bytes: nobody's folders are in it. Of those that fit, the last counts. The
# standard library names its own commit, unless rustup's component rust-src is there.
commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
flags=(
  --remap-path-prefix "$PWD=/kubectl-daap"
  --remap-path-prefix "$target=/kubectl-daap/target"
  --remap-path-prefix "${CARGO_HOME:-$HOME/.cargo}=/cargo"
  --remap-path-prefix "$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit"
)
profile=release/profiles/$name-$triple
# Not by cargo's own setting, which every name is hashed with.
[ "$kind" = --symbols ] && flags+=(-C strip=none)
if [ "$kind" = --instrumented ]; then
  target=$target/instrumented
  # rustc links for itself: zig's linker does not know how to ask for the runtime that writes.
  flags+=(-C "profile-generate=$target/profile" -C linker=rust-lld -C linker-flavor=ld.lld)
elif [ -f "$profile.profdata.xz" ]; then
  command -v xz >/dev/null || { echo "error: xz is missing, with which the profiles are packed: apt-get install xz-utils" >&2; exit 1; }
  compiled_from "$name" "$triple" | cmp --silent - "$profile.of" ||
    echo "warning: the compiler or a dependency of $name has changed since $profile.profdata.xz was recorded, which helps little now: release/profile.sh $name" >&2
  unpacked=$target/profiles/$name-$triple
  mkdir -p "$target/profiles"
  xz --decompress --stdout "$profile.profdata.xz" | put "$unpacked.profdata"
  # Functions that have changed since are compiled without it. Of the others, what never ran is split off.
  flags+=(
    -C "profile-use=$unpacked.profdata" -C llvm-args=-no-pgo-warn-mismatch
    -C llvm-args=-enable-split-machine-functions -C llvm-args=-mfs-psi-cutoff=0 -C llvm-args=-mfs-count-threshold=1
  )
  if [ -f "$profile.ran.xz" ]; then
    xz --decompress --stdout "$profile.ran.xz" | layout >"$unpacked.ld"
    # By another name when it is another: cargo does not see what is in it.
    script=$unpacked-$(sha256sum <"$unpacked.ld" | cut -c -12).ld
    rm -f "$unpacked"-*.ld
    mv "$unpacked.ld" "$script"
    flags+=(-C "link-arg=-Wl,-T,$script")
  fi
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
