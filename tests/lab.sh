#!/usr/bin/env bash
# What needs another machine — NUMA nodes, pools of huge pages, KSM, core dumps — is tested in throw-away VMs (../shared/tools/vm-lab).
# usage: tests/lab.sh [SUITE[:WORD]...]     a suite is a file of tests/lab, all of them by default; only cases with WORD in their name
#   VM_LAB           the vm-lab to use
#   LAB_HOSTMEMD     a self-contained daemon's folder; otherwise one is published here
#   LAB_TIMEOUT      seconds for a suite, instead of its own or 600
#   LAB_IMAGE        the Debian to boot where a suite does not say: bookworm (Linux 6.1), trixie (6.12)
# A suite is one boot: its line "# lab: ..." has vm-lab's options, "# packages: ..." what its image needs. It prints "N passed, N failed".
# Needs root, QEMU and about 20 s a boot. Not part of test.sh.
set -uo pipefail
cd "$(dirname "$0")/.."

lab=${VM_LAB:-../shared/tools/vm-lab}
[[ -x $lab ]] || { echo "tests/lab.sh: no vm-lab at $lab" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

daemon=${LAB_HOSTMEMD:-}
if [[ -z $daemon ]]; then
    daemon=$work/hostmemd
    # The VM has no .NET.
    dotnet publish src/HostMemd -c Release -r linux-x64 -p:SelfContained=true -p:DebugType=none -p:ArtifactsPath="$work/artifacts" \
        -o "$daemon" --nologo -v quiet >"$work/publish.log" 2>&1 || { cat "$work/publish.log" >&2; exit 2; }
fi

passed=0 failed=0 suites=("$@")
((${#suites[@]})) || suites=($(grep -l '^# lab:' tests/lab/*.py | xargs -n 1 basename -s .py))
for named in "${suites[@]}"; do
    IFS=: read -r suite word <<<"$named"
    file=tests/lab/$suite.py
    read -ra options <<<"$(sed -n 's/^# lab: *//p' "$file" | tr '\n' ' ')"
    echo "== $suite (${options[*]})"
    packages=$(sed -n 's/^# packages: *//p' "$file" | tr -s ' ' ,)
    image=$(sed -n 's/.*--suite \([a-z]*\).*/\1/p' <<<"${options[*]}")
    [[ -n $image || -z ${LAB_IMAGE:-} ]] || { image=$LAB_IMAGE; options+=(--suite "$image"); }
    [[ -z $packages ]] || "$lab" build --suite "${image:-bookworm}" --with "$packages" || { failed=$((failed + 1)); continue; }
    # A VM under TCG dies now and then; that says nothing about the daemon.
    for attempt in 1 2 3; do
        "$lab" run ${LAB_TIMEOUT:+--timeout "$LAB_TIMEOUT"} "${options[@]}" --timeout 600 --share "$daemon:/hostmemd" --share "$PWD/tests/lab:/lab" \
            -- python3 -B "/lab/$suite.py" ${word:+"$word"} 2>&1 | tee "$work/out"
        status=${PIPESTATUS[0]}
        ((status == 124 || status == 125)) || break
        echo "== $suite: the VM gave no result (attempt $attempt)"
    done
    if read -r p f < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/out" | tail -n 1) && [[ -n $p ]]; then
        passed=$((passed + p)) failed=$((failed + f))
    else
        failed=$((failed + 1))
    fi
done
echo "lab: $passed passed, $failed failed"
((failed == 0))
