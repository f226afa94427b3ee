#!/usr/bin/env bash
# Records how a program runs, for profile-guided optimization: an instrumented one does what it mostly does, and what
# it counted is written to profiles/. One that is compiled by that then does the same once under callgrind, which tells
# what functions ran, those of the standard library and of C included: they are laid out together, those of a start first.
# Both for this machine's processor; what is compiled for another has other names, and goes without.
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

# start_webhook [COMMAND …]: run by the command, until it serves.
start_webhook() {
  [ -s "$work/tls.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
  "$@" "$program" serve --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --shutdown-delay 0 \
    --tls-cert "$work/tls.crt" --tls-key "$work/tls.key" --policy tests/bench/policy.yaml >"$work/log" 2>&1 &
  webhook=$!
  started+=("$webhook")
  address=''
  until [ -n "$address" ]; do
    kill -0 "$webhook" || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
    address=$(sed -n 's/.*"message":"serving","address":"\([^"]*\)".*/\1/p' "$work/log")
  done
}

# What was counted is written when it ends.
stop_webhook() {
  kill "$webhook"
  wait "$webhook"
}

# send PATH FILE TIMES CONNECTIONS: from a corpus made anew, since what is created ages within seconds.
send() {
  "$bench" corpus "$work/corpus"
  "$oha" --no-tui --insecure -n "$3" -c "$4" -m POST -T application/json -D "$work/corpus/$2" \
    "https://$address$1?timeout=30s" >"$work/answers"
  grep -q "\[200\] $3 " "$work/answers" || { cat "$work/answers" "$work/log" >&2; exit 1; }
}

count_webhook() {
  local path file times
  start_webhook
  while read -r path file times; do send "$path" "$file" "$times" 4; done < <(reviews)
  stop_webhook
}

count_plugin() {
  local output
  for output in '' wide name json yaml; do
    "$program" list -n apps ${output:+--output "$output"} >"$work/listed"
    grep --quiet db-01999 "$work/listed"
  done
  "$program" list -n apps --owner-team team-1 >/dev/null
  for _ in 1 2 3 4 5; do start_plugin; done
}

# start_plugin [COMMAND …]: run by the command.
start_plugin() {
  "$@" "$program" --help >/dev/null
  "$@" "$program" version --client >/dev/null
  "$@" "$program" __complete list --owner-team '' >/dev/null
  "$@" "$program" __complete get -n apps '' >/dev/null
}

# trace PHASE: what is run by "${traced[@]}" writes down which instructions it ran, in files ran.PHASE.PROCESS. The phases
# are start, mostly, and then.
trace() {
  traced=(valgrind --tool=callgrind --dump-instr=yes --compress-pos=no --callgrind-out-file="$work/ran.$1.%p" --log-file=/dev/null)
}

trace_webhook() {
  local path file _
  trace start
  start_webhook "${traced[@]}"
  stop_webhook
  trace mostly
  start_webhook "${traced[@]}"
  while read -r path file _; do
    [[ $file == *-update.json ]] || continue
    send "$path" "$file" 64 64
    # OpenSSL says other things in its handshake than rustls does, and wrk leaves in the middle of a request.
    wrk --threads 1 --connections 64 --duration 5s --timeout 30s --script tests/bench/post.lua \
      "https://$address$path?timeout=30s" -- "$work/corpus/$file" >/dev/null
  done < <(reviews)
  stop_webhook
  trace then
  start_webhook "${traced[@]}"
  while read -r path file _; do send "$path" "$file" 1 1; done < <(reviews)
  stop_webhook
}

trace_plugin() {
  trace start
  start_plugin "${traced[@]}"
  trace mostly
  "${traced[@]}" "$program" list -n apps --owner-team team-1 >/dev/null
}

# functions RAN …: those that they are in, in this order, each once, without what the compiler adds to a name of which there
# are several. Not those that callgrind names: it takes a function's part that was split off for the function.
functions() {
  python3 - "$program" "$@" <<'PYTHON'
import bisect, re, subprocess, sys
program, *runs = sys.argv[1:]
symbols = re.findall(r"^([0-9a-f]+) [tTwW] (\S+)$", subprocess.check_output(["nm", "--numeric-sort", program], text=True), re.M)
starts = [int(start, 16) for start, _ in symbols]
seen = set()
for run in runs:
    ran = set()
    for address in re.findall(r"^0x([0-9a-f]+) ", open(run).read(), re.M):
        at = bisect.bisect_right(starts, int(address, 16)) - 1
        if at >= 0:
            ran.add(re.sub(r"\.llvm\.\d+", "", symbols[at][1]))
    for name in sorted(ran - seen):
        print(name)
    seen |= ran
PYTHON
}

case $name in
  daap-webhook) half=webhook ;;
  kubectl-daap) half=plugin ;;
  *) echo "error: there is no program '$name'; there are: daap-webhook, kubectl-daap" >&2; exit 2 ;;
esac
tests/bench/build.sh profile
oha=$(tests/bench/build.sh oha)
cargo build --quiet --locked --release -p daap-bench --bins
case $half in
  webhook)
    "$bench" corpus "$work/corpus"
    api_server api-server --facts "$work/corpus/facts.json"
    ;;
  plugin) api_server lists --databases 2000 ;;
esac
recorded=release/profiles/$name-$triple
mkdir -p release/profiles
program=$(release/build.sh "$platform" "$name" --instrumented)
rm -rf "$counted"
"count_$half"
profdata=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-profdata
# Not --sparse: what never ran is known to be cold, and compiled to be small.
"$profdata" merge --output "$work/profile" "$counted"
xz -9 --extreme --stdout "$work/profile" >"$recorded.profdata.xz"
compiled_from "$name" "$triple" >"$recorded.of"
program=$(release/build.sh "$platform" "$name" --symbols)
"trace_$half"
shopt -s nullglob
functions "$work"/ran.{start,mostly,then}.* >"$work/ran"
[ "$(wc -l <"$work/ran")" -gt 500 ] || { echo "error: callgrind names no functions" >&2; exit 1; }
xz -9 --extreme --stdout "$work/ran" >"$recorded.ran.xz"
ls -l "$recorded".*
