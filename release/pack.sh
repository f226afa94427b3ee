#!/usr/bin/env bash
# Packs a program as the archive of a release, and writes its checksum beside it: the program, under the
# name that krew.yaml gives, and the licence. The same program gives the same bytes, whenever and by
# whomever it is packed.
#
#   release/pack.sh VERSION PLATFORM PROGRAM FOLDER
set -euo pipefail
root=$(dirname "$(realpath "$0")")/..
. "$root/release/platforms.sh"
[ $# -eq 4 ] || { echo "usage: release/pack.sh VERSION PLATFORM PROGRAM FOLDER" >&2; exit 2; }
version=$1 platform=$2 program=$3 out=$4
triple "$platform" >/dev/null
name=$(archive "$version" "$platform")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$out"
install -m 0755 "$program" "$work/root/$(program "$platform")"
install -m 0644 "$root/LICENSE" "$work/root/LICENSE"
# Plain files only: krew unpacks nothing else.
"$root/release/tar.sh" "$work/root" "$work/archive" LICENSE "$(program "$platform")"
gzip --no-name --stdout "$work/archive" >"$out/$name"
(cd "$out" && sha256sum "$name" >"$name.sha256")
echo "$out/$name"
