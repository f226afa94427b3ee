#!/usr/bin/env bash
# Prints where promtool is, which tries the alerts. Where it is not in PATH it is taken out of Debian's
# package, into a cache outside the checkout: installing that package would start a server.
set -euo pipefail

if command -v promtool; then exit 0; fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-daap
if [ ! -x "$cache/promtool" ]; then
  command -v apt-get >/dev/null || { echo "missing: promtool, a part of Prometheus; put it into PATH" >&2; exit 1; }
  mkdir -p "$cache"
  # Unpacked aside and renamed, so that what was cut short never looks complete.
  folder=$(mktemp -d "$cache/promtool-XXXXXX")
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  echo "fetching promtool …" >&2
  if ! { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; } >log 2>&1; then
    tail -n 20 log >&2
    echo "failed to fetch promtool: put it into PATH" >&2
    exit 1
  fi
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
  mv usr/bin/promtool "$cache/promtool"
fi
echo "$cache/promtool"
