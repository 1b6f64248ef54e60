# The Debian packages that building and testing need: the one list, sourced by tests/run.sh, tests/full.sh and
# examples/quickstart.sh.
# shellcheck shell=bash

FLUXGATE_BUILD_PACKAGES=(g++ cmake ninja-build ccache pkgconf libboost1.81-dev libssl-dev zlib1g-dev libisal-dev rapidjson-dev libvalijson-dev
    libjq-dev libxxhash-dev libsqlite3-dev libfmt-dev libspdlog-dev libcli11-dev ca-certificates)
FLUXGATE_TEST_PACKAGES=(catch2 binutils curl python3 python3-jsonschema python3-xxhash)
FLUXGATE_BENCH_PACKAGES=(python3 python3-venv python3-matplotlib util-linux)
# What the benchmark's rivals are built with, as COMMAND=PACKAGE: a command that is there already, from wherever, is used.
FLUXGATE_RIVAL_TOOLS=(go=golang-go node=nodejs npm=npm javac=default-jdk-headless mvn=maven)
FLUXGATE_FULL_PACKAGES=(clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev git g++-aarch64-linux-gnu qemu-user-static chromium)

# need_packages NAME...: installs what is missing with apt-get (through sudo when not root). Without apt-get it says what is
# needed and goes on: cmake then names what it cannot find.
need_packages() {
    local missing=() name
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian system, so nothing is installed. Needed are the equivalents of:" >&2
        echo "  $*" >&2
        return 0
    fi
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing, and installing them needs root:" >&2
            echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        sudo=(sudo)
        [ -t 0 ] || sudo+=(-n) # nobody is there to type a password
    fi
    echo "Installing: ${missing[*]}" >&2
    "${sudo[@]}" apt-get update -q >&2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}

# build_jobs: how many compilers side by side; each may want 1.5 GB.
build_jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemTotal:/ { print int($2 / 1572864) }' /proc/meminfo 2>/dev/null || echo "$cores")
    [ "$memory" -ge 1 ] || memory=1
    [ "$cores" -lt "$memory" ] && echo "$cores" || echo "$memory"
}
