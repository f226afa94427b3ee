#!/usr/bin/env bash
# Every entry point that takes what others wrote, for SECONDS each, by cargo-fuzz, which looks for new
# paths; and random writes against a real API server for as long, unless only `entries` are asked for.
# Where nothing compiles C++, which libFuzzer is written in, the entry points get the same invariants,
# and inputs that are changed at random.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
what=${2:-all}
seed=${DAAP_RANDOM_SEED:-$(date +%s)}
target=${CARGO_TARGET_DIR:-$PWD/target}

if command -v c++ >/dev/null; then
  command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
  corpus=$target/fuzz/corpus
  cargo run --quiet --locked -p daap-invariants --example seeds -- "$corpus"
  # The versions that are tested, and libfuzzer.
  cp Cargo.lock tests/fuzz/Cargo.lock
  # There is no unsafe code of ours for a sanitizer to look at, and only that would need nightly.
  options=(--fuzz-dir tests/fuzz --target-dir "$target/fuzz" --sanitizer none --dev)
  cargo fuzz build "${options[@]}"
  for entry in review policy history names tombstone; do
    log=$target/fuzz/$entry.log
    if cargo fuzz run "${options[@]}" "$entry" "$corpus/$entry" -- \
      -max_total_time="$seconds" -max_len=65536 -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
      findings=0
    else
      findings=1
      tail -n 30 "$log" >&2
    fi
    executions=$(awk '/^stat::number_of_executed_units/ {print $2}' "$log")
    printf '%-10s%9s executions%3s findings\n' "$entry" "${executions:-0}" "$findings"
    failed=$((${failed:-0} + findings))
  done
  [ "$failed" -eq 0 ]
else
  echo "note: no compiler of C++ for libFuzzer: without it nothing is known of coverage" >&2
  DAAP_FUZZ_SECONDS=$seconds DAAP_FUZZ_SEED=$seed \
    cargo test --quiet --locked -p daap-invariants --test any -- --nocapture
fi

[ "$what" = all ] || exit 0
DAAP_RANDOM_SEED=$seed DAAP_RANDOM_SECONDS=$seconds DAAP_RANDOM_WRITES=1000000 \
  cargo test --quiet --locked -p daap-tests --test random_writes -- --nocapture --test-threads=1
