#!/usr/bin/env bash
# Records how a program runs, for profile-guided optimization: an instrumented one does what it mostly does. What it
# counted is written to profiles/, for this machine's processor; what is compiled for another has other names, and
# goes without.
#
#   release/profile.sh daap-webhook     starts, answers every review of the benchmarks' corpus, and stops
#   release/profile.sh kubectl-daap     starts, completes, and lists 2 000 databases
#
# To be run again when the compiler or a dependency has changed, since their names have then, too, and when a
# release is due: what has changed in between is compiled as if there were no profile.
set -euo pipefail
cd -P "$(dirname "$0")/.."
. release/platforms.sh
name=${1:?usage: profile.sh daap-webhook|kubectl-daap} platform=$(here)
triple=$(triple "$platform")
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
bench=$target/release/daap-bench
counted=$target/instrumented/profile
work=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# api_server COMMAND …: what daap-bench serves in place of one.
api_server() {
  "$bench" "$@" --kubeconfig "$work/kubeconfig" &
  started+=($!)
  until [ -s "$work/kubeconfig" ]; do sleep 0.1; done
  export KUBECONFIG=$work/kubeconfig
}

# The reviews of the corpus: their paths, and how often each is sent.
reviews() {
  python3 - "$work/corpus/index.json" <<'PYTHON'
import json, sys
for review in json.load(open(sys.argv[1])):
    print(review["path"], review["file"], 20 if review["bytes"] > 1_000_000 else 2000)
PYTHON
}

run_webhook() {
  local oha webhook address='' path file times
  oha=$(tests/bench/build.sh oha)
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
  "$bench" corpus "$work/corpus"
  api_server api-server --facts "$work/corpus/facts.json"
  "$program" serve --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --shutdown-delay 0 \
    --tls-cert "$work/tls.crt" --tls-key "$work/tls.key" --policy tests/bench/policy.yaml >"$work/log" 2>&1 &
  webhook=$!
  started+=("$webhook")
  until [ -n "$address" ]; do
    kill -0 "$webhook" || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
    address=$(sed -n 's/.*"message":"serving","address":"\([^"]*\)".*/\1/p' "$work/log")
  done
  while read -r path file times; do
    # What is created ages within seconds.
    "$bench" corpus "$work/corpus"
    "$oha" --no-tui --insecure -n "$times" -c 4 -m POST -T application/json -D "$work/corpus/$file" \
      "https://$address$path?timeout=5s" >"$work/answers"
    grep -q "\[200\] $times " "$work/answers" || { cat "$work/answers" "$work/log" >&2; exit 1; }
  done < <(reviews)
  # It writes when it ends.
  kill "$webhook"
  wait "$webhook"
}

run_plugin() {
  local output
  api_server lists --databases 2000
  for output in '' wide name json yaml; do
    "$program" list -n apps ${output:+--output "$output"} >"$work/listed"
    grep --quiet db-01999 "$work/listed"
  done
  "$program" list -n apps --owner-team team-1 >/dev/null
  for _ in 1 2 3 4 5; do
    "$program" --help >/dev/null
    "$program" version --client >/dev/null
    "$program" __complete list --owner-team '' >/dev/null
    "$program" __complete get -n apps '' >/dev/null
  done
}

program=$(release/build.sh "$platform" "$name" --instrumented)
cargo build --quiet --locked --release -p daap-bench --bins
rm -rf "$counted"
case $name in
  daap-webhook) run_webhook ;;
  kubectl-daap) run_plugin ;;
esac
profdata=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-profdata
"$profdata" merge --sparse --output "$work/profile" "$counted"
mkdir -p release/profiles
gzip --best --no-name --stdout "$work/profile" >"release/profiles/$name-$triple.profdata.gz"
compiled_from "$name" "$triple" >"release/profiles/$name-$triple.of"
ls -l "release/profiles/$name-$triple.profdata.gz"
