#!/usr/bin/env bash
# Every entry point that takes what others wrote, for SECONDS each, and random writes against a real
# API server for as long. With cargo-fuzz and a nightly compiler, which look for new paths; where
# they are missing, on stable, with the same invariants and inputs that are changed at random.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
seed=${DAAP_RANDOM_SEED:-$(date +%s)}
target=${CARGO_TARGET_DIR:-$PWD/target}

if cargo +nightly fuzz --version >/dev/null 2>&1; then
  corpus=$target/fuzz/corpus
  cargo run --quiet --locked -p daap-invariants --example seeds -- "$corpus"
  # The versions that are tested, and libfuzzer.
  cp Cargo.lock tests/fuzz/Cargo.lock
  # There is no unsafe code of ours for a sanitizer to look at.
  options=(--fuzz-dir tests/fuzz --target-dir "$target/fuzz" --sanitizer none --dev)
  cargo +nightly fuzz build "${options[@]}"
  for entry in review policy history names tombstone; do
    log=$target/fuzz/$entry.log
    if cargo +nightly fuzz run "${options[@]}" "$entry" "$corpus/$entry" -- \
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
  echo "note: no cargo-fuzz with a nightly compiler: on stable, which knows nothing of coverage" >&2
  DAAP_FUZZ_SECONDS=$seconds DAAP_FUZZ_SEED=$seed \
    cargo test --quiet --locked -p daap-invariants --test any -- --nocapture
fi

DAAP_RANDOM_SEED=$seed DAAP_RANDOM_SECONDS=$seconds DAAP_RANDOM_WRITES=1000000 \
  cargo test --quiet --locked -p daap-tests --test random_writes -- --nocapture --test-threads=1
