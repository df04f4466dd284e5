#!/usr/bin/env bash
# Lets consumers that others wrote read what walcast writes: see README.md. Arguments go to the driver, for example
#   tests/consumers/run.sh --consumer flink --consumer pathway
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --bin walcast --example consumers
exec "${CARGO_TARGET_DIR:-target}/release/examples/consumers" "$@"
