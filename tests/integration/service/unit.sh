#!/usr/bin/env bash
# The systemd unit is well formed and keeps the program in: systemd's own tools say so, no systemd needs to run.
# usage: unit.sh UNIT_FILE PROGRAM
set -euo pipefail
unit=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "unit: $*" >&2
    exit 1
}

command -v systemd-analyze >/dev/null || { echo "systemd-analyze is not there; nothing is checked"; exit 77; }

# The program stands elsewhere before it is installed, and pages are installed with the package.
sed -e "s|^ExecStart=[^ ]*|ExecStart=$program|" -e '/^Documentation=/d' "$unit" >"$work/fluxgate@.service"
grep -q "^ExecStart=$program run /etc/fluxgate/%i.json" "$work/fluxgate@.service" || fail "ExecStart is not what a user expects"
cp "$work/fluxgate@.service" "$work/fluxgate@plant.service"
systemd-analyze verify --man=no "$work/fluxgate@plant.service" 2>"$work/said" || { cat "$work/said" >&2; fail "systemd-analyze verify found faults"; }
if grep -F fluxgate "$work/said"; then fail "systemd-analyze verify had something to say"; fi

# Exposure in tenths, from 0 (kept in) to 100.
systemd-analyze security --offline=yes --threshold=15 --no-pager "$work/fluxgate@plant.service" >"$work/security" 2>&1 ||
    { grep -v '✓' "$work/security"; fail "the service is more exposed than it needs to be"; }
tail -n 1 "$work/security"

# A broken unit is noticed: else the checks above prove nothing.
sed -i 's/^Type=notify/Type=notifier/; s/^ProtectSystem=strict/ProtectSystem=sometimes/' "$work/fluxgate@plant.service"
systemd-analyze verify --man=no "$work/fluxgate@plant.service" 2>"$work/said" || true
grep -q 'Failed to parse protect system value' "$work/said" || fail "a broken unit passed"
for rule in 'Type=notify' 'Restart=on-failure' 'RestartPreventExitStatus=2' 'SuccessExitStatus=130 143' 'ExecReload=/bin/kill -HUP $MAINPID'; do
    grep -qxF "$rule" "$unit" || fail "the unit lacks $rule"
done
