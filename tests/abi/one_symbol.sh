#!/bin/sh
# Every plugin in the given directories exports exactly one symbol, fluxgate_plugin_init.
# usage: one_symbol.sh DIRECTORY...
count=0
bad=0
for directory in "$@"; do
    for library in "$directory"/fluxgate_stage_*.so; do
        [ -e "$library" ] || continue
        count=$((count + 1))
        symbols=$(nm -D --defined-only "$library" | awk '{ print $NF }') || exit 1
        if [ "$symbols" != "fluxgate_plugin_init" ]; then
            echo "$library exports: $(echo "$symbols" | tr '\n' ' ')(only fluxgate_plugin_init is allowed)"
            bad=1
        fi
    done
done
if [ "$count" -eq 0 ]; then
    echo "no plugin found in: $*"
    exit 1
fi
echo "$count plugins looked at"
exit $bad
