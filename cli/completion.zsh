#compdef guided
# Completion of guided for zsh. guided itself knows the words; where it knows none, a file is completed.
_guided() {
  local -a lines
  lines=("${(@f)$(guided complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z $lines ]]; then
    _files
    return
  fi
  lines=("${(@)lines//:/\\:}")
  lines=("${(@)lines/$'\t'/:}")
  _describe guided lines
}
if [[ ${funcstack[1]} == _guided ]]; then _guided "$@"; else compdef _guided guided; fi
