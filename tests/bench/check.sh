#!/usr/bin/env bash
# Builds the baseline and holds it to the webhook: the same verdicts and the same patches for the corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/bench/build.sh baseline
cargo test --locked -p daap-bench --test verdicts "$@"
