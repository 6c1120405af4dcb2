#!/usr/bin/env bash
# Mixed load for a long time; memory, descriptors, threads and mappings must end where they began.
# usage: bench/soak.sh [--seconds N]   (3600)
#   HOSTMEMD   a published daemon; otherwise it is published here
# Prints the figures before and after and fails when any has grown. Needs python3.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/common/prepare.sh
python3 bench/soak/soak.py --daemon "$HOSTMEMD" "$@"
