# Completion of hostmemctl for bash.

_hostmemctl()
{
    local i word
    # Behind "--" stands another command, with a completion of its own.
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            if declare -F _command_offset >/dev/null; then
                _command_offset $((i + 1))
            else
                compopt -o default
            fi
            return
        fi
    done
    # What bash takes apart at "=" and ":" is one word to hostmemctl.
    word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[[:blank:]]}
    local prefix=${word%"${word##*[=:]}"}
    local IFS=$'\n'
    COMPREPLY=($("$1" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
    [[ -n $prefix ]] && COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    # After KEY= the value is to follow at once.
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    ((${#COMPREPLY[@]})) || compopt -o default
}

complete -F _hostmemctl hostmemctl
