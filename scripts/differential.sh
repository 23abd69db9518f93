#!/usr/bin/env bash
# Converters and transformations beside Kafka Connect's own classes, on cases made up at random.
# CASES: how many of each kind; SEED: which; ONLY: kinds or subjects, separated by commas; SHOW: how many differences of a kind.
set -euo pipefail
cd "$(dirname "$0")/.."
export MILLSTREAM_CACHE="${MILLSTREAM_CACHE:-$HOME/.cache/millstream}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MILLSTREAM_CACHE/target}"

scripts/setup.sh base kafka
cache=$MILLSTREAM_CACHE
kafka="$(find "$cache" -maxdepth 1 -type d -name 'kafka-*' | sort -V | tail -n 1)"
classes="$cache/differential"
mkdir -p "$classes"
javac -nowarn -d "$classes" -cp "$kafka/libs/*" runtime/plugins/tests/differential/java/*.java
export MILLSTREAM_DIFFERENTIAL_CLASSES="$kafka/libs/*:$classes"
cargo test --quiet -p millstream-plugins --test golden -- --ignored --nocapture --test-threads=1
