#!/usr/bin/env bash
# The tour: a sandbox is raised, a database created, listed, used, defended, deleted and restored. Each command
# is printed before its output, and the tour ends with an error when a step is not as it should be.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}/debug
PATH=$target:$(tests/controlplane/build.sh):$PATH
export PATH
sandbox=demo-$$
failures=0
output=$(mktemp)

take_down() {
  daap-sandbox down --name "$sandbox" >/dev/null 2>&1 || true
  rm -f "$output"
}
trap take_down EXIT
trap 'exit 130' INT TERM

bold='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' red=$'\033[31m' plain=$'\033[0m'
fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

# Runs a command after printing it as one would type it; the exit status is kept in $status.
show() {
  printf '$ %s\n' "$(typed "$@")"
  status=0
  "$@" </dev/null >"$output" 2>&1 || status=$?
  cat "$output"
}

typed() {
  local word line=
  for word in "$@"; do
    case $word in
      *\'*) line+=" \"$word\"" ;;
      *[!A-Za-z0-9_./:=,@-]* | '') line+=" '$word'" ;;
      *) line+=" $word" ;;
    esac
  done
  echo "${line# }"
}

wrong() {
  printf '%s! %s%s\n' "$red" "$*" "$plain"
  failures=$((failures + 1))
}

succeeds() { show "$@"; [ "$status" -eq 0 ] || wrong "exit status $status, expected 0"; }
refused() { show "$@"; [ "$status" -eq 1 ] || wrong "exit status $status, expected 1"; }
prints() {
  local text
  for text in "$@"; do grep -qF -- "$text" "$output" || wrong "the output does not contain: $text"; done
}

say "A sandbox: etcd, a real kube-apiserver, the webhook, and a stand-in for the CNPG operator with real PostgreSQL and PgBouncer"
printf '$ make sandbox-up\n'
exports=$(daap-sandbox up --name "$sandbox")
echo "$exports"
eval "$exports"

say "payments-dev creates a database"
succeeds kubectl daap create orders --owner-team payments --purpose 'order intake' --storage 1Gi --wait=false --context payments-dev
prints 'orders created'

say "It is provisioning …"
succeeds kubectl daap list --context payments-dev
prints orders payments provisioning

say "… and soon it is ready"
deadline=$((SECONDS + 120))
until kubectl daap get orders --context payments-dev -o json 2>/dev/null | grep -q '"ready"'; do
  [ "$SECONDS" -lt "$deadline" ] || { wrong 'not ready after 120 s'; break; }
  read -r -t 0.5 <> <(:) || true
done
succeeds kubectl daap list --context payments-dev
prints orders payments ready

say "SQL, through PgBouncer, over verified TLS"
succeeds kubectl daap connect orders --context payments-dev -- -c 'create table items (name text)' -c "insert into items values ('a book'), ('a lamp')" -c 'select * from items'
prints 'a book' '(2 rows)'

say "Passwords are shown only when asked for"
succeeds kubectl daap credentials orders --context payments-dev
prints daap-orders-pooler

say "billing-dev may write Clusters in this namespace, but not this one: whichever way it goes"
refused kubectl daap delete orders --yes --context billing-dev
prints payments
refused kubectl label cluster daap-orders daap.dev/owner-team=billing --overwrite --context billing-dev
prints payments
refused kubectl scale cluster daap-orders --replicas=3 --context billing-dev
refused kubectl delete cluster daap-orders --context billing-dev
prints payments

say "Not even its owner deletes the data by accident"
refused kubectl delete cluster daap-orders --context payments-dev
prints 'kubectl daap delete orders'

say "Bad input: every bad field at once, and nothing is written"
refused kubectl daap create Orders_ --owner-team 'No Team' --purpose '' --storage 1X --instances 0 --context payments-dev
prints Orders_ 'No Team' purpose 1X instances

say "payments-dev changes what it is for; the record keeps who, when and why"
succeeds kubectl daap update orders --purpose 'orders and returns' --change-reason 'returns moved in' --context payments-dev
prints 'orders updated'

say "payments-dev deletes it"
succeeds kubectl daap delete orders --yes --context payments-dev
prints 'orders deleted'
refused kubectl daap get orders --context payments-dev
prints 'not found'
succeeds kubectl daap list --context payments-dev

say "Its record stays, and so does its data until it is purged"
succeeds kubectl daap list --deleted --context payments-dev
prints orders
succeeds kubectl get pvc --context payments-dev
prints daap-orders-1
refused kubectl daap restore orders --context billing-dev
prints payments

say "It comes back, with its rows, its id and its password"
succeeds kubectl daap restore orders --change-reason 'deleted by mistake' --context payments-dev
prints 'orders restored'
succeeds kubectl daap connect orders --context payments-dev -- -c 'select * from items'
prints 'a book' '(2 rows)'
succeeds kubectl daap history orders --context payments-dev
prints created updated deleted restored 'deleted by mistake'

say "Somebody removes the pooler: that is an error with its reason, and repaired"
succeeds kubectl delete pooler daap-orders-pooler --context payments-dev
succeeds kubectl daap get orders --context payments-dev
prints error 'pooler missing'
succeeds kubectl daap repair orders --context payments-dev
prints 'orders repaired'

say "payments offers it to billing, and billing accepts"
succeeds kubectl daap transfer orders --to billing --context payments-dev
succeeds kubectl daap transfer orders --accept --context billing-dev
prints 'orders transferred'

say "The sandbox goes: no process and no file stays"
succeeds daap-sandbox down --name "$sandbox"

if [ "$failures" -gt 0 ]; then
  printf '\n%s steps were not as they should be\n' "$failures" >&2
  exit 1
fi
printf '\nEvery step was as it should be.\n'
