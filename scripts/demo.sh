#!/usr/bin/env bash
# The demo, as `make demo` runs it: services are fetched while cargo compiles.
set -euo pipefail
cd "$(dirname "$0")/.."
export MILLSTREAM_CACHE="${MILLSTREAM_CACHE:-$HOME/.cache/millstream}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$MILLSTREAM_CACHE/target}"

scripts/setup.sh base
parts=()
for part in kafka postgres python; do
    scripts/setup.sh "$part" &
    parts+=($!)
done
trap 'kill "${parts[@]}" 2>/dev/null || true' EXIT
# The whole workspace: a selection of packages would compile dependencies again with other features.
cargo build --workspace --bins
for part in "${parts[@]}"; do wait "$part"; done
trap - EXIT
exec "$CARGO_TARGET_DIR/debug/demo" "$@"
