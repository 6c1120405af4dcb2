# lab: --timeout 1800 --suite trixie --cpus 1 --kernel-args clearcpuid=cx16 --mem 2048 --hugepages-2m 24 --share deploy:/deploy
# packages: qemu-system-x86
"""The same under systemd 257. The kernel of Debian 13 does without cmpxchg16b, which QEMU 7.2 emulates so that its allocator panics;
the CPU keeps the instruction, since the daemon's native code uses it: with -cx16 the daemon dies of SIGILL."""

import runpy

runpy.run_path("/lab/systemd.py", run_name="__main__")
