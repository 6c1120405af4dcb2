#!/usr/bin/env bash
# Publishes the daemon as Native AOT, with whatever framework it can be had for, and runs the recorded sessions against it.
# usage: eng/aot-check.sh [FRAMEWORK]
#   FRAMEWORK  net10.0, net9.0; without one the first of these that can be restored
# Prints warnings of the compiler (any is a failure), size, start-up time and PSS. Needs gcc or clang, zlib's headers, python3; the
# sessions and the program that replays them are looked for in ../shared.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
root=$PWD shared=$(realpath ../shared)
work=$(mktemp -d)
trap '[[ -n ${daemon:-} ]] && kill "$daemon" 2>/dev/null; rm -rf "$work"' EXIT

# Into a folder of its own: what is built for one framework is no use to the other.
publish() {
    dotnet publish src/HostMemd -c Release --nologo -v quiet -p:HostMemdFramework="$1" -p:PublishAot=true \
        --artifacts-path "$work/artifacts" -o "$work/out" >"$work/log" 2>&1
}

for framework in ${1:-net10.0 net9.0}; do
    if publish "$framework"; then
        break
    fi
    # A pack that cannot be had is no fault of the code, unless it was asked for.
    if [[ -n ${1:-} || $framework == net9.0 ]] || ! grep -q NU1101 "$work/log"; then
        cat "$work/log"
        exit 1
    fi
    echo "$framework: $(grep -o 'Unable to find package [^ ]*' "$work/log" | head -n 1)"
done
program=$work/out/hostmemd
file=$(stat -c %s "$program")
echo "$framework: $((file >> 10)) KiB"
if grep -E 'warning (IL|AOT)' "$work/log" | sort -u; then
    echo "the compiler warns"
    exit 1
fi

PYTHONPATH=bench/common PYTHONDONTWRITEBYTECODE=1 python3 - "$program" "$work" <<'END'
import sys, time
from server import Server
from table import median
started, pss = [], []
for _ in range(11):
    server = Server("ours", sys.argv[1], sys.argv[2])
    time.sleep(0.2)
    started.append(server.started * 1e3)
    pss.append(server.pss() / 1024)
    server.end()
print(f"exec to greeting {median(started):.1f} ms (best {min(started):.1f}), PSS {median(pss):.1f} MiB")
END

if [[ ! -x $shared/tools/qmp-replay ]]; then
    echo "no recorded sessions here"
    exit 0
fi
"$program" --qmp "unix:$work/qmp.sock" --smp 1 >"$work/daemon.log" 2>&1 &
daemon=$!
for _ in {1..100}; do
    [[ -S $work/qmp.sock ]] && break
    sleep 0.05
done
# Those that differ on purpose are the same for every build; tests/integration knows them by name.
"$shared/tools/qmp-replay" "$work/qmp.sock" "$shared"/corpus/*.jsonl --strict-bytes --not-tag differs | tail -n 3
