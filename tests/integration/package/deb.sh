#!/usr/bin/env bash
# Makes the Debian package, installs it into a root directory of its own with dpkg, runs what is installed there, and removes it.
# usage: deb.sh CPACK BUILD_DIR SAMPLE_SERVER
set -euo pipefail
cpack=$1 build=$2 server=$3
for tool in dpkg dpkg-deb dpkg-shlibdeps gzip; do
    command -v "$tool" >/dev/null || { echo "$tool is not there; nothing is checked"; exit 77; }
done
work=$(mktemp -d)
server_pid=
cleanup() {
    [ -z "$server_pid" ] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "deb: $*" >&2
    exit 1
}

echo "-- make"
(cd "$work" && "$cpack" -G DEB --config "$build/CPackConfig.cmake" -B "$work/pack" >"$work/log" 2>&1) || { cat "$work/log"; fail "cpack failed"; }
deb=$(find "$work/pack" -maxdepth 1 -name 'fluxgate_*.deb')
[ -f "$deb" ] || fail "no package was made"

echo "-- control"
dpkg-deb --info "$deb" >"$work/info"
depends=$(dpkg-deb --field "$deb" Depends)
for need in libc6 libstdc++6 libjq1 libssl3 zlib1g libsqlite3-0; do
    [[ $depends == *"$need"* ]] || fail "it does not depend on $need: $depends"
done
[[ $depends != *fluxgate* ]] || fail "it depends on itself: $depends"
[ "$(dpkg-deb --field "$deb" Version)" = "$("$build/bin/fluxgate" --version | cut -d' ' -f2)" ] || fail "the version is not the program's"
for script in postinst prerm postrm triggers; do
    dpkg-deb --info "$deb" "$script" >"$work/$script" || fail "there is no $script"
    [ "$script" = triggers ] || sh -n "$work/$script" || fail "$script is no shell script"
done

echo "-- contents"
dpkg-deb --contents "$deb" >"$work/list"
if grep -v ' root/root ' "$work/list"; then fail "the files above do not belong to root"; fi
for path in ./etc/fluxgate/ ./usr/bin/fluxgate ./usr/lib/libfluxgate.so.1 ./usr/lib/fluxgate/stages/fluxgate_stage_influxdb.so \
    ./usr/lib/fluxgate/stages/fluxgate_stage_core.so ./usr/include/fluxgate/stage.h ./usr/include/fluxgate/pipeline.hpp ./usr/lib/pkgconfig/fluxgate.pc \
    ./usr/lib/cmake/fluxgate/fluxgate-config.cmake ./usr/lib/systemd/system/fluxgate@.service ./usr/share/man/man1/fluxgate.1.gz \
    ./usr/share/bash-completion/completions/fluxgate ./usr/share/zsh/vendor-completions/_fluxgate ./usr/share/fish/vendor_completions.d/fluxgate.fish \
    ./usr/share/fluxgate/schemas/pipeline.json ./usr/share/doc/fluxgate/copyright ./usr/share/doc/fluxgate/changelog.gz \
    ./usr/share/doc/fluxgate/pipelines/plant-to-files.json; do
    grep -qE " ${path//./\\.}( -> .*)?$" "$work/list" || fail "$path is not in it"
done

echo "-- install"
root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
# The root holds nothing else, so what the package depends on is this machine's.
run_dpkg() {
    dpkg --root="$root" --log="$work/dpkg.log" --force-depends --force-not-root --force-script-chrootless --no-triggers "$@" >"$work/dpkg.out" 2>&1 ||
        { cat "$work/dpkg.out"; fail "dpkg $* failed"; }
}
if [ "$(id -u)" -eq 0 ]; then
    run_dpkg --install "$deb"
    grep -q '^Status: install ok' "$root/var/lib/dpkg/status" || fail "dpkg does not count it as installed"
    run_dpkg --verify fluxgate
    [ ! -s "$work/dpkg.out" ] || { cat "$work/dpkg.out"; fail "files are not those of the package"; }
else
    dpkg-deb --extract "$deb" "$root"
fi
grep -q '^ExecStart=/usr/bin/fluxgate run /etc/fluxgate/%i.json' "$root/usr/lib/systemd/system/fluxgate@.service" || fail "the unit starts another program"
if grep -rIl -e "$build" -e "$work" "$root/usr" "$root/etc"; then fail "the files above name the build"; fi
if command -v apt-get >/dev/null && ! apt-get install --simulate --no-install-recommends "$deb" >"$work/apt" 2>&1; then
    cat "$work/apt"
    fail "apt-get could not install it here"
fi

echo "-- run"
fluxgate=$root/usr/bin/fluxgate
unset LD_LIBRARY_PATH FLUXGATE_STAGE_PATH
ldd "$fluxgate" >"$work/ldd" # no pipe into grep -q: it ends at the first match, and what still writes fails
grep -q "libfluxgate.so.1 => $root/usr/" "$work/ldd" || fail "it does not use the library of the package"
"$fluxgate" stages >"$work/stages"
grep -q "^input/influxdbv2@v1 .*$root/usr/lib/fluxgate/stages/fluxgate_stage_influxdb.so" "$work/stages" || { cat "$work/stages"; fail "it does not find its stages"; }
"$fluxgate" validate "$root/usr/share/doc/fluxgate/pipelines/plant-to-files.json" >/dev/null || fail "the example is not valid"
"$server" --port 0 --port-file "$work/port" --token the-token >/dev/null &
server_pid=$!
for _ in $(seq 100); do
    [ -s "$work/port" ] && break
    sleep 0.1
done
cat >"$root/etc/fluxgate/plant.json" <<JSON
{"type":"input/influxdbv2@v1","displayName":"p","url":"http://127.0.0.1","port":$(cat "$work/port"),"organization":"test-org","interval":"5s","format":{"type":"json"},
 "query":{"expression":"from(bucket:\"plant\") |> range(start: -5m)"},"authentication":{"type":"accessToken","accessToken":"PLANT_TOKEN"}}
JSON
PLANT_TOKEN=the-token "$fluxgate" run "$root/etc/fluxgate/plant.json" --once >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "the installed program does not run"; }
read -r first <"$work/out"
[[ $first == '{"systemProperties":'*'"payload":{'* ]] || fail "no message came out"

if [ "$(id -u)" -eq 0 ]; then
    echo "-- remove"
    run_dpkg --purge fluxgate
    [ -f "$root/etc/fluxgate/plant.json" ] || fail "the administrator's document is gone"
    rm -rf "$root/etc" "$root/var"
    left=$(find "$root" -type f -o -type l)
    [ -z "$left" ] || fail "it leaves behind: $left"
fi
