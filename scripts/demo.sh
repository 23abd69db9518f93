#!/usr/bin/env bash
# The demo, as `make demo` runs it: services are fetched while cargo compiles.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh base
parts=()
for part in kafka postgres python; do
    scripts/setup.sh "$part" &
    parts+=($!)
done
trap 'kill "${parts[@]}" 2>/dev/null || true' EXIT
# The profile of the benchmarks would compile for minutes; the default one shows the same thing.
cargo build -p millstream -p millstream-testbed --bins
for part in "${parts[@]}"; do wait "$part"; done
trap - EXIT
exec cargo run -q -p millstream-testbed --bin demo -- "$@"
