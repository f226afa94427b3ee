#!/usr/bin/env bash
# Fills in krew.yaml, as krew-release-bot does, from the archives in a folder, and prints the manifest.
# With --partial, platforms without an archive are left out; otherwise one that is missing is an error.
#
#   release/manifest.sh VERSION FOLDER [--partial]
set -euo pipefail
root=$(dirname "$(realpath "$0")")/..
[ $# -ge 2 ] || { echo "usage: release/manifest.sh VERSION FOLDER [--partial]" >&2; exit 2; }
awk -v tag="$1" -v folder="$2" -v partial="${3:-}" '
  function checksum(name,   file, line) {
    file = folder "/" name ".sha256"
    if ((getline line < file) < 0) return ""
    close(file)
    return substr(line, 1, 64)
  }
  # An entry of the list of platforms is held back until it is known whether its archive is there.
  function flush() { if (!skip) printf "%s", entry; entry = ""; skip = 0 }
  # What is said of the template is not said of the manifest.
  /^#/ { next }
  { gsub(/{{ *\.TagName *}}/, tag) }
  /^  platforms:/ { print; platforms = 1; next }
  !platforms { print; next }
  /^    - / { flush() }
  match($0, /{{ *addURIAndSha "[^"]*"/) {
    indent = substr($0, 1, RSTART - 1)
    uri = substr($0, RSTART, RLENGTH); sub(/^[^"]*"/, "", uri); sub(/"$/, "", uri)
    name = uri; sub(/.*\//, "", name)
    sum = checksum(name)
    if (sum == "" && partial != "--partial") { print "error: no archive " folder "/" name > "/dev/stderr"; failed = 1 }
    skip = (sum == "")
    entry = entry indent "uri: " uri "\n" indent "sha256: " sum "\n"
    next
  }
  { entry = entry $0 "\n" }
  END { flush(); exit failed }
' "$root/krew.yaml"
