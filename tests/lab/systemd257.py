# lab: --timeout 1800 --suite trixie --cpus 1 --cpu-model Nehalem,-cx16 --mem 2048 --hugepages-2m 24 --share deploy:/deploy
# packages: qemu-system-x86
"""The same under systemd 257. Without cmpxchg16b, which QEMU 7.2 emulates so that the kernel of Debian 13 panics in its allocator."""

import runpy

runpy.run_path("/lab/systemd.py", run_name="__main__")
