#!/bin/bash
# The one test command: installs what the tests use and the machine lacks, builds with warnings as errors, checks the format, asks whether
# a package has known weaknesses, runs unit tests and the fault matrix, publishes, runs the integration tests against what was published,
# fuzzes it, and closes with one line "N passed, N failed". What cannot be had skips the tests that need it, visibly.
#   HOSTMEMD_FUZZ_SECONDS=N    fuzz for that long, 120 by default, 0: not at all
#   HOSTMEMD_FAULTS_FULL=1     every call with every errno in the fault matrix, not a sample
set -u
# What whoever starts this ignores (nohup, a background job of a script), the daemons would ignore as well, and those are tested.
if [[ -z ${HOSTMEMD_SIGNALS:-} ]] && env --default-signal=HUP,INT,QUIT true 2>/dev/null; then
  HOSTMEMD_SIGNALS=default exec env --default-signal=HUP,INT,QUIT bash "$0" "$@"
fi
cd "$(dirname "$(realpath "$0")")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
# Whatever of .NET is killed leaves three files in /tmp otherwise.
export DOTNET_EnableDiagnostics=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

passed=0 failed=0 skipped=0
finish() {
  local line="$passed passed, $failed failed"
  ((skipped)) && line+=", $skipped skipped"
  echo "$line"
  ((failed == 0 && passed > 0))
  exit
}

# program: package
install_missing() {
  local need=() entry
  for entry in socat:socat jq:jq gcc:gcc gcc:libc6-dev objcopy:binutils python3:python3 strace:strace node:nodejs npm:npm setpriv:util-linux busybox:busybox-static dpkg:dpkg qemu-system-x86_64:qemu-system-x86 qemu-x86_64:qemu-user \
    systemd-analyze:systemd systemd-socket-activate:systemd tmux:tmux zsh:zsh fish:fish mandoc:mandoc ssh:openssh-client sshd:openssh-server; do
    command -v "${entry%%:*}" >/dev/null || need+=("${entry#*:}")
  done
  [[ ${#need[@]} -gt 0 && $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 0
  echo "installing: ${need[*]}"
  export DEBIAN_FRONTEND=noninteractive
  timeout 120 apt-get update -qq >/dev/null 2>&1
  local package
  for package in "${need[@]}"; do
    timeout 180 apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || echo "could not be installed: $package"
  done
}

# The kernel that the tests boot guests with: downloaded and unpacked, not installed.
fetch_guest_kernel() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 0
  timeout 180 sh tests/integration/Handover/guest-kernel.sh >/dev/null 2>&1 || echo "could not be had: a kernel for guests"
}

# The npm packages of the JSON-RPC clients that are tested: below artifacts.
install_node_packages() {
  command -v npm >/dev/null || return 0
  timeout 180 sh tests/integration/Rpc/node-packages.sh >/dev/null 2>&1 || echo "could not be had: the npm packages of the JSON-RPC tests"
}

# The followed QEMU and the real qmp-shell live in a chroot that takes a minute to make, once.
build_reference() {
  local tool=../shared/tools/qemu-reference
  [[ $(id -u) == 0 && -x $tool ]] || return 0
  timeout 240 "$tool" build >/dev/null 2>&1 || echo "could not be made: the chroot of qemu-reference"
}

# A step that counts as one failure when it fails.
step() {
  echo "== $1"
  shift
  "$@" && return
  failed=$((failed + 1))
  return 1
}

# Packages with known weaknesses; the list is the registry's, which may not be there to be asked.
audit_packages() {
  local answer
  answer=$(timeout 120 dotnet list package --vulnerable --include-transitive 2>&1)
  local status=$?
  grep -A 99 'has the following vulnerable' <<<"$answer" && return 1
  if ((status)) || ! grep -q 'has no vulnerable packages' <<<"$answer"; then
    echo "skipped: the registry does not tell of vulnerable packages: $(tail -n 1 <<<"$answer")"
    skipped=$((skipped + 1))
  fi
}

# Both modes, a fifth of the time in process; the seed that it prints makes the same inputs again.
fuzz_seconds=${HOSTMEMD_FUZZ_SECONDS:-120}
fuzz() {
  ((fuzz_seconds > 0)) || return 0
  timeout $((fuzz_seconds + 180)) dotnet run --project tests/fuzz --no-build -- --mode both --seconds "$fuzz_seconds"
}

# Runs one test project and adds up its results.
run_tests() {
  local name=$1 log=$results/$1.trx counters
  echo "== tests/$name"
  dotnet test "tests/$name" --no-build --logger "console;verbosity=minimal" --logger "trx;LogFileName=$log" || true
  counters=$(grep -o '<Counters [^>]*>' "$log" 2>/dev/null | tail -n 1)
  if [[ -z $counters ]]; then
    echo "tests/$name did not run to its end"
    failed=$((failed + 1))
    return
  fi
  local total executed good
  total=$(sed 's/.* total="\([0-9]*\)".*/\1/' <<<"$counters")
  executed=$(sed 's/.* executed="\([0-9]*\)".*/\1/' <<<"$counters")
  good=$(sed 's/.* passed="\([0-9]*\)".*/\1/' <<<"$counters")
  passed=$((passed + good))
  failed=$((failed + executed - good))
  skipped=$((skipped + total - executed))
  # Which tests did not run, and why.
  [[ $total == "$executed" ]] || grep -o '<Message>needs [^<]*' "$log" | sed 's/<Message>//' | sort | uniq -c | sed 's/^/skipped: /'
}

install_missing
fetch_guest_kernel
install_node_packages
build_reference
step restore dotnet restore --verbosity quiet || finish
step build dotnet build --no-restore --verbosity quiet -warnaserror || finish
step format dotnet format --no-restore --verify-no-changes --verbosity quiet
step audit audit_packages
run_tests unit
run_tests faults
# What is installed is tested, not what is built on the way to it: trimming and compiling ahead have broken it before.
publish=(dotnet publish src/HostMemd -c Release --verbosity quiet)
if ! { command -v gcc || command -v clang; } >/dev/null || ! command -v objcopy >/dev/null || [[ ! -e /usr/include/stdio.h ]]; then
  echo "no linker for a native executable (gcc, binutils, libc6-dev): the ReadyToRun fallback is tested instead"
  publish+=(-p:PublishAot=false)
  export HOSTMEMD_READYTORUN=1
fi
rm -rf artifacts/publish
step publish "${publish[@]}" &&
  export HOSTMEMD_BINARY=$PWD/artifacts/publish/HostMemd/release/hostmemd
step "publish hostmemctl" "${publish[@]/HostMemd/Ctl}" &&
  export HOSTMEMCTL_BINARY=$PWD/artifacts/publish/Ctl/release/hostmemctl
run_tests integration
step "fuzz ($fuzz_seconds s)" fuzz
finish
