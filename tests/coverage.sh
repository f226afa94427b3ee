#!/usr/bin/env bash
# Runs the tests with instrumented programs, also those that suites start, and holds the coverage of
# lines to the project's bounds.
set -euo pipefail
cd "$(dirname "$0")/.."
pure_bound=90
whole_bound=80

command -v cargo-llvm-cov >/dev/null || cargo install --locked cargo-llvm-cov
rustup component add llvm-tools >/dev/null 2>&1 || true
# Sets RUSTFLAGS, the target directory and where profiles go, for cargo and what it starts.
# shellcheck disable=SC1090
source <(cargo llvm-cov show-env --sh 2>/dev/null)
# Only our own crates are built anew, and again afterwards: instrumented programs are slow.
cargo llvm-cov clean --workspace
trap 'cargo llvm-cov clean --workspace' EXIT
cargo build --locked --workspace --bins
# The suites that reach lines which the others do not; `make test` runs all of them.
export DAAP_FUZZ_SECONDS=1 RIGHTS_ROW=get
suites=(connected completion history lifecycle manners recovery rights understand wrong_input)
# Whether they pass is what `make test` is about: here the programs are slow enough to miss a deadline.
tests() { cargo test --locked --no-fail-fast "$@" || echo "note: not every test passed with instrumented programs" >&2; }
tests --workspace --exclude daap-tests
tests -p daap-tests --lib "${suites[@]/#/--test=}"

# A sandbox goes down just after the suite that used it, and writes its profiles then.
deadline=$((SECONDS + 30))
while "${CARGO_LLVM_COV_TARGET_DIR:-target}/debug/daap-sandbox" status 2>/dev/null | grep -q '^test-'; do
  [ "$SECONDS" -lt "$deadline" ] || break
  read -r -t 0.5 <> <(:) || true
done

echo "lines covered, crds/:"
cargo llvm-cov report --fail-under-lines "$pure_bound" --summary-only \
  --ignore-filename-regex '/(plugin|webhook|tests)/' | tail -n 1
echo "lines covered, everything:"
# Programs that measure are no part of what is tested.
cargo llvm-cov report --fail-under-lines "$whole_bound" --summary-only \
  --ignore-filename-regex '/tests/bench/' | tail -n 1
