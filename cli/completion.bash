# Completion of guided for bash. guided itself knows the words; where it knows none, a file is completed.
_guided() {
  local IFS=$'\n'
  COMPREPLY=($(guided complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _guided guided
