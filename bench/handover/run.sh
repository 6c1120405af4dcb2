#!/usr/bin/env bash
# How long a consumer waits for memory that is there already, and for how long QEMU fills the same amount itself.
# usage: bench/handover/run.sh [--append] [--mib N] [--rounds N] [--loans N]
#   --append   puts the table into bench/RESULTS.md; the one that was there goes to bench/history
#   HOSTMEMD   a published daemon to measure; otherwise it is published here
# Needs gcc, python3, qemu-system-x86_64, and twice as much free memory as --mib (4096) says.
set -euo pipefail
cd "$(dirname "$0")/../.."
. bench/common/prepare.sh

gcc -O2 -Wall -Werror -o "$tools/consumer" bench/handover/consumer.c
python3 bench/handover/bench.py --daemon "$HOSTMEMD" --consumer "$tools/consumer" "${arguments[@]}"
