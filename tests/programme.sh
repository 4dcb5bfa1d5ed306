#!/bin/sh
# The crash programme: the simulated disk, then real kernels. Short unless
# --long is given; docs/testing.md says what each part shows and prints.
#
#   sh tests/programme.sh                  all of it, a few minutes
#   sh tests/programme.sh --long           all of it, in full: hours
#   sh tests/programme.sh --long kill xfs  some parts of it
#
# The variables below can be set to something else. Parts that need root,
# Linux, strace or loop devices say that they skip where those are missing.
set -eu
cd "$(dirname "$0")/.."

profile=
if [ "${1:-}" = --long ]; then
    shift
    profile=--release
    : "${ANNALS_KILLS:=10000}" "${ANNALS_SHUTDOWNS:=1000}" "${ANNALS_DISKS:=50}"
    : "${ANNALS_CRASH_SECONDS:=1800}" "${ANNALS_CRASH_ALL:=1}"
    export ANNALS_KILLS ANNALS_SHUTDOWNS ANNALS_DISKS
    export ANNALS_CRASH_SECONDS ANNALS_CRASH_ALL
fi

status=0
# Optimised where it counts states; with all assertions where it waits for disks.
# shellcheck disable=SC2086
cargo test $profile --all-features --test crash -- "$@" || status=1
cargo test --all-features --test kernels -- "$@" || status=1
exit "$status"
