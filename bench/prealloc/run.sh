#!/usr/bin/env bash
# How fast memory is filled: hostmemd, a C program and the distribution's QEMU in turn, on one thread and two.
# usage: bench/prealloc/run.sh [--append] [--rounds N] [--mib N] [--kinds private,memfd,hugetlb] [--threads 1,2]
#   --append   puts the table into bench/RESULTS.md; the one that was there goes to bench/history
#   HOSTMEMD   a published daemon to measure; otherwise it is published here
# Needs gcc, python3, qemu-system-x86_64; root for the pool of huge pages, which is put back.
set -euo pipefail
cd "$(dirname "$0")/../.."
. bench/common/prepare.sh

for program in fill wait; do
    gcc -O2 -Wall -pthread -o "$tools/$program" "bench/prealloc/$program.c"
done
python3 bench/prealloc/bench.py --daemon "$HOSTMEMD" --tools "$tools" "${arguments[@]}"
