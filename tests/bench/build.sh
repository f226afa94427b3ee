#!/usr/bin/env bash
# Builds the baseline in Go (`build.sh baseline`: a minute or two, and all that the verdict check needs),
# or also what measures: wrk and GNU time from Debian, oha from crates.io, and this project for release; prints
# the folder of what is measured.
# Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")"
target=$(cd ../.. && cargo metadata --format-version 1 --no-deps --locked --offline 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
target=${target:-$(cd ../.. && pwd)/target}
oha=1.16.0

baseline() {
  command -v go >/dev/null || { echo "the baseline is built with Go 1.26 or newer: install it from https://go.dev/dl" >&2; exit 1; }
  mkdir -p "$target/bench"
  # Into place at once: the verdict check may be about to start it.
  (cd baseline && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$target/bench/daap-baseline.new" .)
  mv "$target/bench/daap-baseline.new" "$target/bench/daap-baseline"
}

# debian PROGRAM=PACKAGE …: installs what is missing.
debian() {
  local missing=() wanted
  for wanted in "$@"; do
    command -v "${wanted%=*}" >/dev/null || missing+=("${wanted#*=}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local install=(apt-get install --yes --no-install-recommends "${missing[@]}")
  if [ "$(id -u)" -ne 0 ]; then
    echo "missing: ${missing[*]} (Debian's names); run: sudo ${install[*]}" >&2
    exit 1
  fi
  DEBIAN_FRONTEND=noninteractive "${install[@]}" >/dev/null
}

# Prints where oha is: it sends at a fixed rate and corrects for what it could not send in time.
tools() {
  local root=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-daap/bench
  [ -x "$root/bin/oha" ] || cargo install --quiet --locked --version "$oha" --root "$root" oha >&2
  echo "$root/bin/oha"
}

# Plugin and webhook as they are released: linked with nothing, by musl. Prints the folder that they are in.
released() {
  local program
  for program in kubectl-daap daap-webhook; do
    program=$(../../release/build.sh "$(. ../../release/platforms.sh && here)" "$program")
  done
  dirname "$program"
}

case ${1:-all} in
  baseline) baseline ;;
  oha) tools ;;
  all)
    debian wrk=wrk /usr/bin/time=time curl=curl taskset=util-linux
    tools >/dev/null
    baseline
    # Sandboxes are raised as they always are; what is measured in them are the programs of a release.
    (cd ../.. && cargo build --quiet --locked -p daap-tests --bins &&
      cargo build --quiet --locked --release -p daap-bench --bins) >&2
    released
    ;;
  instructions)
    debian valgrind=valgrind python3=python3
    (cd ../.. && cargo build --quiet --locked --release -p kubectl-daap -p daap-bench --bins)
    ;;
  profile) debian wrk=wrk valgrind=valgrind nm=binutils python3=python3 xz=xz-utils openssl=openssl ;;
  *) echo "usage: build.sh [baseline|oha|instructions|profile|all]" >&2; exit 2 ;;
esac
