#compdef kubectl-daap
# Completion of kubectl-daap for zsh. To load it, after compinit: source <(kubectl-daap completion zsh)
_kubectl_daap() {
  local line directive=0
  local -a candidates suffix
  for line in "${(@f)$(${(Q)words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :* ]]; then
      directive=${line#:}
    elif [[ -n $line ]]; then
      line=${line//:/\\:}
      candidates+=("${line/$'\t'/:}")
    fi
  done
  if (( directive & 2 )); then suffix=(-S ''); fi
  if (( directive & 16 )); then
    _files -/
  elif (( ${#candidates} )); then
    _describe 'kubectl daap' candidates "${suffix[@]}"
  elif (( ! (directive & 4) )); then
    _files
  fi
}
compdef _kubectl_daap kubectl-daap
