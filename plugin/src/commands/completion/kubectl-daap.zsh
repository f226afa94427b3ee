#compdef kubectl-daap
# Completion of kubectl-daap for zsh. To load it, after compinit: source <(kubectl-daap completion zsh);
# or write it to a file _kubectl-daap in a folder of $fpath.
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
  # Values come without their flag.
  [[ $PREFIX == -*=* ]] && compset -P 1 '*='
  if (( directive & 2 )); then suffix=(-S ''); fi
  if (( directive & 16 )); then
    _files -/
  elif (( ${#candidates} )); then
    _describe 'kubectl daap' candidates "${suffix[@]}"
  elif (( ! (directive & 4) )); then
    _files
  fi
}
if [[ $funcstack[1] == _kubectl-daap ]]; then
  # From a file of that name in $fpath: this is the first TAB.
  _kubectl_daap "$@"
fi
compdef _kubectl_daap kubectl-daap
