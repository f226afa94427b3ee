#!/usr/bin/env bash
# Counts the instructions of the hot paths with valgrind, and compares them with instructions.json beside
# this file: a regression shows on any machine, however busy. With --write they are recorded.
# They depend on the compiler: record them anew, from the state before, when that is a new one.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
recorded=tests/bench/instructions.json
tests/bench/build.sh instructions
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

# count COMMAND …: the instructions that it takes.
count() {
  valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file="$work/log" "$@" >/dev/null
  sed -n 's/.*I *refs: *//p' "$work/log" | tr -d ,
}

review() { count "$target/release/daap-count" "$1" "$2" --policy tests/bench/policy.yaml; }

# list N: of the plugin, listing so many databases.
list() {
  rm -f "$work/kubeconfig"
  "$target/release/daap-bench" lists --databases "$1" --kubeconfig "$work/kubeconfig" &
  server=$!
  for _ in $(seq 300); do
    [ -s "$work/kubeconfig" ] && break
    sleep 0.1
  done
  KUBECONFIG=$work/kubeconfig count "$target/release/kubectl-daap" list -n apps
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=
}

# What more of it takes, for each: the start is not counted.
each() { echo $((($2 - $1) / $3)); }

{
  echo "{"
  for name in mutate-update mutate-nothing validate-update validate-deny mutate-create validate-create mutate-update-aged validate-update-aged; do
    printf '  "%s": %s,\n' "$name" "$(each "$(review $name 20)" "$(review $name 120)" 100)"
  done
  list 200 >"$work/few"
  list 600 >"$work/many"
  printf '  "list, for each database": %s,\n' "$(each "$(cat "$work/few")" "$(cat "$work/many")" 400)"
  printf '  "start (--help)": %s\n' "$(count "$target/release/kubectl-daap" --help)"
  echo "}"
} >"$work/now.json"

if [ "${1:-}" = --write ]; then
  cp "$work/now.json" "$recorded"
fi
# More than three in a hundred above what is recorded is a regression; hash maps and the clock make up for less.
python3 - "$recorded" "$work/now.json" <<'PYTHON'
import json, os, sys
recorded, now = (json.load(open(file)) if os.path.exists(file) else {} for file in sys.argv[1:])
worse = False
for name, count in now.items():
    before = recorded.get(name)
    ratio = count / before if before else float("nan")
    worse |= ratio > 1.03
    print(f"{name:28} {count:>12,}  {ratio:5.2f} × {before or 0:,}" + ("  MORE" if ratio > 1.03 else ""))
sys.exit(worse)
PYTHON
