#!/usr/bin/env bash
# Plays the scenarios of tests/contract on Apache Kafka Connect and prints one line for each.
set -euo pipefail
cd "$(dirname "$0")/.."
export MILLSTREAM_CACHE="${MILLSTREAM_CACHE:-$HOME/.cache/millstream}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MILLSTREAM_CACHE/target}"

scripts/setup.sh base kafka
cargo test --quiet -p millstream-tests --test suite -- contract::java_keeps_the_contract --exact --ignored --nocapture
