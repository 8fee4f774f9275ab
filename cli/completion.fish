# Completion of guided for fish. guided itself knows the words.
complete -c guided -f -a '(guided complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
complete -c guided -n '__fish_seen_subcommand_from check play render show prove build' -F
