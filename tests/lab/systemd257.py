# lab: --suite trixie --cpus 2 --mem 2048 --hugepages-2m 24 --share deploy:/deploy
# packages: qemu-system-x86
"""The same under systemd 257."""

import runpy

runpy.run_path("/lab/systemd.py", run_name="__main__")
