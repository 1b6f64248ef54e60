#!/usr/bin/env bash
# Man page, completions and stage pages say what the program says, and their readers accept them.
# usage: docs.sh PROGRAM PAGES_DIR SCHEMAS_DIR
set -euo pipefail
program=$1 pages=$2 schemas=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
    echo "docs: $*" >&2
    failed=1
}

echo "-- what was built is what the program writes"
for page in man:fluxgate.1 bash:fluxgate.bash zsh:_fluxgate fish:fluxgate.fish; do
    "$program" docs "${page%%:*}" >"$work/${page#*:}"
    cmp "$work/${page#*:}" "$pages/${page#*:}" || fail "${page#*:} is not of this program; build fluxgate_runner"
done

echo "-- every command and option of --help is in each of them"
# Commands stand in help as "  name   text" below "Subcommands:".
below() { "$program" "$@" --help | sed -n '/^Subcommands:/,$ s/^  \([a-z][a-z-]*\) .*/\1/p'; }
options() { "$program" "$@" --help | grep -oE '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,' | sort -u; }
commands=()
for one in $(below); do
    commands+=("$one")
    for two in $(below "$one"); do commands+=("$one $two"); done
done
[ ${#commands[@]} -ge 12 ] || fail "only ${#commands[@]} commands were found: ${commands[*]}"
for command in "${commands[@]}"; do
    grep -qxF ".SS ${command//-/\\-}" "$work/fluxgate.1" || fail "the man page lacks: $command"
    grep -qF "'$command') words=" "$work/fluxgate.bash" || fail "bash lacks: $command"
    grep -qF "_fluxgate_$(echo "$command" | tr ' -' '__')()" "$work/_fluxgate" || fail "zsh lacks: $command"
    grep -qF -- "-a ${command##* } -d" "$work/fluxgate.fish" || fail "fish lacks: $command"
    # shellcheck disable=SC2086 # a command may be two words
    for option in $(options $command); do
        awk -v want=".SS ${command//-/\\\\-}" '$0 == want { on = 1; next } /^\.S[SH]/ { on = 0 } on' "$work/fluxgate.1" >"$work/section"
        [ "$option" = --help ] || grep -qF -- "\\fB${option//-/\\-}\\fR" "$work/section" || fail "the man page lacks: $command $option"
        grep -qE -- "'$command'\) words=.*[' ]$option[' ]" "$work/fluxgate.bash" || fail "bash lacks: $command $option"
        grep -qF -- "'$option[" "$work/_fluxgate" || fail "zsh lacks: $option"
        grep -qF -- "-l ${option#--} " "$work/fluxgate.fish" || fail "fish lacks: $option"
    done
done
if grep -qE 'docs' "$work/fluxgate.1" && grep -q '^\.SS docs' "$work/fluxgate.1"; then fail "the hidden command is shown"; fi

echo "-- their readers accept them"
if command -v groff >/dev/null; then
    groff -man -ww -z -Tutf8 "$work/fluxgate.1" 2>"$work/said" || fail "groff refuses the man page"
    [ ! -s "$work/said" ] || { cat "$work/said"; fail "groff has something to say"; }
fi
bash -n "$work/fluxgate.bash" || fail "bash refuses its completion"
if command -v zsh >/dev/null; then zsh -n "$work/_fluxgate" || fail "zsh refuses its completion"; fi
if command -v fish >/dev/null; then fish --no-execute "$work/fluxgate.fish" || fail "fish refuses its completion"; fi

echo "-- bash completes commands, options and values"
complete_bash() { # EXPECTED WORD...
    local expected=$1 got
    shift
    got=$(bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fluxgate; echo "${COMPREPLY[*]}"' - "$work/fluxgate.bash" "$@")
    [ "$got" = "$expected" ] || fail "bash completes '$*' to '$got' instead of '$expected'"
}
complete_bash "run" fluxgate ru
complete_bash "--log-level --log-format" fluxgate run --log-
complete_bash "text json" fluxgate run --log-format ""
complete_bash "debug" fluxgate run --log-level de
complete_bash "set" fluxgate cursor se
complete_bash "rewind" fluxgate cursor rew
complete_bash "--number" fluxgate dead-letters replay --num
complete_bash "" fluxgate run --for ""

echo "-- the pages of the stage types are those of their schemas"
"$program" stages | awk 'NR > 1 { print $1 }' >"$work/types"
[ -s "$work/types" ] || fail "no stage type was found"
while read -r type; do
    page=$schemas/$(echo "$type" | tr '/@' '..').md
    "$program" docs stage "$type" >"$work/page" || fail "there is no page of $type"
    cmp "$work/page" "$page" || fail "write it anew: fluxgate docs stage $type > $page"
done <"$work/types"
exit $failed
