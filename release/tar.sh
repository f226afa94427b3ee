#!/usr/bin/env bash
# Packs files of a folder as tar, for archives and images alike. The same files give the same bytes, whenever
# and by whomever they are packed: names in order, nobody's files, no time, no umask.
#
#   release/tar.sh FOLDER FILE NAME…
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: release/tar.sh FOLDER FILE NAME…" >&2; exit 2; }
tar --create --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  --directory "$1" --file "$2" -- "${@:3}"
