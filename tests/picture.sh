#!/usr/bin/env bash
# The picture of the README: a terminal (tmux) in which the plugin is used on a sandbox, as SVG. What it shows was
# printed by the commands that it shows. Rich (Python) is installed into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

picture=${1:-docs/terminal.svg}
columns=${COLUMNS_OF_PICTURE:-98}
target=${CARGO_TARGET_DIR:-$PWD/target}/debug
PATH=$target:$(tests/controlplane/build.sh):$PATH
export PATH
sandbox=picture-$$
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-daap/rich
work=$(mktemp -d)
socket=$work/tmux

for program in tmux python3; do
  command -v "$program" >/dev/null || { echo "error: $program is not installed" >&2; exit 1; }
done
if [ ! -x "$cache/bin/python" ]; then
  python3 -m venv "$cache"
  "$cache/bin/pip" --quiet --disable-pip-version-check install 'rich>=14,<16'
fi

take_down() {
  tmux -S "$socket" kill-server 2>/dev/null || true
  daap-sandbox down --name "$sandbox" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap take_down EXIT
trap 'exit 130' INT TERM

exports=$(daap-sandbox up --name "$sandbox" 2>/dev/null)
eval "$exports"
kubectl config use-context payments-dev >/dev/null

terminal() { tmux -S "$socket" "$@"; }
# Each prompt leaves a line: so many commands are over.
terminal -f /dev/null new-session -d -x "$columns" -y 70 \
  "env PS1='$ ' PROMPT_COMMAND='echo >>$work/prompts' TERM=screen-256color bash --norc --noprofile"

prompts=0
# Types a command, and waits until the prompt is back.
type_in() {
  wait_for_prompt
  terminal send-keys -l "$1"
  terminal send-keys Enter
}
wait_for_prompt() {
  local deadline=$((SECONDS + 300))
  prompts=$((prompts + 1))
  until [ "$(cat "$work/prompts" 2>/dev/null | wc -l)" -ge "$prompts" ]; do
    [ "$SECONDS" -lt "$deadline" ] || { echo "error: a command took more than 300 s" >&2; exit 1; }
    read -r -t 0.2 <> <(:) || true
  done
}

while read -r line; do
  type_in "$line"
done <<'COMMANDS'
kubectl daap create orders --owner-team payments --purpose 'order intake' --storage 1Gi
kubectl daap list
kubectl daap connect orders -- -c "select 'it works' as answer"
kubectl daap delete orders --yes --change-reason 'by mistake'
kubectl daap restore orders
kubectl daap history orders
COMMANDS

wait_for_prompt

# Without the last prompt.
terminal capture-pane -e -p -S - | sed -e :a -e '/^\(\$ \)*\n*$/{$d;N;ba' -e '}' | sed '${/^\$ *$/d}' >"$work/screen"
"$cache/bin/python" tests/picture.py "$columns" "$picture" <"$work/screen"
echo "$picture"
