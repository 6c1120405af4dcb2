#!/bin/sh
# Fetches the distribution's kernel for virtual machines, for the tests that boot a guest: downloaded and unpacked, not installed.
# Puts it at artifacts/guest/vmlinuz below the repository. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/../../.."
to=artifacts/guest
[ -s "$to/vmlinuz" ] && exit 0
case $(dpkg --print-architecture) in
amd64) meta=linux-image-cloud-amd64 ;;
*) echo "no kernel is known for this architecture" >&2; exit 1 ;;
esac
package=$(apt-cache depends --important "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p' | head -n 1)
[ -n "$package" ] || { echo "$meta is not known; run apt-get update" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as a user of its own
(cd "$work" && apt-get -q download "$package" >&2)
dpkg -x "$work"/*.deb "$work/x"
mkdir -p "$to"
cp "$work"/x/boot/vmlinuz-* "$to/vmlinuz.new"
mv "$to/vmlinuz.new" "$to/vmlinuz"
