#!/usr/bin/env bash
# Looks at a program before it is packed: that it is for the platform, and needs nothing but the platform.
# On the platform itself it is run as well.
#
#   release/check.sh PLATFORM PROGRAM
set -euo pipefail
cd -P "$(dirname "$0")/.."
. release/platforms.sh
platform=$1 program=$2
objdump=$(echo "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-objdump)
fail() { echo "error: $program for $platform: $*" >&2; exit 1; }
read_of() { "$objdump" "$@" "$program"; }

# It knows the format, and then not what else to say of a Mach-O that another linker has signed.
format=$({ read_of --file-headers 2>/dev/null || true; } | sed -n 's/.*file format //p')
case $platform in
  linux/amd64) wanted=elf64-x86-64 ;;
  linux/arm64) wanted=elf64-littleaarch64 ;;
  darwin/amd64) wanted='mach-o 64-bit x86-64' ;;
  darwin/arm64) wanted='mach-o arm64' ;;
  windows/amd64) wanted=coff-x86-64 ;;
esac
[ "$format" = "$wanted" ] || fail "it is $format, not $wanted"

# What it loads at its start.
case $platform in
  linux/*) needed=$(read_of --private-headers | sed -n 's/^ *NEEDED *//p'); allowed='^$' ;;
  darwin/*)
    needed=$(read_of --macho --dylibs-used | sed -n 's/^\t\(.*\) (compat.*/\1/p')
    allowed='^(/usr/lib/lib(System\.B|iconv\.2|charset\.1)\.dylib|/System/Library/Frameworks/(Security|CoreFoundation)\.framework/Versions/A/[A-Za-z]*)$'
    ;;
  windows/*)
    needed=$(read_of --private-headers | sed -n 's/^ *DLL Name: //p' | tr '[:upper:]' '[:lower:]')
    # What every Windows has.
    allowed='^(kernel32|ntdll|ws2_32|advapi32|bcrypt|bcryptprimitives|crypt32|secur32|userenv|shell32|ole32|user32|msvcrt|api-ms-win-[a-z0-9-]*)\.dll$'
    ;;
esac
foreign=$(grep -vE "$allowed" <<<"$needed" || true)
[ -z "$foreign" ] || fail "it needs $(paste -sd ' ' - <<<"$foreign")"

# Nobody's folders are in it: cargo's and rustup's, and those of this checkout.
for folder in "$HOME/." "${CARGO_HOME:-$HOME/.cargo}/" "$(rustc --print sysroot)/" "$PWD/crds/" "$PWD/plugin/" "$PWD/webhook/" "$PWD/target/"; do
  if grep -qaF "$folder" "$program"; then fail "it says where it was built: $folder"; fi
done

said="not run here"
[ "$platform" != "$(here)" ] || said=$(env -i "$program" --version) || fail "it does not run"
echo "$platform: $format, $(stat -c %s "$program") bytes, needs $(paste -sd ' ' - <<<"${needed:-nothing}"); $said"
