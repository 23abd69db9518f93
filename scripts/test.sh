#!/usr/bin/env bash
# The gate, as `make test` and continuous integration run it.
set -euo pipefail
cd "$(dirname "$0")/.."
export MILLSTREAM_CACHE="${MILLSTREAM_CACHE:-$HOME/.cache/millstream}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MILLSTREAM_CACHE/target}"

scripts/setup.sh base
# The services are fetched, and the S3 server is compiled, beside cargo's own work.
scripts/setup.sh kafka postgres python minio &
services=$!
trap 'kill "$services" 2>/dev/null || true' EXIT

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
# Tests drive the built binary, which `cargo test` alone does not bring up to date.
cargo build --workspace --bins
cargo test --workspace --no-run
wait "$services"
trap - EXIT
cargo test --workspace --no-fail-fast
