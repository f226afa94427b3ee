#!/usr/bin/env bash
# Measures everything and writes it into docs/benchmarks.md, with a picture. Arguments go to
# `daap-bench measure`: --only list, --rounds 5, --databases 100,1000,10000, --server-core 0; what was measured earlier
# stays in the page.
set -euo pipefail
cd "$(dirname "$0")/../.."
released=$(tests/bench/build.sh all)
target=${CARGO_TARGET_DIR:-target}
load=$(cut -d' ' -f1 /proc/loadavg)
awk -v load="$load" 'BEGIN { exit !(load > 0.5) }' &&
  echo "warning: the machine is busy (load $load): what is measured now is worth little" >&2
"$target/release/daap-bench" measure --programs "$released" --sandbox "$target/debug/daap-sandbox" \
  --baseline "$target/bench/daap-baseline" --control-plane "$(tests/controlplane/build.sh)" \
  --folder "$target/bench/run" --oha "$(tests/bench/build.sh oha)" "$@"
"$target/release/daap-bench" report --folder "$target/bench/run"
