# Completion of kubectl-daap for bash (4 or newer). To load it: source <(kubectl-daap completion bash)
_kubectl_daap() {
  local -a words=()
  local i last=0 glue=0 word line value current=${COMP_WORDS[COMP_CWORD]} directive=0
  # bash takes --flag=value for three words.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ ($word == = || $glue -eq 1) && ${#words[@]} -gt 0 ]]; then
      words[last]+=$word
    else
      words+=("$word")
      last=$((${#words[@]} - 1))
    fi
    [[ $word == = ]] && glue=1 || glue=0
  done
  [[ $current == = ]] && current=
  # Values come without their flag.
  local typed=${words[last]}
  [[ $typed == -*=* ]] && typed=${typed#*=}
  # What is left of the word that bash completes.
  local prefix=${typed%"$current"}
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=${line#:}
    else
      value=${line%%$'\t'*}
      [[ $value == "$typed"* ]] && COMPREPLY+=("${value#"$prefix"}")
    fi
  done < <("$1" __complete "${words[@]}" 2>/dev/null)
  if ((directive & 16)); then
    compopt -o dirnames
  elif ((!(directive & 4) && ${#COMPREPLY[@]} == 0)); then
    compopt -o default
  fi
  if ((directive & 2)); then compopt -o nospace; fi
}
complete -F _kubectl_daap kubectl-daap
