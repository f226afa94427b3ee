#!/usr/bin/env bash
# Every test; where some fail, what they said stands once more at the end, where one looks first.
set -euo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if cargo test --locked --workspace --no-fail-fast "$@" 2>&1 | tee "$log"; then
  exit 0
fi
printf '\nfailed:\n'
# A test's own words begin at its name, and end where its back trace would.
awk '
  /^---- .* stdout ----$/ { name = $2; lines = 0; next }
  /^(failures:|test result:|note: )/ { name = "" }
  name != "" && NF && lines < 4 { if (lines == 0) print "  " name; print "    " substr($0, 1, 300); lines++ }
' "$log"
sed -n '/^error: .* targets\? failed:/,$p' "$log"
exit 1
