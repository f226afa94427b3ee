#!/usr/bin/env bash
# Runs every test with instrumented programs, also those that suites start, and holds the coverage
# of lines to the project's bounds.
set -euo pipefail
cd "$(dirname "$0")/.."
pure_bound=90
whole_bound=80

command -v cargo-llvm-cov >/dev/null || cargo install --locked cargo-llvm-cov
rustup component add llvm-tools >/dev/null 2>&1 || true
# Sets RUSTFLAGS, the target directory and where profiles go, for cargo and what it starts.
# shellcheck disable=SC1090
source <(cargo llvm-cov show-env --export-prefix 2>/dev/null)
cargo llvm-cov clean --workspace
cargo build --locked --workspace --bins
cargo test --locked --workspace --no-fail-fast
echo "lines covered, crds/:"
cargo llvm-cov report --fail-under-lines "$pure_bound" --summary-only \
  --ignore-filename-regex '/(plugin|webhook|tests)/' | tail -n 1
echo "lines covered, everything:"
cargo llvm-cov report --fail-under-lines "$whole_bound" --summary-only | tail -n 1
