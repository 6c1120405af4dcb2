#!/usr/bin/env bash
# The parser, the writer and the look-up by themselves: nanoseconds and bytes allocated (BenchmarkDotNet).
# usage: bench/micro/run.sh [--append]
#   --append   adds the tables to bench/RESULTS.md
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dotnet run --project bench/micro -c Release -- "$folder" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
text=$(printf '### micro: %s\n\nBenchmarkDotNet; `bench/run.sh micro`\n' "$(date +%F)"
    for report in "$folder"/results/*-github.md; do printf '\n'; grep '^|' "$report" | sed "s/&#39;//g"; done)
printf '%s\n\n' "$text"
if [[ ${1:-} == --append ]]; then printf '%s\n\n' "$text" >>bench/RESULTS.md; fi
