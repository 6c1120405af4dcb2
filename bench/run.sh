#!/usr/bin/env bash
# Measures HostMemd beside the distribution's QEMU and qemu-storage-daemon, in turn, and prints tables.
# usage: bench/run.sh [--append] [--rounds N] [NAME…]
#   NAME       roundtrip pipeline clients connect adddel rpc scale beside start ctl micro prealloc handover; without one, all
#   --append   puts the tables into bench/RESULTS.md; those that were there go to bench/history
#   --rounds   how often each is measured; every script has its own default
#   HOSTMEMD   a published daemon to measure; otherwise it is published here
# Needs gcc, python3, taskset; qemu-system-x86_64 and qemu-storage-daemon are measured where they are. Let nothing else run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(roundtrip pipeline clients connect adddel rpc scale beside start ctl micro prealloc handover)
names=() append=() results=() rounds=()
while (($#)); do
    case $1 in
        --append) append=(--append) results=(--append bench/RESULTS.md) ;;
        --rounds) rounds=(--rounds "$2"); shift ;;
        -*) sed -n '2,/^set/{/^set/d;s/^# \?//;p}' "$0"; exit 2 ;;
        *) names+=("$1") ;;
    esac
    shift
done
((${#names[@]})) || names=("${all[@]}")
for name in "${names[@]}"; do
    [[ " ${all[*]} " == *" $name "* ]] || { echo "no such name: $name; there are ${all[*]}" >&2; exit 2; }
done

. bench/common/prepare.sh
for program in load floor; do gcc -O2 -Wall -Werror -o "$tools/$program" "bench/load/$program.c"; done

for name in "${names[@]}"; do
    case $name in
        prealloc | handover) "bench/$name/run.sh" "${append[@]}" "${rounds[@]}" ;;
        micro) bench/micro/run.sh "${append[@]}" ;;
        rpc)
            dotnet build bench/rpc/peer -c Release --nologo -v quiet >&2
            python3 bench/rpc/bench.py --daemon "$HOSTMEMD" --load "$tools/load" --peer artifacts/bin/Peer/release/rpc-peer.dll "${rounds[@]}" "${results[@]}" ;;
        scale) python3 bench/scale/bench.py --daemon "$HOSTMEMD" --load "$tools/load" "${rounds[@]}" "${results[@]}" ;;
        beside) python3 bench/scale/beside.py --daemon "$HOSTMEMD" "${rounds[@]}" "${results[@]}" ;;
        ctl)
            dotnet publish src/Ctl -c Release --nologo -v quiet >&2
            python3 bench/ctl/bench.py --daemon "$HOSTMEMD" --ctl artifacts/publish/Ctl/release/hostmemctl \
                "${rounds[@]}" "${results[@]}"
            ;;
        start) python3 bench/start/bench.py --daemon "$HOSTMEMD" "${rounds[@]}" "${results[@]}" ;;
        *) python3 bench/wire/bench.py --daemon "$HOSTMEMD" --load "$tools/load" --floor "$tools/floor" "${rounds[@]}" "${results[@]}" "$name" ;;
    esac
done
