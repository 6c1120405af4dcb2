#!/usr/bin/env bash
# The parser, the writer and the look-up by themselves: nanoseconds and bytes allocated (BenchmarkDotNet).
# usage: bench/micro/run.sh [--append]
#   --append   puts the tables into bench/RESULTS.md; those that were there go to bench/history
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dotnet run --project bench/micro -c Release -- "$folder" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
text=$(printf 'BenchmarkDotNet; `bench/run.sh micro`\n'
    for report in "$folder"/results/*-github.md; do printf '\n'; grep '^|' "$report" | sed "s/&#39;//g"; done)
printf '%s\n\n' "$text"
if [[ ${1:-} == --append ]]; then python3 bench/common/table.py micro <<<"$text"; fi
