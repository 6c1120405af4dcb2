#compdef hostmemctl
# Completion of hostmemctl for zsh.

_hostmemctl()
{
    local line at
    # Behind "--" stands another command, with a completion of its own.
    at=${words[(i)--]}
    if ((at < CURRENT)); then
        shift $at words
        ((CURRENT -= at))
        _normal
        return
    fi
    local -a found open
    for line in ${(f)"$(${words[1]} "[suggest]" "${BUFFER[1,CURSOR]}" 2>/dev/null)"}; do
        local word=${line%%$'\t'*} detail=${line#*$'\t'}
        [[ $word == "$line" ]] && detail=
        # After KEY= the value is to follow at once.
        if [[ $word == *= ]]; then
            open+=("${word//:/\\:}${detail:+:$detail}")
        else
            found+=("${word//:/\\:}${detail:+:$detail}")
        fi
    done
    if ((! ${#found} && ! ${#open})); then
        _files
        return
    fi
    ((${#found})) && _describe -V hostmemctl found
    ((${#open})) && _describe -V hostmemctl open -S ''
    return 0
}

if [[ ${funcstack[1]} == _hostmemctl ]]; then
    _hostmemctl "$@"
else
    compdef _hostmemctl hostmemctl
fi
