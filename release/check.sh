#!/usr/bin/env bash
# Looks at a program before it is packed: that it is for the platform, and needs nothing but the platform.
# On the platform itself it is run as well.
#
#   release/check.sh PLATFORM PROGRAM
set -euo pipefail
cd "$(dirname "$0")/.."
. release/platforms.sh
platform=$1 program=$2
objdump=$(echo "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-objdump)
fail() { echo "error: $program for $platform: $*" >&2; exit 1; }
read_of() { "$objdump" "$@" "$program"; }

format=$(read_of --file-headers | sed -n 's/.*file format //p')
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
    allowed='^(/usr/lib/lib(System\.B|iconv\.2)\.dylib|/System/Library/Frameworks/(Security|CoreFoundation)\.framework/Versions/A/[A-Za-z]*)$'
    ;;
  windows/*)
    needed=$(read_of --private-headers | sed -n 's/^ *DLL Name: //p')
    # What every Windows has.
    allowed='^([Kk][Ee][Rr][Nn][Ee][Ll]32|[Nn][Tt][Dd][Ll][Ll]|[Ww][Ss]2_32|[Aa][Dd][Vv][Aa][Pp][Ii]32|[Bb][Cc][Rr][Yy][Pp][Tt]|[Bb][Cc][Rr][Yy][Pp][Tt][Pp][Rr][Ii][Mm][Ii][Tt][Ii][Vv][Ee][Ss]|[Cc][Rr][Yy][Pp][Tt]32|[Ss][Ee][Cc][Uu][Rr]32|[Uu][Ss][Ee][Rr][Ee][Nn][Vv]|[Ss][Hh][Ee][Ll][Ll]32|[Oo][Ll][Ee]32|[Uu][Ss][Ee][Rr]32|[Mm][Ss][Vv][Cc][Rr][Tt]|api-ms-win-[a-z0-9-]*)\.(dll|DLL)$'
    ;;
esac
foreign=$(grep -vE "$allowed" <<<"$needed" || true)
[ -z "$foreign" ] || fail "it needs $(paste -sd ' ' - <<<"$foreign")"

# Nobody's folders are in it.
if [ -n "${HOME:-}" ] && grep -qaF "$HOME/." "$program"; then fail "it says where it was built: $HOME"; fi

case $(uname -s)/$(uname -m) in
  Linux/x86_64) here=linux/amd64 ;;
  Linux/aarch64) here=linux/arm64 ;;
  *) here= ;;
esac
said="not run here"
[ "$platform" != "$here" ] || said=$(env -i "$program" --version) || fail "it does not run"
echo "$platform: $format, $(stat -c %s "$program") bytes, needs $(paste -sd ' ' - <<<"${needed:-nothing}"); $said"
