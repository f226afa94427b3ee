#!/usr/bin/env bash
# Installs what the sandbox needs and is missing: PostgreSQL and PgBouncer from Debian's packages, and
# the control plane, built once. Quiet when there is nothing to do; says exactly what to install when
# it may not.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
{ command -v pgbouncer || [ -x /usr/sbin/pgbouncer ]; } >/dev/null || missing+=(pgbouncer)
command -v psql >/dev/null || missing+=(postgresql-client)
# setpriv ties the life of every process of a sandbox to its supervisor.
command -v setpriv >/dev/null || missing+=(util-linux)

if [ "${#missing[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "missing: ${missing[*]} (names of Debian's packages)" >&2
    echo "install them, as with: sudo apt-get install --yes ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]} …" >&2
  export DEBIAN_FRONTEND=noninteractive
  # The packages' own services are not wanted: a sandbox starts its processes itself.
  apt-get update --quiet=2
  apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
fi

command -v cargo >/dev/null || { echo "missing: Rust; install it with rustup, from https://rustup.rs" >&2; exit 1; }
controlplane/build.sh >/dev/null
