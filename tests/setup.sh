#!/usr/bin/env bash
# Installs what the sandbox runs and the machine lacks: PostgreSQL, PgBouncer, and the control plane
# (built once, cached outside the checkout); and promtool, which tries the alerts. Safe to repeat; says
# nothing when nothing is to be done.
set -euo pipefail
cd "$(dirname "$0")"

found() { PATH=$PATH:/usr/sbin command -v "$1" >/dev/null; }
# Debian keeps the server's programs out of PATH; the sandbox looks for them in the same places.
postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || found initdb; }

missing=()
postgres || missing+=(postgresql)
found psql || missing+=(postgresql-client)
found pgbouncer || missing+=(pgbouncer)
found setpriv || missing+=(util-linux)

if [ ${#missing[@]} -gt 0 ]; then
  install=(apt-get install --yes "${missing[@]}")
  if ! found apt-get; then
    echo "missing: ${missing[*]} (Debian's names); install PostgreSQL's server and client, PgBouncer and setpriv, and put their programs into PATH" >&2
    exit 1
  fi
  if [ "$(id -u)" -eq 0 ]; then
    privileged=(env)
  elif found sudo && sudo -n true 2>/dev/null; then
    privileged=(sudo)
  else
    echo "missing: ${missing[*]}; run: sudo ${install[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]} …" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! { "${privileged[@]}" apt-get update && "${privileged[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "failed to install: ${missing[*]}; run by hand: ${install[*]}" >&2
    exit 1
  fi
fi

controlplane/build.sh >/dev/null
./promtool.sh >/dev/null
