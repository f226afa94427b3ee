#!/usr/bin/env bash
# Measures everything and writes target/bench/run/results.{json,md}. Further arguments go to
# `daap-bench measure`: --rounds 5, --seconds 5, --server-core 0, --client-core 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/bench/build.sh all
target=${CARGO_TARGET_DIR:-target}
load=$(cut -d' ' -f1 /proc/loadavg)
awk -v load="$load" 'BEGIN { exit !(load > 0.5) }' &&
  echo "warning: the machine is busy (load $load): what is measured now is worth little" >&2
"$target/release/daap-bench" measure --programs "$target/release" --baseline "$target/bench/daap-baseline" \
  --folder "$target/bench/run" --oha "$(tests/bench/build.sh oha)" "$@"
cat "$target/bench/run/results.md"
