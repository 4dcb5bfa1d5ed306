#!/bin/sh
# Imports a small real event log, reads one player's career, verifies the
# store and shows its figures. Each run makes a store of its own.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --features cli --bin annals
annals() {
    echo
    echo "\$ annals $*"
    cargo run --quiet --release --features cli --bin annals -- "$@"
}

store=$(mktemp -d)/careers
annals import "$store" tests/data/careers.jsonl.gz
annals read "$store" player/robinja02
annals verify "$store"
annals stat "$store"
echo
echo "The store is in $store; remove it when you have seen enough."
