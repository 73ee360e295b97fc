"""What each shell runs when somebody presses Tab after `zoo`."""

_BASH = r"""# Completion of zoo for bash: eval "$(zoo completion bash)"
_zoo_completion() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        [[ $type == plain ]] && COMPREPLY+=("$value")
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_TEXT="$2" _ZOO_COMPLETE=bash_complete \
        "${1/#\~/$HOME}" 2>/dev/null)
    # A word that goes on gets no space. (bash 3 has neither compopt nor nosort.)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -o nosort -F _zoo_completion zoo 2>/dev/null || complete -F _zoo_completion zoo
"""

_ZSH = r"""#compdef zoo
# Completion of zoo for zsh: eval "$(zoo completion zsh)"
_zoo_completion() {
    local type value help
    local -a response plain described going_on
    response=("${(@f)$(COMP_LINE="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" \
        _ZOO_COMPLETE=zsh_complete ${~words[1]} 2>/dev/null)}")
    for type value help in "${response[@]}"; do
        if [[ $type != plain ]]; then
            continue
        elif [[ $value == *[=:/.] ]]; then
            going_on+=("$value")
        elif [[ $help == _ ]]; then
            plain+=("$value")
        else
            described+=("$value:$help")
        fi
    done
    (( $#described )) && _describe -V zoo described
    (( $#plain )) && compadd -V plain -a plain
    (( $#going_on )) && compadd -V going_on -S '' -a going_on
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _zoo_completion "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _zoo_completion zoo
fi
"""

_FISH = r"""# Completion of zoo for fish: zoo completion fish > ~/.config/fish/completions/zoo.fish
function __zoo_completion
    set -l words (commandline -opc)
    set -lx COMP_LINE (commandline -cp)
    set -lx _ZOO_COMPLETE fish_complete
    $words[1] 2>/dev/null | string replace -r '^plain,' ''
end
complete --command zoo --no-files --keep-order --arguments '(__zoo_completion)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
