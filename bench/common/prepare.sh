# Sourced by the scripts that measure, at the top of the tree: HOSTMEMD is a published daemon, tools a folder that goes away.
export PYTHONPATH=bench/common PYTHONDONTWRITEBYTECODE=1
if [[ -z ${HOSTMEMD:-} ]]; then
    dotnet publish src/HostMemd -c Release --nologo -v quiet >&2
    HOSTMEMD=artifacts/publish/HostMemd/release/hostmemd
fi
HOSTMEMD=$(realpath "$HOSTMEMD")
export HOSTMEMD
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

# In a script's own words --append stands alone; the programs are told the file.
arguments=()
for word; do
    if [[ $word == --append ]]; then arguments+=(--append bench/RESULTS.md); else arguments+=("$word"); fi
done
