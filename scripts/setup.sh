#!/usr/bin/env bash
# Makes a bare Debian 12 able to build Millstream and to start the services its tests and demo use.
#
#   scripts/setup.sh [part...]      parts: base kafka postgres minio python   (none: all of them)
#
# Everything downloaded or built lands in one folder, ${MILLSTREAM_CACHE:-$HOME/.cache/millstream}; a part that is
# already there costs nothing and needs no network. Parts may run side by side: each takes its own lock.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MILLSTREAM_CACHE:-$HOME/.cache/millstream}
mkdir -p "$cache/bin" "$cache/stamps" "$cache/locks"

# Keep in step with tests/testbed/src/cache.rs.
kafka_version=4.3.1
postgres_version=18.6.0
minio_version=v0.0.0-20260212201848-7aac2a2c5b7c

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"; }

# A stamp names a part and what it was made from, so that a changed version or pom makes the part anew.
stamped() { [ -e "$cache/stamps/$1" ]; }
stamp() { rm -f "$cache/stamps/${1%%@*}@"*; : >"$cache/stamps/$1"; }
inputs() { cat "$@" | cksum | cut -d' ' -f1; }

quiet() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "failed: $*"
    fi
    rm -f "$log"
}

maven() {
    need java "install a JDK of version 17 or later, for example: apt-get install openjdk-17-jdk-headless"
    need mvn "install Apache Maven, for example: apt-get install maven"
    quiet mvn -q -B -f "$here/services/$1/pom.xml" "${@:2}"
}

part_base() {
    need cargo "install Rust with rustup; rust-toolchain.toml names the version"
    need java "install a JDK of version 17 or later, for example: apt-get install openjdk-17-jdk-headless"
    need mvn "install Apache Maven, for example: apt-get install maven"
    need go "install Go 1.24 or later: it compiles the S3 server used by tests"
    local java_major
    java_major=$(java -XshowSettings:none -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n1)
    [ "${java_major:-0}" -ge 17 ] || fail "java is version ${java_major:-unknown}: Kafka needs 17 or later"

    command -v dpkg-query >/dev/null 2>&1 || { say "not a Debian: make sure a C compiler, cmake and OpenSSL headers are there"; return; }
    local missing=() package
    for package in build-essential pkg-config cmake libssl-dev zlib1g-dev libcurl4-openssl-dev python3-venv xz-utils; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        need sudo "run this as root, or install: ${missing[*]}"
        sudo=(sudo)
    fi
    say "base: installing ${missing[*]}"
    quiet "${sudo[@]}" apt-get update
    quiet "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

part_kafka() {
    local name home
    name=kafka@$kafka_version-$(inputs "$here/services/kafka/pom.xml")
    home=$cache/kafka-$kafka_version
    stamped "$name" && return
    say "kafka: fetching Apache Kafka $kafka_version"
    rm -rf "$home"
    mkdir -p "$home/plugins"
    maven kafka dependency:copy-dependencies -Dkafka.version=$kafka_version -DoutputDirectory="$home/libs"
    say "kafka: formatting a storage template and archiving classes for a quick start"
    "$here/services/kafka/prepare.sh" "$home" "$here/services/log4j2.properties" || fail "kafka: could not prepare $home"
    stamp "$name"
}

part_postgres() {
    local name home platform work
    name=postgres@$postgres_version
    home=$cache/postgres-$postgres_version
    stamped "$name" && return
    case $(uname -m) in
        x86_64) platform=linux-amd64 ;;
        aarch64) platform=linux-arm64v8 ;;
        *) fail "postgres: no binaries for $(uname -m)" ;;
    esac
    say "postgres: fetching Postgres $postgres_version"
    work=$(mktemp -d "$cache/postgres.XXXXXX")
    maven postgres dependency:unpack-dependencies -Dpostgres.version=$postgres_version \
        -Dpostgres.platform=$platform -DmarkersDirectory="$work/markers" -DoutputDirectory="$work/jar"
    mkdir "$work/home"
    tar -xJf "$work"/jar/*.txz -C "$work/home"
    rm -rf "$home"
    mv "$work/home" "$home"
    rm -rf "$work"
    stamp "$name"
}

part_minio() {
    local name
    name=minio@$minio_version
    stamped "$name" && [ -x "$cache/bin/minio" ] && return
    need go "install Go 1.24 or later: it compiles the S3 server used by tests"
    say "minio: compiling MinIO (some minutes the first time)"
    # Built aside and renamed, so that nobody ever starts half a binary.
    GOBIN=$cache/minio.building quiet go install "github.com/minio/minio@$minio_version"
    mv "$cache/minio.building/minio" "$cache/bin/minio"
    rmdir "$cache/minio.building"
    stamp "$name"
    say "minio: done"
}

part_python() {
    local name
    name=python@$(inputs "$here/services/requirements.txt")
    stamped "$name" && return
    need python3 "install Python 3, for example: apt-get install python3-venv"
    say "python: installing pyarrow, moto and clients of Kafka Connect"
    rm -rf "$cache/python"
    quiet python3 -m venv "$cache/python"
    quiet "$cache/python/bin/pip" install -q --disable-pip-version-check -r "$here/services/requirements.txt"
    stamp "$name"
}

[ $# -gt 0 ] || set -- base kafka postgres minio python
for part in "$@"; do
    declare -F "part_$part" >/dev/null || fail "unknown part $part (base kafka postgres minio python)"
    # The lock is held by this shell's descriptor and ends with it, however it ends.
    exec 9>"$cache/locks/$part"
    flock -n 9 || { say "$part: waiting for another set-up"; flock 9; }
    "part_$part"
    exec 9>&-
done
