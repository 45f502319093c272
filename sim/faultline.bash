# Completion of faultline for bash. Commands, options and models are what the program says of itself.
_faultline()
{
    local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} choices
    COMPREPLY=()
    if [[ $COMP_CWORD == 1 ]]; then
        choices=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$choices --help" -- "$word")
        return
    fi
    if [[ $word == -* ]]; then
        choices=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*')
        mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
        return
    fi
    if [[ ${COMP_WORDS[1]} == describe ]]; then
        choices=$("$program" list 2>/dev/null | sed -nE '/^figure/q; s/^  ([a-z_0-9]+) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _faultline faultline
