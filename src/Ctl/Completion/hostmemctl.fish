# Completion of hostmemctl for fish.

function __hostmemctl_suggest
    set -l words (commandline -opc)
    # Behind "--" stands another command, with a completion of its own.
    if set -l at (contains -i -- -- $words)
        return
    end
    set -l line (commandline -cp | string collect)
    set -l found (hostmemctl "[suggest]" "$line" 2>/dev/null)
    if test (count $found) -eq 0
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end

function __hostmemctl_behind
    contains -- -- (commandline -opc)
end

complete -c hostmemctl -f -n 'not __hostmemctl_behind' -a '(__hostmemctl_suggest)'
complete -c hostmemctl -f -n __hostmemctl_behind -a '(__fish_complete_subcommand --fcs-skip=(math (contains -i -- -- (commandline -opc)) + 0))'
